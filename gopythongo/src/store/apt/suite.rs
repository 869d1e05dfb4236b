//! One suite: the indices of a channel, and the `Release` file that says what they hold (the Debian repository format).
//! Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{self, Write as _},
    time::{Duration, UNIX_EPOCH},
};

use flate2::{Compression, GzBuilder};

use super::packages::paragraph;
use crate::{
    store::{DebRelease, Generation},
    support::Digest,
    version::DebianVersion,
};

/// For all machines.
const ALL: &str = "all";

/// A suite's content.
#[derive(Debug)]
pub(super) struct Suite {
    /// The channel's name.
    pub(super) name: String,
    architectures: BTreeSet<String>,
    /// Indices by their paths below the suite: `main/binary-amd64/Packages`.
    pub(super) indices: BTreeMap<String, Vec<u8>>,
}

impl Suite {
    /// The suite of a channel; `None` if no package is in it. `native` is dpkg's name of this machine's architecture.
    ///
    /// # Errors
    /// When an index cannot be compressed.
    pub(super) fn of(generation: &Generation, channel: &str, native: &str) -> io::Result<Option<Self>> {
        let debs = generation.channel(channel).debs;
        let releases: Vec<(&str, &DebRelease)> =
            debs.iter().flat_map(|(name, all)| shown(all).map(move |release| (name.as_str(), release))).collect();
        if releases.is_empty() {
            return Ok(None);
        }
        // a machine asks for what is for it and for what is for all; where all that there is is for all, this one does
        let mut architectures: BTreeSet<String> = [ALL.to_owned(), native.to_owned()].into();
        architectures.extend(releases.iter().map(|(_, release)| release.architecture.clone()));
        let mut indices = BTreeMap::new();
        for architecture in &architectures {
            let fits = |release: &DebRelease| [architecture, ALL].contains(&release.architecture.as_str());
            let own = releases.iter().filter(|(_, release)| fits(release));
            let text: String = own.map(|(name, release)| paragraph(name, release)).collect();
            let path = format!("main/binary-{architecture}/Packages");
            indices.insert(format!("{path}.gz"), compressed(text.as_bytes())?);
            indices.insert(path, text.into_bytes());
        }
        Ok(Some(Self { name: channel.to_owned(), architectures, indices }))
    }

    /// The `Release` file, of a time in seconds since 1970.
    pub(super) fn release(&self, time: u64) -> String {
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(time)).replace("GMT", "UTC");
        let architectures: Vec<&str> = self.architectures.iter().map(String::as_str).collect();
        // apt compares the code name with what stands before a suite's last slash
        let code_name = self.name.rsplit_once('/').map_or(self.name.as_str(), |(head, _)| head);
        let mut text = format!(
            "Origin: gopythongo\nLabel: gopythongo\nSuite: {}\nCodename: {code_name}\n{DATE}{date}\n\
             Acquire-By-Hash: yes\nArchitectures: {}\nComponents: main\nSHA256:\n",
            self.name,
            architectures.join(" "),
        );
        for (path, bytes) in &self.indices {
            // writing to a string cannot fail
            let _ = writeln!(text, " {} {} {path}", Digest::of(bytes), bytes.len());
        }
        text
    }
}

/// What a `Release` file's line with its date begins with.
const DATE: &str = "Date: ";

/// Whether two `Release` files say the same, but for their dates.
pub(super) fn is_same_release(one: &str, other: &str) -> bool {
    let content =
        |text: &'_ str| text.lines().filter(|line| !line.starts_with(DATE)).map(str::to_owned).collect::<Vec<_>>();
    content(one) == content(other)
}

