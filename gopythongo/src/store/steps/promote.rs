//! `promote`: a run's stage into its channel.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    event::{Event, RunState},
    run::{EffectClass, Failure, FailureKind, Inputs, Nature, Probe, Receipt, Step, Work},
    store::{Figure, PromoteError, Store, deb_release, series::Label},
    support::words,
};

/// Makes everything in the run's stage public at once, and records what the ratchets measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Promote {}

impl Promote {
    /// The promotion into the channel of the run's build kind.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Step for Promote {
    const KIND: &'static str = "promote";
    const VERSION: u32 = 1;

    fn nature(&self) -> Nature {
        Nature::Effect(EffectClass::Keyed)
    }

    fn inputs(&self) -> Inputs {
        Inputs::none()
    }

    fn probe(&self, work: &mut Work<'_>) -> Probe {
        match promoted(work) {
            Ok(Some(receipt)) => Probe::Done(receipt),
            Ok(None) => Probe::NotDone,
            Err(failure) => Probe::Unknown(failure.message),
        }
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let store = work.service::<Store>()?;
        let figures = figures(work, &store)?;
        let run = work.run_id().to_owned();
        store.update_stage(&run, |stage| stage.ratchets.extend(figures))?;
        let promotion = store.promote(&run).map_err(|error| match error {
            PromoteError::Moved(_) => match store.rebase(&run) {
                Ok(_) => Failure::of(FailureKind::Stale, error.to_string()),
                Err(error) => error.into(),
            },
            PromoteError::Refused(why) => Failure::refused(why),
            PromoteError::Store(error) => error.into(),
        })?;
        let channel = work.context().channel.clone();
        let (generation, set) = (promotion.generation, promotion.set);
        work.conclude(RunState::Promoted { generation });
        work.receipt(receipt(&channel, generation, false));
        if let Some(message) = uncommitted(&channel, &set) {
            work.emit(Event::Warning { message });
        }
        if let Some(message) = unsigned(&store)? {
            work.emit(Event::Warning { message });
        }
        work.emit(Event::Promoted { channel, generation, set });
        Ok(())
    }
}

/// What is to be said of a set that no other machine could build again.
fn uncommitted(channel: &str, set: &BTreeMap<String, String>) -> Option<String> {
    let found: Vec<String> = set
        .iter()
        .filter(|(_, version)| deb_release::label(version) == Label::Uncommitted)
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    let verb = if found.len() == 1 { "is" } else { "are" };
    (!found.is_empty()).then(|| {
        let found = words::list(&found);
        format!("{found} {verb} built from uncommitted changes: in this machine's `{channel}`, and nowhere else")
    })
}

/// What is to be said of an apt repository that nobody can verify.
fn unsigned(store: &Store) -> Result<Option<String>, Failure> {
    let unsigned = store.repository()?.filter(|repository| repository.key.is_none());
    let message = "the apt repository is not signed, as `gpg` is not on PATH: apt takes it only with `trusted=yes`";
    Ok(unsigned.map(|_| message.to_owned()))
}

/// The receipt of a promotion that happened, or for which there is nothing to do.
fn promoted(work: &mut Work<'_>) -> Result<Option<Receipt>, Failure> {
    let store = work.service::<Store>()?;
    let channel = work.context().channel.clone();
    let generation = match store.promoted(work.run_id())? {
        Some(promotion) => promotion.generation,
        None => {
            let stage = store.stage(work.run_id(), &channel)?;
            if !stage.is_empty() || !figures(work, &store)?.is_empty() {
                return Ok(None);
            }
            work.summary(format!("everything is in {channel} already (generation {})", stage.base));
            stage.base
        }
    };
    work.conclude(RunState::Promoted { generation });
    Ok(Some(receipt(&channel, generation, true)))
}

fn receipt(channel: &str, generation: u64, found: bool) -> Receipt {
    let identifier = format!("generation {generation}");
    Receipt { target: channel.to_owned(), identifier, digests: BTreeMap::new(), found }
}

/// What the ratchets of this run measured, as far as it differs from what the channel holds and this commit may say it:
/// one that is not a descendant of the baseline's commit may not.
fn figures(work: &mut Work<'_>, store: &Store) -> Result<BTreeMap<String, Figure>, Failure> {
    let channel = store.current()?.channel(&work.context().channel);
    let commit = work.context().commit.clone();
    let mut figures = BTreeMap::new();
    let measured = work.needed().iter().filter_map(|(id, outcome)| Some((id.to_owned(), Figure::left(outcome)?)));
    for (step, counts) in measured.collect::<Vec<_>>() {
        match channel.ratchets.get(&step) {
            Some(baseline) if baseline.counts == counts => continue,
            Some(Figure { commit: Some(baseline), .. }) if !descends(work, baseline)? => {
                work.say(&format!("the ratchet of `{step}` stays: this commit does not descend from {baseline}"));
                continue;
            }
            _ => figures.insert(step, Figure { counts, commit: commit.clone() }),
        };
    }
    Ok(figures)
}

fn descends(work: &mut Work<'_>, baseline: &str) -> Result<bool, Failure> {
    let Some(commit) = work.context().commit.clone() else { return Ok(true) };
    if commit == baseline {
        return Ok(true);
    }
    let git = which::which("git").map_err(|_| Failure::lacking("`git` is not on PATH"))?;
    let command = crate::run::process::Command::new(git)
        .args(["merge-base", "--is-ancestor", baseline, &commit])
        .directory(&work.context().root);
    let (finished, _) = work.observe(&command)?;
    Ok(finished.status == crate::run::process::Status::Exited(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_committed_is_said() {
        let set = |versions: &[&str]| {
            let named = versions.iter().enumerate().map(|(n, version)| (format!("p{n}"), (*version).to_owned()));
            uncommitted("develop", &named.collect())
        };
        assert_eq!(set(&["1.0.dev1", "1.0.dev1+discounts"]), None);
        assert_eq!(
            set(&["1.0.dev1", "1.0.dev2+d0123abcd"]).as_deref(),
            Some(
                "p1 1.0.dev2+d0123abcd is built from uncommitted changes: in this machine's `develop`, and nowhere else"
            )
        );
    }
}
