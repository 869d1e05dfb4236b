//! The effects that this room offers: a release into the run's stage, a stage into its channel.

use std::{collections::BTreeMap, fs, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::{Figure, PromoteError, Release, Store, StoreError, StoredFile, series::Label};
use crate::{
    event::{Event, RunState},
    python::Metadata,
    run::{Artifact, EffectClass, Failure, FailureKind, Inputs, Nature, Outcome, Probe, Receipt, Step, Work},
    support::words,
};

/// Puts a job's wheel and sdist into the run's stage, where downstream jobs find them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Upload {}

impl Upload {
    /// An upload into the embedded store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Step for Upload {
    const KIND: &'static str = "upload";
    const VERSION: u32 = 1;

    fn nature(&self) -> Nature {
        Nature::Effect(EffectClass::Content)
    }

    fn inputs(&self) -> Inputs {
        Inputs::none().artifact("wheel")
    }

    fn probe(&self, work: &mut Work<'_>) -> Probe {
        match found(work) {
            Ok(Some(receipt)) => Probe::Done(receipt),
            Ok(None) => Probe::NotDone,
            Err(failure) => Probe::Unknown(failure.message),
        }
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let wheel = Built::of(work)?;
        let store = work.service::<Store>()?;
        let uploaded = humantime::format_rfc3339_micros(SystemTime::now()).to_string();
        let mut files = Vec::new();
        let put = |artifact: &Artifact| {
            let blob = work.blob(&artifact.digest);
            store.blobs().put_file(&blob).map_err(Failure::io("cannot put into the store", &blob))
        };
        let metadata = wheel.artifact("metadata")?;
        let path = work.blob(&metadata.digest);
        let text = fs::read(&path).map_err(Failure::io("cannot read", &path))?;
        let requires_python = Metadata::parse(text).map_err(|error| Failure::new(error.to_string()))?.requires_python;
        put(metadata)?;
        for name in ["wheel", "sdist"] {
            let artifact = wheel.artifact(name)?;
            put(artifact)?;
            files.push(StoredFile {
                file: artifact.file.clone(),
                digest: artifact.digest,
                size: artifact.size,
                requires_python: requires_python.clone(),
                metadata: (name == "wheel").then_some(metadata.digest),
                uploaded: uploaded.clone(),
            });
        }
        let release = Release {
            version: wheel.version.clone(),
            payload: wheel.payload.parse().map_err(|error| Failure::new(format!("`{}`: {error}", wheel.name)))?,
            files,
            commit: work.context().commit.clone(),
            run: work.run_id().to_owned(),
        };
        store.update_stage(work.run_id(), |stage| {
            stage.staged.insert(wheel.name.clone(), release);
        })?;
        let receipt = wheel.receipt(&format!("stage of run {}", work.run_id()), false);
        work.summary(format!("{} {} staged", wheel.name, wheel.version));
        work.receipt(receipt);
        Ok(())
    }
}

/// What `wheel` left, as far as an upload is concerned.
struct Built {
    name: String,
    version: String,
    payload: String,
    outcome: Outcome,
}

impl Built {
    fn of(work: &Work<'_>) -> Result<Self, Failure> {
        let outcome = work.outcome("wheel").ok_or_else(|| {
            Failure::refused(format!("`{}` has nothing to upload: the source is no distribution", work.step().id))
        })?;
        let fact = |name: &str| {
            let fact = outcome.facts.get(name).cloned();
            fact.ok_or_else(|| Failure::new(format!("`{}/wheel` did not say its {name}", work.step().job)))
        };
        Ok(Self { name: fact("name")?, version: fact("version")?, payload: fact("payload")?, outcome: outcome.clone() })
    }

    fn artifact(&self, name: &str) -> Result<&Artifact, Failure> {
        let artifact = self.outcome.artifacts.get(name);
        artifact.ok_or_else(|| Failure::new(format!("the build of `{}` left no {name}", self.name)))
    }

    fn receipt(&self, target: &str, found: bool) -> Receipt {
        let files = ["wheel", "sdist"].iter().filter_map(|name| self.outcome.artifacts.get(*name));
        let digests = files.map(|artifact| (artifact.file.clone(), artifact.digest.to_string())).collect();
        Receipt { target: target.to_owned(), identifier: format!("{} {}", self.name, self.version), digests, found }
    }

    fn is(&self, release: &Release) -> bool {
        let wheel = self.outcome.artifacts.get("wheel").map(|artifact| artifact.digest);
        release.version == self.version && release.files.iter().any(|file| Some(file.digest) == wheel)
    }
}

/// The receipt of an upload whose bytes are in the run's stage, or are the channel's newest already.
fn found(work: &mut Work<'_>) -> Result<Option<Receipt>, Failure> {
    let wheel = Built::of(work)?;
    let store = work.service::<Store>()?;
    let stage = store.stage(work.run_id(), &work.context().channel)?;
    if stage.staged.get(&wheel.name).is_some_and(|release| wheel.is(release)) {
        return Ok(Some(wheel.receipt(&format!("stage of run {}", work.run_id()), true)));
    }
    let base = store.generation(stage.base)?;
    if base.newest(&stage.channel, &wheel.name).is_some_and(|release| wheel.is(release)) {
        work.summary(format!("{} {} is in {} already", wheel.name, wheel.version, stage.channel));
        return Ok(Some(wheel.receipt(&stage.channel, true)));
    }
    Ok(None)
}

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
        work.emit(Event::Promoted { channel, generation, set });
        Ok(())
    }
}

/// What is to be said of a set that no other machine could build again.
fn uncommitted(channel: &str, set: &BTreeMap<String, String>) -> Option<String> {
    let is_uncommitted = |version: &str| version.parse().is_ok_and(|version| Label::of(&version) == Label::Uncommitted);
    let found: Vec<String> = set
        .iter()
        .filter(|(_, version)| is_uncommitted(version))
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    let verb = if found.len() == 1 { "is" } else { "are" };
    (!found.is_empty()).then(|| {
        let found = words::list(&found);
        format!("{found} {verb} built from uncommitted changes: in this machine's `{channel}`, and nowhere else")
    })
}

/// The receipt of a promotion that happened, or for which there is nothing to do.
fn promoted(work: &mut Work<'_>) -> Result<Option<Receipt>, Failure> {
    let store = work.service::<Store>()?;
    let channel = work.context().channel.clone();
    let generation = match store.promoted(work.run_id())? {
        Some(promotion) => promotion.generation,
        None => {
            let stage = store.stage(work.run_id(), &channel)?;
            if !stage.staged.is_empty() || !figures(work, &store)?.is_empty() {
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
    let measured: Vec<(String, Outcome)> = work
        .needed()
        .iter()
        .filter_map(|(id, outcome)| Some((id.strip_suffix("/coverage-ratchet")?.to_owned(), outcome.clone())))
        .collect();
    for (job, outcome) in measured {
        let fact = |name: &str| outcome.facts.get(name).and_then(|fact| fact.parse::<u64>().ok());
        let (Some(covered), Some(total)) = (fact("covered"), fact("total")) else { continue };
        let figure = Figure { covered, total, commit: commit.clone() };
        match channel.ratchets.get(&job) {
            Some(baseline) if (baseline.covered, baseline.total) == (covered, total) => continue,
            Some(Figure { commit: Some(baseline), .. }) if !descends(work, baseline)? => {
                work.say(&format!("the ratchet of `{job}` stays: this commit does not descend from {baseline}"));
                continue;
            }
            _ => figures.insert(job, figure),
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

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::lacking(error.message);
        match error.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
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
