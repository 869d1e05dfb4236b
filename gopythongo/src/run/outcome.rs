//! What a step that passed leaves: artifacts, counts, a receipt. Serialised into cache, journal and events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Needed, Receipt};
use crate::{context::Redactor, plan::PlannedStep, support::Digest};

/// A file that a step produced. Its bytes are a blob of the cache, named by the digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The file's own name: `money-1.5.0.dev3-py3-none-any.whl`.
    pub file: String,
    /// The digest of the bytes.
    pub digest: Digest,
    /// The size in bytes.
    pub size: u64,
}

/// How many tests a suite ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCounts {
    /// Tests that passed: what pytest itself calls so.
    pub passed: u32,
    /// Tests that failed, and errors.
    pub failed: u32,
    /// Tests that were skipped, and those that failed as they were expected to.
    pub skipped: u32,
}

/// What a passed step leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Artifacts by the names that the step declared as its outputs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<String, Artifact>,
    /// Small facts for later steps: a version, a figure.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// Counts, if the step ran a suite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<TestCounts>,
    /// One line for people: `97.5 % of 1,204 lines`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What an effect left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

impl Outcome {
    /// The digest of everything that a later step can read of this outcome.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = crate::support::Hasher::new();
        for (name, artifact) in &self.artifacts {
            hasher.part(name).part(&artifact.file).part(artifact.digest.bytes());
        }
        for (name, fact) in &self.facts {
            hasher.part(name).part(fact);
        }
        hasher.finish()
    }
}

impl Redactor {
    /// Takes secrets out of what a step left for others to read.
    pub(super) fn redact_outcome(&self, outcome: &mut Outcome) {
        if !self.knows_any() {
            return;
        }
        let receipt = outcome.receipt.iter_mut();
        let receipt = receipt.flat_map(|receipt| [&mut receipt.target, &mut receipt.identifier]);
        for text in outcome.facts.values_mut().chain(&mut outcome.summary).chain(receipt) {
            *text = self.redact(text);
        }
    }
}

/// Among the outcomes that `step` needs, that of a kind of its own job: on the same Python if there is one, else the one
/// without a label.
pub(super) fn of_kind<'a>(needed: &Needed<'a>, step: &PlannedStep, kind: &str) -> Option<&'a Outcome> {
    let plain = format!("{}/{kind}", step.job);
    let labelled = step.id.split_once(':').and_then(|(_, label)| needed.get(&format!("{plain}:{label}")));
    labelled.or_else(|| needed.get(&plain))
}
