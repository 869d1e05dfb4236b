//! Receipts that machines share: what was changed outside, and in which run. Losing them costs an explanation, never truth:
//! whether an effect has happened is always asked of its target.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};

use super::Receipt;
use crate::{journal::Record, plan::StepId, shared::SharedState};

/// Where they are in shared state.
const SHARED: &str = "v2/receipts";

/// How many of a step are kept: one a target, and some of earlier versions.
const KEPT: usize = 16;

/// What a step did in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneElsewhere {
    /// The run.
    pub run: String,
    /// What it left.
    pub receipt: Receipt,
}

impl DoneElsewhere {
    /// Whether both are about the same change: what is there now, under which name, and where.
    fn is_of(&self, other: &Receipt) -> bool {
        let Receipt { target, identifier, digests, found: _ } = &self.receipt;
        (target, identifier, digests) == (&other.target, &other.identifier, &other.digests)
    }
}

/// Receipts by step, the latest last.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Receipts(BTreeMap<StepId, Vec<DoneElsewhere>>);

/// What a step did last according to all machines of the pipeline, in the run that did it first; `None` if nobody did it, or
/// nobody says.
#[must_use]
pub fn done_elsewhere(shared: &SharedState, step: &str) -> Option<DoneElsewhere> {
    let receipts = Receipts::read(&shared.read(SHARED)?);
    if receipts.is_none() {
        shared.damaged(SHARED, "it holds no receipts");
    }
    receipts?.0.remove(step)?.pop()
}

/// Tells other machines what the effects of a run did. What was found done is its doer's to tell.
pub(super) fn tell(shared: &SharedState, run: &str, effects: &[Record]) {
    let done = |record: &Record| match record {
        Record::Receipt { step, receipt } if !receipt.found => Some((step.clone(), receipt.clone())),
        _ => None,
    };
    let done: Vec<(StepId, Receipt)> = effects.iter().filter_map(done).collect();
    if done.is_empty() {
        return;
    }
    shared.change(SHARED, |found| {
        // damaged ones are written anew
        let mut receipts = found.and_then(Receipts::read).unwrap_or_default();
        let mut is_new = false;
        for (step, receipt) in &done {
            is_new |= receipts.add(step, run, receipt);
        }
        if is_new { receipts.write() } else { None }
    });
}

impl Receipts {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut text = String::new();
        GzDecoder::new(bytes).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    fn write(&self) -> Option<Vec<u8>> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&serde_json::to_vec(self).ok()?).ok()?;
        gzip.finish().ok()
    }

    /// Adds a receipt as the latest; gives whether that is news.
    fn add(&mut self, step: &str, run: &str, receipt: &Receipt) -> bool {
        let known = self.0.entry(step.to_owned()).or_default();
        if known.last().is_some_and(|last| last.run == run && last.is_of(receipt)) {
            return false;
        }
        known.retain(|done| !done.is_of(receipt));
        known.push(DoneElsewhere { run: run.to_owned(), receipt: receipt.clone() });
        let surplus = known.len().saturating_sub(KEPT);
        known.drain(..surplus);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{context::SecretError, shared::SharedDirectory};

    fn machine(place: &Path) -> SharedState {
        SharedState::new(SharedDirectory::new(place).into(), "p", Path::new("/"), |from| {
            Err(SecretError { message: from.to_string(), hint: None, is_passing: false })
        })
    }

    fn receipt(identifier: &str, found: bool) -> Record {
        let (target, identifier) = ("develop".to_owned(), identifier.to_owned());
        Record::Receipt {
            step: "promote".to_owned(),
            receipt: Receipt { target, identifier, digests: [].into(), found },
        }
    }

    #[test]
    fn what_one_machine_did_the_next_one_knows() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path();
        let last = || done_elsewhere(&machine(place), "promote").map(|done| (done.run, done.receipt.identifier));
        let told = |run: &str, identifier: &str| Some((run.to_owned(), identifier.to_owned()));
        assert_eq!(last(), None);
        tell(&machine(place), "r1", &[receipt("generation 1", false)]);
        tell(&machine(place), "r2", &[receipt("generation 1", true)]);
        assert_eq!(last(), told("r1", "generation 1"), "who found it did not do it");
        tell(&machine(place), "r3", &[receipt("generation 2", false)]);
        assert_eq!(last(), told("r3", "generation 2"));
        // as after a rollback
        tell(&machine(place), "r4", &[receipt("generation 1", false)]);
        assert_eq!(last(), told("r4", "generation 1"));
        tell(&machine(place).read_only(), "r5", &[receipt("generation 9", false)]);
        assert_eq!(last(), told("r4", "generation 1"), "a stranger tells nothing");
        assert_eq!(done_elsewhere(&machine(place), "publish"), None);
        for number in 0..100 {
            tell(&machine(place), "r6", &[receipt(&format!("generation {number}"), false)]);
        }
        let kept = machine(place).read(SHARED).and_then(|bytes| Receipts::read(&bytes)).expect("receipts");
        assert_eq!(kept.0["promote"].len(), KEPT);
    }

    #[test]
    fn damaged_receipts_are_said_and_written_anew() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(machine(directory.path()).put(SHARED, b"nonsense".to_vec()));
        let reader = machine(directory.path());
        assert_eq!(done_elsewhere(&reader, "promote"), None);
        assert!(reader.warnings()[0].contains("it holds no receipts"));
        tell(&machine(directory.path()), "r1", &[receipt("generation 1", false)]);
        assert!(done_elsewhere(&machine(directory.path()), "promote").is_some());
    }
}
