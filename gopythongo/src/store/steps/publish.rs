//! `publish`: a job's Debian package into the run's stage.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::{
    run::{Artifact, EffectClass, Failure, Inputs, Nature, Outcome, Probe, Receipt, Step, Work},
    store::{DebRelease, Store, apt},
};

/// Puts a job's Debian package into the run's stage: promoted with the wheels that it was built from, it is in the apt
/// repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Publish {}

impl Publish {
    /// A publication into the embedded store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Step for Publish {
    const KIND: &'static str = "publish";
    const VERSION: u32 = 1;

    fn nature(&self) -> Nature {
        Nature::Effect(EffectClass::Content)
    }

    fn inputs(&self) -> Inputs {
        Inputs::none().artifact("deb")
    }

    fn probe(&self, work: &mut Work<'_>) -> Probe {
        match found(work) {
            Ok(Some(receipt)) => Probe::Done(receipt),
            Ok(None) => Probe::NotDone,
            Err(failure) => Probe::Unknown(failure.message),
        }
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let package = Packed::of(work)?;
        let store = work.service::<Store>()?;
        let deb = package.artifact("deb")?;
        let blob = work.blob(&deb.digest);
        store.blobs().put_file(&blob).map_err(Failure::io("cannot put into the store", &blob))?;
        let path = work.blob(&package.artifact("control")?.digest);
        let control = fs::read_to_string(&path).map_err(Failure::io("cannot read", &path))?;
        let release = DebRelease {
            version: package.version.clone(),
            architecture: package.fact("architecture")?,
            payload: package.fact("payload")?.parse().map_err(|error| package.wrong(&error))?,
            file: deb.file.clone(),
            digest: deb.digest,
            size: deb.size,
            control: control.trim_end().to_owned(),
            commit: work.context().commit.clone(),
            run: work.run_id().to_owned(),
        };
        apt::check(&package.name, &release).map_err(|what| package.wrong(&what))?;
        store.update_stage(work.run_id(), |stage| {
            stage.debs.insert(package.name.clone(), release);
        })?;
        let receipt = package.receipt(&format!("stage of run {}", work.run_id()), false);
        work.summary(format!("{} {} staged", package.name, package.version));
        work.receipt(receipt);
        Ok(())
    }
}

/// What `deb` left, as far as a publication is concerned.
struct Packed {
    name: String,
    version: String,
    job: String,
    outcome: Outcome,
}

impl Packed {
    fn of(work: &Work<'_>) -> Result<Self, Failure> {
        let outcome = work.outcome("deb").cloned().ok_or_else(|| {
            Failure::refused(format!("`{}` has nothing to publish: the job packs nothing", work.step().id))
                .hint("declare `.deb(Deb::new())` in the same job")
        })?;
        let mut packed = Self { name: String::new(), version: String::new(), job: work.step().job.clone(), outcome };
        (packed.name, packed.version) = (packed.fact("name")?, packed.fact("version")?);
        Ok(packed)
    }

    fn fact(&self, name: &str) -> Result<String, Failure> {
        let fact = self.outcome.facts.get(name).cloned();
        fact.ok_or_else(|| Failure::new(format!("`{}/deb` did not say its {name}", self.job)))
    }

    fn artifact(&self, name: &str) -> Result<&Artifact, Failure> {
        let artifact = self.outcome.artifacts.get(name);
        artifact.ok_or_else(|| Failure::new(format!("`{}/deb` left no {name}", self.job)))
    }

    fn wrong(&self, what: &dyn std::fmt::Display) -> Failure {
        Failure::new(format!("what `{}/deb` left cannot be published: {what}", self.job))
    }

    fn receipt(&self, target: &str, found: bool) -> Receipt {
        let deb = self.outcome.artifacts.get("deb");
        let digests = deb.map(|artifact| (artifact.file.clone(), artifact.digest.to_string())).into_iter().collect();
        Receipt { target: target.to_owned(), identifier: format!("{} {}", self.name, self.version), digests, found }
    }

    fn is(&self, release: &DebRelease) -> bool {
        let deb = self.outcome.artifacts.get("deb").map(|artifact| artifact.digest);
        release.version == self.version && Some(release.digest) == deb
    }
}

/// The receipt of a publication whose bytes are in the run's stage, or are the channel's newest already.
fn found(work: &mut Work<'_>) -> Result<Option<Receipt>, Failure> {
    let package = Packed::of(work)?;
    let store = work.service::<Store>()?;
    let stage = store.stage(work.run_id(), &work.context().channel)?;
    if stage.debs.get(&package.name).is_some_and(|release| package.is(release)) {
        return Ok(Some(package.receipt(&format!("stage of run {}", work.run_id()), true)));
    }
    let base = store.generation(stage.base)?;
    if base.newest_deb(&stage.channel, &package.name).is_some_and(|release| package.is(release)) {
        work.summary(format!("{} {} is in {} already", package.name, package.version, stage.channel));
        return Ok(Some(package.receipt(&stage.channel, true)));
    }
    Ok(None)
}
