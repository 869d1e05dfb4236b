//! What effects that stage something share: how they are probed, and what they leave.

use std::collections::BTreeMap;

use crate::{
    run::{Artifact, Failure, Probe, Receipt, Work},
    store::{Generation, Stage, Store},
};

/// What is to be staged.
pub(super) trait Candidate {
    /// Its name.
    fn name(&self) -> &str;
    /// Its version.
    fn version(&self) -> &str;
    /// The files that are staged.
    fn files(&self) -> Vec<&Artifact>;
    /// Whether these very bytes are in the run's stage.
    fn is_in(&self, stage: &Stage) -> bool;
    /// Whether these very bytes are a channel's newest.
    fn is_newest(&self, channel: &str, generation: &Generation) -> bool;
}

/// Looks for a candidate: in the run's stage, or in the channel below it.
pub(super) fn probe(work: &mut Work<'_>, candidate: Result<impl Candidate, Failure>) -> Probe {
    match candidate.and_then(|candidate| found(work, &candidate)) {
        Ok(Some(receipt)) => Probe::Done(receipt),
        Ok(None) => Probe::NotDone,
        Err(failure) => Probe::Unknown(failure.message),
    }
}

fn found(work: &mut Work<'_>, candidate: &impl Candidate) -> Result<Option<Receipt>, Failure> {
    let store = work.service::<Store>()?;
    let stage = store.stage(work.run_id(), &work.context().channel)?;
    if candidate.is_in(&stage) {
        return Ok(Some(receipt(candidate, stage_of(work), true)));
    }
    if candidate.is_newest(&stage.channel, &*store.generation(stage.base)?) {
        work.summary(format!("{} {} is in {} already", candidate.name(), candidate.version(), stage.channel));
        return Ok(Some(receipt(candidate, stage.channel, true)));
    }
    Ok(None)
}

/// Leaves the receipt of a candidate that has just been staged.
pub(super) fn staged(work: &mut Work<'_>, candidate: &impl Candidate) {
    let receipt = receipt(candidate, stage_of(work), false);
    work.summary(format!("{} {} staged", candidate.name(), candidate.version()));
    work.receipt(receipt);
}

fn stage_of(work: &Work<'_>) -> String {
    format!("stage of run {}", work.run_id())
}

fn receipt(candidate: &impl Candidate, target: String, found: bool) -> Receipt {
    let digests: BTreeMap<String, String> =
        candidate.files().iter().map(|file| (file.file.clone(), file.digest.to_string())).collect();
    let identifier = format!("{} {}", candidate.name(), candidate.version());
    Receipt { target, identifier, digests, found }
}
