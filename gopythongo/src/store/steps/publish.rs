//! `publish`: a job's Debian package into the run's stage.

use std::fs;

use serde::{Deserialize, Serialize};

use super::staging::{self, Candidate};
use crate::{
    run::{Artifact, EffectClass, Failure, Inputs, Nature, Outcome, Probe, Step, Work},
    store::{DebRelease, Generation, Stage, Store, apt},
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

    fn stays_in_stage(&self) -> bool {
        true
    }

    fn inputs(&self) -> Inputs {
        Inputs::none().artifact("deb")
    }

    fn probe(&self, work: &mut Work<'_>) -> Probe {
        let candidate = Packed::of(work);
        staging::probe(work, candidate)
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let package = Packed::of(work)?;
        let store = work.service::<Store>()?;
        let deb = package.artifact("deb")?;
        work.check_sealed(deb)?;
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
        staging::staged(work, &package);
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

    fn is(&self, release: &DebRelease) -> bool {
        let deb = self.outcome.artifacts.get("deb").map(|artifact| artifact.digest);
        release.version == self.version && Some(release.digest) == deb
    }
}

impl Candidate for Packed {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn files(&self) -> Vec<&Artifact> {
        self.outcome.artifacts.get("deb").into_iter().collect()
    }

    fn is_in(&self, stage: &Stage) -> bool {
        stage.debs.get(&self.name).is_some_and(|release| self.is(release))
    }

    fn is_newest(&self, channel: &str, generation: &Generation) -> bool {
        generation.newest_deb(channel, &self.name).is_some_and(|release| self.is(release))
    }
}
