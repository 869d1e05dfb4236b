//! What a ratchet holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::run::{Outcome, Work};

/// The fact under which a step leaves what is to be recorded with the promotion.
const FACT: &str = "ratchet";

/// Counts that a later build is compared with: of coverage `covered` and `total`, of a linter its findings by their codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Counts by what is counted.
    pub counts: BTreeMap<String, u64>,
    /// The commit that it was measured at, if one is known.
    pub commit: Option<String>,
}

impl Figure {
    /// Leaves counts in the step's outcome, to be recorded with the promotion.
    pub(crate) fn leave(work: &mut Work<'_>, counts: &BTreeMap<String, u64>) {
        work.fact(FACT, serde_json::json!(counts));
    }

    /// The counts that a step has left.
    pub(crate) fn left(outcome: &Outcome) -> Option<BTreeMap<String, u64>> {
        serde_json::from_str(outcome.facts.get(FACT)?).ok()
    }
}
