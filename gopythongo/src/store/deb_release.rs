//! One version of a Debian package in the store.

use serde::{Deserialize, Serialize};

use super::series::Label;
use crate::support::Digest;

/// One version of a Debian package for one architecture: one file. Its bytes are a blob of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebRelease {
    /// The Debian version (Debian Policy 5.6.12).
    pub version: String,
    /// The architecture: `all`, or dpkg's name of one.
    pub architecture: String,
    /// The payload digest of the package.
    pub payload: Digest,
    /// The file's name: `shop_0.7.0~dev1_amd64.deb`.
    pub file: String,
    /// Digest of the bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// The paragraph of an apt index (`Packages`), without `Filename`, `Size` and digests.
    pub control: String,
    /// The commit that it was built from, if one is known.
    pub commit: Option<String>,
    /// The run that built it.
    pub run: String,
}

impl DebRelease {
    /// What the version's local label says of the bytes.
    pub(super) fn label(&self) -> Label {
        label(&self.version)
    }

    /// Whether its version has a local label: it is one machine's or one branch's.
    pub(crate) fn is_local(&self) -> bool {
        self.label() != Label::None
    }
}

/// What the local label of a Debian version, or of a Python one, says of the bytes: it is what follows the last `+`, unless that is what a post-release has there.
pub(super) fn label(version: &str) -> Label {
    let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
    match upstream.rsplit_once('+') {
        Some((_, label)) if !is_post_release(label) => Label::named(label),
        _ => Label::None,
    }
}

fn is_post_release(label: &str) -> bool {
    label.strip_prefix("post").is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_from_debian_versions() {
        for (version, expected) in [
            ("0.7.0~dev2", Label::None),
            ("0.7.0-1", Label::None),
            ("1:0.7.0++post1-1", Label::None),
            ("0.7.0~dev2+d1a2b3c4d", Label::Uncommitted),
            ("0.7.0+d1a2b3c4d-2", Label::Uncommitted),
            ("0.7.0++post1~dev2+discounts", Label::Branch),
        ] {
            assert_eq!(label(version), expected, "{version}");
        }
    }
}
