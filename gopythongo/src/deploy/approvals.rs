//! Who let what into a protected environment, and what waits there.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::SigningKey;
use crate::{run::Failure, support::Digest};

/// How many versions that wait are remembered.
const LENGTH: usize = 100;

/// A package that a run would make live in a protected environment: these bytes and no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The run.
    pub run: String,
    /// The package's name.
    pub package: String,
    /// Its version (Debian).
    pub version: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// The channel whose newest it was.
    pub channel: String,
    /// The generation in which it was so: the set that it belongs to.
    pub generation: u64,
}

/// Somebody's word that bytes may serve in an environment. It holds for these bytes for good, and for nothing else: not for
/// their version, nor for their run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// What.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// Who: a name.
    pub by: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// The [statement](Self::statement), signed by the gate's key: an armoured, detached OpenPGP signature (RFC 9580).
    #[serde(default)]
    pub signature: String,
}

impl Approved {
    /// An approval of this moment, which nobody has signed.
    #[must_use]
    pub fn now(candidate: Candidate, by: &str) -> Self {
        let at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        Self { candidate, by: by.to_owned(), at, signature: String::new() }
    }

    /// The same, signed for an environment. gpg's agent asks for a passphrase where the key has one.
    ///
    /// # Errors
    /// When gpg does not sign.
    pub fn sign(self, environment: &str, application: &str, key: &SigningKey) -> Result<Self, Failure> {
        let signature = key.sign(&self.statement(environment, application))?;
        Ok(Self { signature, ..self })
    }

    /// What is signed: a line for each thing that is said, so that nothing of it can be taken for something else.
    #[must_use]
    pub fn statement(&self, environment: &str, application: &str) -> String {
        let Self { candidate: Candidate { run, package, version, digest, channel, generation }, by, at, .. } = self;
        format!(
            "gopythongo approval 1\nenvironment {environment:?}\napplication {application:?}\npackage {package:?}\n\
             version {version:?}\ndigest {digest}\nchannel {channel:?}\ngeneration {generation}\nrun {run:?}\nby {by:?}\n\
             at {at:?}\n"
        )
    }
}

/// What waits in an environment, and what was approved there, each in the order in which it came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// What runs asked for, also if it was approved since, or something newer came.
    #[serde(default)]
    pub waiting: Vec<Candidate>,
    /// What somebody approved.
    #[serde(default)]
    pub approved: Vec<Approved>,
}

impl Approvals {
    /// The approval of these bytes, if somebody gave it.
    #[must_use]
    pub fn of(&self, digest: &Digest) -> Option<&Approved> {
        self.approved.iter().find(|approved| approved.candidate.digest == *digest)
    }

    /// What a run asked for last.
    #[must_use]
    pub fn asked_by(&self, run: &str) -> Option<&Candidate> {
        self.waiting.iter().rfind(|candidate| candidate.run == run)
    }

    /// Remembers that a run waits.
    pub(super) fn ask(&mut self, candidate: Candidate) {
        self.waiting.retain(|earlier| *earlier != candidate);
        self.waiting.push(candidate);
        let surplus = self.waiting.len().saturating_sub(LENGTH);
        self.waiting.drain(..surplus);
    }

    /// Remembers an approval, in the place of an earlier one of the same bytes: its key may have been another.
    pub(super) fn approve(&mut self, approved: Approved) {
        self.approved.retain(|earlier| earlier.candidate.digest != approved.candidate.digest);
        self.approved.push(approved);
    }
}
