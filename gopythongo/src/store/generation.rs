//! Generations: immutable pictures of all channels; one pointer says which is current.

use std::collections::BTreeMap;

use pep440_rs::Version;
use serde::{Deserialize, Serialize};

use super::{DebRelease, Figure, series::Label};
use crate::support::Digest;

/// The channel that all others fall back to.
const MASTER: &str = "master";

/// The channel that builds of branches are compared with, and will be merged into.
const DEVELOP: &str = "develop";

/// Where a channel looks, in this order: in itself, for a feature's or a pull request's in `develop`, in `master`.
fn lookups(channel: &str) -> impl DoubleEndedIterator<Item = &str> {
    let of_branch = channel.starts_with("feature/") || channel.starts_with("pull-request/");
    [Some(channel), of_branch.then_some(DEVELOP), Some(MASTER)].into_iter().flatten()
}

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
    /// When it became current, in seconds since 1970; every one is later than the one before.
    #[serde(default)]
    pub time: u64,
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
    /// Debian packages by name, oldest promotion first: the last one is the channel's newest.
    #[serde(default)]
    pub debs: BTreeMap<String, Vec<DebRelease>>,
    /// Ratchet figures by the step that measured them: `money/coverage-ratchet`.
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

    /// Whether its version has a local label: it is one machine's or one branch's.
    pub(crate) fn is_local(&self) -> bool {
        self.parsed().is_some_and(|version| Label::of(&version) != Label::None)
    }

    /// Digests of all its blobs.
    pub(super) fn blobs(&self) -> impl Iterator<Item = Digest> {
        self.files.iter().flat_map(|file| std::iter::once(file.digest).chain(file.metadata))
    }
}

impl Generation {
    /// A channel, complete: packages and figures that it lacks are those of `master`, for a branch's channel of `develop` first.
    #[must_use]
    pub fn channel(&self, name: &str) -> Channel {
        let mut complete = Channel::default();
        for channel in lookups(name).rev().filter_map(|name| self.channels.get(name)) {
            complete.packages.extend(channel.packages.clone());
            complete.debs.extend(channel.debs.clone());
            complete.ratchets.extend(channel.ratchets.clone());
        }
        complete
    }

    /// The releases of a package in a channel, oldest promotion first; for a package that the channel lacks, those that
    /// [`channel`](Self::channel) falls back to.
    #[must_use]
    pub fn releases(&self, channel: &str, package: &str) -> &[Release] {
        lookups(channel).find_map(|name| self.channels.get(name)?.packages.get(package)).map_or(&[], Vec::as_slice)
    }

    /// The newest release of a package in a channel, or where the channel falls back to.
    #[must_use]
    pub fn newest(&self, channel: &str, package: &str) -> Option<&Release> {
        self.releases(channel, package).last()
    }

    /// The releases of a Debian package in a channel, oldest promotion first; for a package that the channel lacks, those
    /// that [`channel`](Self::channel) falls back to.
    #[must_use]
    pub fn debs(&self, channel: &str, package: &str) -> &[DebRelease] {
        lookups(channel).find_map(|name| self.channels.get(name)?.debs.get(package)).map_or(&[], Vec::as_slice)
    }

    /// The newest release of a Debian package in a channel, or where the channel falls back to.
    #[must_use]
    pub fn newest_deb(&self, channel: &str, package: &str) -> Option<&DebRelease> {
        self.debs(channel, package).last()
    }

    /// The ratchet figure of a step in a channel, or where the channel falls back to.
    #[must_use]
    pub fn figure(&self, channel: &str, step: &str) -> Option<&Figure> {
        lookups(channel).find_map(|name| self.channels.get(name)?.ratchets.get(step))
    }

    /// Releases of a package in all channels, channel by channel, newest first.
    pub(super) fn everywhere(&self, package: &str) -> impl Iterator<Item = &Release> {
        self.channels
            .values()
            .filter_map(move |channel| channel.packages.get(package))
            .flat_map(|releases| releases.iter().rev())
    }

    /// Releases of a Debian package in all channels.
    pub(super) fn debs_everywhere(&self, package: &str) -> impl Iterator<Item = &DebRelease> {
        self.channels.values().filter_map(move |channel| channel.debs.get(package)).flatten()
    }
}
