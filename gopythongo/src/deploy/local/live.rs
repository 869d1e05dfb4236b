//! What is made live, and what is.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    deploy::{Approved, Slot},
    support::Digest,
};

/// A package to make live: a `.deb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The package's name.
    pub name: String,
    /// Its version (Debian).
    pub version: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Where the bytes are.
    pub file: PathBuf,
}

/// What serves in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// Its slot.
    pub slot: Slot,
    /// Its version (Debian).
    pub version: String,
    /// The digest of its package.
    pub digest: Digest,
    /// Where it is reached: `http://127.0.0.1:8080/`.
    pub url: String,
    /// Whether it answers its health check.
    pub healthy: bool,
    /// Whether it was rolled back to, and stays until there is something newer than what it was rolled back from.
    pub pinned: bool,
    /// The version in the other slot: before a switch the old one, after a rollback what was rolled back from.
    pub previous: Option<String>,
    /// When it became live, RFC 3339 in UTC; `None` where nothing is remembered of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Who let it in, where somebody had to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approved>,
}
