//! What readers of a store see: its current generation, without what differs from run to run.

use std::{collections::BTreeMap, path::Path};

use gopythongo::store::{Generation, Store};

/// The end state of a store, comparable between runs: no run ids, no times, no numbers of generations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promoted {
    /// Versions of the newest releases, by channel and package: `develop money`.
    pub versions: BTreeMap<String, String>,
    /// Digests of their files, by channel and file name: `develop money-1.5.0-py3-none-any.whl`.
    pub files: BTreeMap<String, String>,
    /// Versions and digests of the newest Debian packages, by channel and package: `develop shop`.
    pub debs: BTreeMap<String, (String, String)>,
    /// Ratchet figures, by channel and step.
    pub figures: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Promoted {
    /// Reads the store below a state directory; empty if there is none.
    #[must_use]
    pub fn read(state: &Path) -> Self {
        let directory = state.join("store");
        if !directory.exists() {
            return Self::default();
        }
        Self::of(&Store::open(&directory).expect("the store opens").current().expect("it has a generation"))
    }

    fn of(generation: &Generation) -> Self {
        let mut promoted = Self::default();
        for (name, channel) in &generation.channels {
            for (package, releases) in &channel.packages {
                let Some(newest) = releases.last() else { continue };
                promoted.versions.insert(format!("{name} {package}"), newest.version.clone());
                for file in &newest.files {
                    promoted.files.insert(format!("{name} {}", file.file), file.digest.to_string());
                }
            }
            for (package, releases) in &channel.debs {
                let Some(newest) = releases.last() else { continue };
                let (version, digest) = (newest.version.clone(), newest.digest.to_string());
                promoted.debs.insert(format!("{name} {package}"), (version, digest));
            }
            for (step, figure) in &channel.ratchets {
                promoted.figures.insert(format!("{name} {step}"), figure.counts.clone());
            }
        }
        promoted
    }

    /// The newest version of a package in `develop`.
    #[must_use]
    pub fn develop(&self, package: &str) -> Option<&str> {
        self.versions.get(&format!("develop {package}")).map(String::as_str)
    }
}