/// The releases of a package that apt is shown, newest promotion first. Apt takes the highest version, a channel what was
/// promoted last: what is higher than that one is left out.
fn shown(releases: &[DebRelease]) -> impl Iterator<Item = &DebRelease> {
    let version = |release: &DebRelease| release.version.parse::<DebianVersion>().ok();
    let newest = releases.last().and_then(version);
    releases.iter().rev().filter(move |release| version(release) <= newest)
}

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // no name, no time: the same bytes for the same index
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::store::Channel;

    fn release(package: &str, version: &str, architecture: &str) -> DebRelease {
        DebRelease {
            version: version.to_owned(),
            architecture: architecture.to_owned(),
            payload: Digest::of(version),
            file: format!("{package}_{version}_{architecture}.deb"),
            digest: Digest::of(version),
            size: 5,
            control: format!("Package: {package}\nVersion: {version}\nArchitecture: {architecture}"),
            commit: None,
            run: "r1".to_owned(),
        }
    }

    fn generation(debs: &[(&str, &str, Vec<DebRelease>)]) -> Generation {
        let mut generation = Generation { number: 1, ..Generation::default() };
        for (channel, package, releases) in debs {
            let channel: &mut Channel = generation.channels.entry((*channel).to_owned()).or_default();
            channel.debs.insert((*package).to_owned(), releases.clone());
        }
        generation
    }

    fn suite(generation: &Generation, channel: &str) -> Suite {
        Suite::of(generation, channel, "amd64").expect("memory").expect("packages")
    }

    fn versions(suite: &Suite, architecture: &str) -> Vec<String> {
        let index = &suite.indices[&format!("main/binary-{architecture}/Packages")];
        let text = String::from_utf8(index.clone()).expect("text");
        text.lines().filter_map(|line| line.strip_prefix("Version: ")).map(str::to_owned).collect()
    }

    #[test]
    fn a_release_file_names_its_indices_with_their_digests() {
        let generation = generation(&[("release/1.5.0", "shop", vec![release("shop", "0.7.0~rc1", "amd64")])]);
        let suite = suite(&generation, "release/1.5.0");
        let text = suite.release(1_700_000_000);
        let head = "Origin: gopythongo\nLabel: gopythongo\nSuite: release/1.5.0\nCodename: release\n\
                    Date: Tue, 14 Nov 2023 22:13:20 UTC\nAcquire-By-Hash: yes\nArchitectures: all amd64\n\
                    Components: main\nSHA256:\n";
        assert!(text.starts_with(head), "{text}");
        for (path, bytes) in &suite.indices {
            assert!(text.contains(&format!("\n {} {} {path}\n", Digest::of(bytes), bytes.len())), "{text}");
        }
        let mut index = String::new();
        let compressed = &suite.indices["main/binary-amd64/Packages.gz"][..];
        flate2::read::GzDecoder::new(compressed).read_to_string(&mut index).expect("gzip");
        assert_eq!(index.as_bytes(), suite.indices["main/binary-amd64/Packages"]);
        assert!(is_same_release(&text, &suite.release(1_800_000_000)));
        assert!(!is_same_release(&text, &text.replace("rc1", "rc2").replace("all amd64", "all")));
    }

    #[test]
    fn each_architecture_sees_its_packages_and_those_for_all() {
        let debs = [
            ("develop", "shop", vec![release("shop", "1", "arm64")]),
            ("develop", "catalog", vec![release("catalog", "2", "all")]),
        ];
        let suite = suite(&generation(&debs), "develop");
        assert_eq!(versions(&suite, "arm64"), ["2", "1"]);
        assert_eq!(versions(&suite, "amd64"), ["2"]);
        assert_eq!(versions(&suite, "all"), ["2"]);
    }

    #[test]
    fn what_was_promoted_last_is_what_apt_takes_for_the_newest() {
        let of = |versions: &[&str]| versions.iter().map(|version| release("shop", version, "amd64")).collect();
        let rising = generation(&[("develop", "shop", of(&["1~dev1", "1~dev2"]))]);
        assert_eq!(versions(&suite(&rising, "develop"), "amd64"), ["1~dev2", "1~dev1"]);
        let back = generation(&[("develop", "shop", of(&["1~dev1", "1~dev3", "1~dev2"]))]);
        assert_eq!(versions(&suite(&back, "develop"), "amd64"), ["1~dev2", "1~dev1"]);
    }

    #[test]
    fn a_suite_falls_back_to_master_as_its_channel_does() {
        let debs = [
            ("master", "shop", vec![release("shop", "1-1", "all")]),
            ("develop", "catalog", vec![release("catalog", "2~dev1", "all")]),
        ];
        let generation = generation(&debs);
        assert_eq!(versions(&suite(&generation, "develop"), "all"), ["2~dev1", "1-1"]);
        assert_eq!(versions(&suite(&generation, "master"), "all"), ["1-1"]);
        assert!(Suite::of(&Generation::default(), "develop", "amd64").expect("memory").is_none());
    }
}
