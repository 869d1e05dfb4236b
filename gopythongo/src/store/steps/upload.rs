//! `upload`: a job's wheel and sdist into the run's stage.

use std::{fs, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::staging::{self, Candidate};
use crate::{
    python::Metadata,
    run::{Artifact, EffectClass, Failure, Inputs, Nature, Outcome, Probe, Step, Work},
    store::{Generation, Release, Stage, Store, StoredFile},
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

    fn stays_in_stage(&self) -> bool {
        true
    }

    fn inputs(&self) -> Inputs {
        Inputs::none().artifact("wheel")
    }

    fn probe(&self, work: &mut Work<'_>) -> Probe {
        let candidate = Built::of(work);
        staging::probe(work, candidate)
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let wheel = Built::of(work)?;
        let store = work.service::<Store>()?;
        let uploaded = humantime::format_rfc3339_micros(SystemTime::now()).to_string();
        let mut files = Vec::new();
        let put = |artifact: &Artifact| {
            work.check_sealed(artifact)?;
            let blob = work.blob(&artifact.digest);
            let (digest, _) = store.blobs().put_file(&blob).map_err(Failure::io("cannot put into the store", &blob))?;
            if digest == artifact.digest {
                return Ok(());
            }
            let damaged = format!("`{}` is damaged in the cache: `{}` is another file", artifact.file, blob.display());
            Err(Failure::new(damaged).hint("`cache verify` removes what is damaged; then start a new run"))
        };
        let metadata = wheel.artifact("metadata")?;
        let path = work.blob(&metadata.digest);
        let text = fs::read(&path).map_err(Failure::io("cannot read", &path))?;
        let requires_python = Metadata::parse(text).map_err(|error| Failure::new(error.to_string()))?.requires_python;
        put(metadata)?;
        let first = wheel.artifact("wheel")?.digest;
        for artifact in wheel.distributions()? {
            put(artifact)?;
            files.push(StoredFile {
                file: artifact.file.clone(),
                digest: artifact.digest,
                size: artifact.size,
                requires_python: requires_python.clone(),
                // wheels of one release may differ in what they require
                metadata: (artifact.digest == first).then_some(metadata.digest),
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
        staging::staged(work, &wheel);
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

    /// The wheel, or one for each Python of the matrix, and the sdist.
    fn distributions(&self) -> Result<Vec<&Artifact>, Failure> {
        let (first, sdist) = (self.artifact("wheel")?, self.artifact("sdist")?);
        let mut files = vec![first];
        let others = self.outcome.artifacts.iter().filter(|(name, _)| name.starts_with("wheel-"));
        for (_, other) in others {
            if !files.iter().any(|file| file.file == other.file) {
                files.push(other);
            }
        }
        files.push(sdist);
        Ok(files)
    }

    fn is(&self, release: &Release) -> bool {
        let has = |artifact: &&Artifact| release.files.iter().any(|file| file.digest == artifact.digest);
        let files = Candidate::files(self);
        let mut wheels = files.into_iter().filter(|file| file.file.ends_with(".whl")).peekable();
        release.version == self.version && wheels.peek().is_some() && wheels.all(|file| has(&file))
    }
}

impl Candidate for Built {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn files(&self) -> Vec<&Artifact> {
        self.distributions().unwrap_or_default()
    }

    fn is_in(&self, stage: &Stage) -> bool {
        stage.staged.get(&self.name).is_some_and(|release| self.is(release))
    }

    fn is_newest(&self, channel: &str, generation: &Generation) -> bool {
        generation.newest(channel, &self.name).is_some_and(|release| self.is(release))
    }
}
