//! One remembered outcome, with the key that it belongs to.

use std::io;

use serde::{Deserialize, Serialize};

use super::Parts;
use crate::{run::Outcome, support::Digest};

/// What is remembered of a step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) step: String,
    pub(super) run: String,
    pub(super) parts: Parts,
    pub(super) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Reuse::is_everywhere")]
    pub(super) reuse: Reuse,
}

/// Who may use an outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reuse {
    /// Every run.
    #[default]
    Everywhere,
    /// Only the run that it belongs to, with what other runs are told.
    Within(String),
}

impl Reuse {
    pub(super) fn is_everywhere(&self) -> bool {
        *self == Self::Everywhere
    }
}

impl Entry {
    /// The digest of the rest, then JSON: a changed outcome must not pass for one that a step left.
    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let json = serde_json::to_vec(self)?;
        let mut bytes = Digest::of(&json).hexadecimal().to_vec();
        bytes.push(b'\n');
        bytes.extend(json);
        Ok(bytes)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        let (digest, json) = bytes.split_at_checked(65).ok_or(io::ErrorKind::UnexpectedEof)?;
        if digest[..64] != Digest::of(json).hexadecimal() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(serde_json::from_slice(json)?)
    }
}
