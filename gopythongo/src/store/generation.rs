//! Generations: immutable pictures of all channels; one pointer says which is current.

use std::collections::BTreeMap;

use pep440_rs::Version;
use serde::{Deserialize, Serialize};

use crate::support::Digest;

/// The channel that all others fall back to.
const MASTER: &str = "master";

/// A picture of all channels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Counted from 1; 0 is the empty one, which has no file.
    pub number: u64,
    /// The run that promoted it; `upload` for an upload from outside.
    pub run: String,
    /// The channel that it promoted into.
    #[serde(default)]
    pub channel: String,
    /// What it promoted: versions by package name.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Channels by name.
    pub channels: BTreeMap<String, Channel>,
}

/// A promoted view.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Releases by normalised package name, oldest promotion first: the last one is the channel's newest.
    pub packages: BTreeMap<String, Vec<Release>>,
    /// Ratchet figures by job.
    pub ratchets: BTreeMap<String, Figure>,
}

/// One version of a package: its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The version (PEP 440), normalised.
    pub version: String,
    /// The payload digest of the wheel.
    pub payload: Digest,
    /// The wheel or wheels, and the sdist.
    pub files: Vec<StoredFile>,
    /// The commit that it was built from, if one is known.
    pub commit: Option<String>,
    /// The run that built it.
    pub run: String,
}

/// One file of a release; its bytes are a blob of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// The file's name.
    pub file: String,
    /// Digest of the bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// `Requires-Python` of its metadata.
    pub requires_python: Option<String>,
    /// Digest of the `METADATA` file of a wheel; a blob too (PEP 658).
    pub metadata: Option<Digest>,
    /// When it was put, RFC 3339 in UTC (PEP 700 `upload-time`).
    pub uploaded: String,
}

/// What a ratchet holds: `covered` of `total`, in integers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Lines or branches that are covered.
    pub covered: u64,
    /// Lines or branches there are.
    pub total: u64,
    /// The commit that it was measured at, if one is known.
    pub commit: Option<String>,
}

impl Release {
    /// Whether this is a release of that version (PEP 440: `1.0` is `1.0.0`).
    pub(super) fn is(&self, version: &str) -> bool {
        self.version == version
            || matches!((self.parsed(), version.parse::<Version>()), (Some(own), Ok(other)) if own == other)
    }

    /// Its version, parsed; `None` if it is none.
    pub(super) fn parsed(&self) -> Option<Version> {
        self.version.parse().ok()
    }

    /// Digests of all its blobs.
    pub(super) fn blobs(&self) -> impl Iterator<Item = Digest> {
        self.files.iter().flat_map(|file| std::iter::once(file.digest).chain(file.metadata))
    }
}

impl Generation {
    /// A channel, complete: packages and figures that it lacks are `master`'s.
    #[must_use]
    pub fn channel(&self, name: &str) -> Channel {
        let mut channel = self.channels.get(MASTER).cloned().unwrap_or_default();
        if let Some(own) = self.channels.get(name) {
            channel.packages.extend(own.packages.clone());
            channel.ratchets.extend(own.ratchets.clone());
        }
        channel
    }

    /// The releases of a package in a channel, oldest promotion first, falling back to `master` for a package that the
    /// channel lacks.
    #[must_use]
    pub fn releases(&self, channel: &str, package: &str) -> &[Release] {
        [channel, MASTER]
            .into_iter()
            .find_map(|name| self.channels.get(name)?.packages.get(package))
            .map_or(&[], Vec::as_slice)
    }

    /// The newest release of a package in a channel, falling back to `master` for a package that the channel lacks.
    #[must_use]
    pub fn newest(&self, channel: &str, package: &str) -> Option<&Release> {
        self.releases(channel, package).last()
    }

    /// The ratchet figure of a job in a channel, falling back to `master` for a job that the channel lacks.
    #[must_use]
    pub fn figure(&self, channel: &str, job: &str) -> Option<&Figure> {
        [channel, MASTER].into_iter().find_map(|name| self.channels.get(name)?.ratchets.get(job))
    }

    /// Releases of a package in all channels, channel by channel, newest first.
    pub(super) fn everywhere(&self, package: &str) -> impl Iterator<Item = &Release> {
        self.channels
            .values()
            .filter_map(move |channel| channel.packages.get(package))
            .flat_map(|releases| releases.iter().rev())
    }
}
