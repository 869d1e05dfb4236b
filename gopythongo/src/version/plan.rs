//! The version of a build: a base, a build kind, a count and, for bytes that must not travel, a local label.

use std::fmt;

use pep440_rs::Version;
use serde::{Deserialize, Serialize};

use super::Stamp;

/// How versions of one base are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Numbering {
    /// `1.5.0.devN`: develop, feature branches and pull requests.
    Dev,
    /// `1.5.0rcN`: release and hotfix branches.
    Candidate,
    /// `1.5.0`: master, and sources that are releases themselves.
    Final,
}

/// What is known of a build's version before the store allocates its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionPlan {
    /// The release that the build is on the way to: `1.5.0`.
    pub base: Version,
    /// How it is numbered.
    pub numbering: Numbering,
    /// The number wanted: commits since the last tag that touch the source. The store allocates it or the next free one.
    pub number: u64,
    /// A local label (`+d1a2b3c4d`, a branch) that keeps the bytes out of channels that others read.
    pub local: Option<String>,
    /// How the version gets into the build.
    pub stamp: Stamp,
}

impl VersionPlan {
    /// The version with a number.
    #[must_use]
    pub fn version(&self, number: u64) -> Version {
        let suffix = match self.numbering {
            Numbering::Dev => format!(".dev{number}"),
            Numbering::Candidate => format!("rc{number}"),
            Numbering::Final => String::new(),
        };
        let local = self.local.as_ref().map(|label| format!("+{label}")).unwrap_or_default();
        format!("{}{suffix}{local}", self.base).parse().unwrap_or_else(|_| self.base.clone())
    }
}

/// A version that a source does not say, or that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionError(pub String);

impl fmt::Display for VersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for VersionError {}
