//! A run's private layer over a generation.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{DebRelease, Figure, Release, StoreError};
use crate::support::{Digest, Durability, write_atomic};

/// What a run has staged, and what it took from the channel that it would be promoted into. A file in the store, so that
/// a resumed run finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The run.
    pub run: String,
    /// The channel that the set will be promoted into.
    pub channel: String,
    /// The generation that the run sees below its stage.
    pub base: u64,
    /// Staged releases by package name.
    pub staged: BTreeMap<String, Release>,
    /// Staged Debian packages by name.
    #[serde(default)]
    pub debs: BTreeMap<String, DebRelease>,
    /// Payload digests of owned packages that the run resolved from the channel; `None` for one that was not there.
    pub resolved: BTreeMap<String, Option<Digest>>,
    /// Ratchet figures to record with the promotion, by step.
    pub ratchets: BTreeMap<String, Figure>,
}

impl Stage {
    pub(super) fn new(run: &str, channel: &str, base: u64) -> Self {
        Self {
            run: run.to_owned(),
            channel: channel.to_owned(),
            base,
            staged: BTreeMap::new(),
            debs: BTreeMap::new(),
            resolved: BTreeMap::new(),
            ratchets: BTreeMap::new(),
        }
    }

    /// Whether nothing is staged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.staged.is_empty() && self.debs.is_empty()
    }
}

/// The file of a run's stage.
///
/// # Errors
/// When the run's id could name a file elsewhere: ids come out of URLs, too.
pub(super) fn path(stages: &Path, run: &str) -> Result<PathBuf, StoreError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if run.is_empty() || run.starts_with('.') || !run.bytes().all(plain) {
        return Err(StoreError::new(format!("`{run}` is no run's id: letters, digits and `-_.` are expected")));
    }
    Ok(stages.join(format!("{run}.json")))
}

/// Reads a stage; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Stage>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| StoreError::new(format!("`{}` is damaged: {error}", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("cannot read", path)(error)),
    }
}

/// Writes a stage, synced.
pub(super) fn write(path: &Path, stage: &Stage) -> Result<(), StoreError> {
    let bytes = serde_json::to_vec(stage)
        .map_err(|error| StoreError::new(format!("cannot write `{}`: {error}", path.display())))?;
    write_atomic(path, &bytes, Durability::Synced).map_err(StoreError::io("cannot write", path))
}
