//! What a slot holds: `package.json` beside its root, written when the package is whole there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::{
    deploy::{BlueGreen, Slot},
    package::ServiceDescription,
    support::{Digest, Durability, write_atomic},
};

/// The record's name in the directory of a slot.
const RECORD: &str = "package.json";

/// An unpacked package, and how it is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::deploy) struct Installed {
    /// The package's name.
    pub(in crate::deploy) name: String,
    /// Its version (Debian).
    pub(in crate::deploy) version: String,
    /// The digest of the `.deb`.
    pub(in crate::deploy) digest: Digest,
    /// When it is healthy, and how long it may drain.
    pub(in crate::deploy) how: BlueGreen,
    /// What it runs.
    pub(in crate::deploy) service: ServiceDescription,
}

impl Installed {
    /// What a slot holds; `None` if it holds nothing whole.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub(in crate::deploy) fn read(place: &Place, slot: Slot) -> io::Result<Option<Self>> {
        Self::read_in(&place.slot(slot))
    }

    /// What the directory of a slot holds, wherever it is.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub(in crate::deploy) fn read_in(directory: &Path) -> io::Result<Option<Self>> {
        match fs::read(directory.join(RECORD)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Says what a slot holds.
    pub(in crate::deploy) fn write(&self, place: &Place, slot: Slot) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(self)?;
        write_atomic(&Self::path(place, slot), &bytes, Durability::Synced)
    }

    /// The record's file.
    pub(in crate::deploy) fn path(place: &Place, slot: Slot) -> PathBuf {
        place.slot(slot).join(RECORD)
    }
}
