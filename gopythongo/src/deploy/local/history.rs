//! What was live when, and what must not become live again by itself.

use std::{fs, io, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::{
    deploy::Slot,
    support::{Digest, Durability, write_atomic},
};

/// How many entries are kept.
const LENGTH: usize = 100;

/// One change of what is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    /// RFC 3339.
    pub(super) time: String,
    pub(super) slot: Slot,
    pub(super) version: String,
    pub(super) digest: Digest,
    pub(super) rollback: bool,
}

impl Change {
    pub(super) fn now(slot: Slot, version: &str, digest: Digest, rollback: bool) -> Self {
        let time = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        Self { time, slot, version: version.to_owned(), digest, rollback }
    }

    /// Adds it to the environment's history. One that cannot be read begins anew: nothing is decided by it.
    pub(super) fn record(self, place: &Place) -> io::Result<()> {
        let mut all = read(place);
        all.push(self);
        let all = &all[all.len().saturating_sub(LENGTH)..];
        write_atomic(&place.history(), &serde_json::to_vec_pretty(all)?, Durability::Cached)
    }
}

/// All changes that are remembered, the latest last.
pub(super) fn read(place: &Place) -> Vec<Change> {
    fs::read(place.history()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// When the version that is live became so: what was changed last, if that is it.
pub(super) fn since(place: &Place, digest: Digest) -> Option<String> {
    read(place).pop().filter(|change| change.digest == digest).map(|change| change.time)
}

/// What was rolled back from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pin {
    pub(super) version: String,
    pub(super) digest: Digest,
}

impl Pin {
    pub(super) fn read(place: &Place) -> io::Result<Option<Self>> {
        match fs::read(place.pin()) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn write(&self, place: &Place) -> io::Result<()> {
        write_atomic(&place.pin(), &serde_json::to_vec_pretty(self)?, Durability::Synced)
    }

    /// Takes the pin away; gives whether there was one.
    pub(super) fn remove(place: &Place) -> io::Result<bool> {
        match fs::remove_file(place.pin()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}
