//! `upload`: a job's wheel and sdist into the run's stage.

use std::{fs, time::SystemTime};

use serde::{Deserialize, Serialize};

use crate::{
    python::Metadata,
    run::{Artifact, EffectClass, Failure, Inputs, Nature, Outcome, Probe, Receipt, Step, Work},
    store::{Release, Store, StoredFile},
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
        let first = wheel.artifact("wheel")?.digest;
        for artifact in wheel.files()? {
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

    /// The wheel, or one for each Python of the matrix, and the sdist.
    fn files(&self) -> Result<Vec<&Artifact>, Failure> {
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

    fn receipt(&self, target: &str, found: bool) -> Receipt {
        let files = self.files().unwrap_or_default().into_iter();
        let digests = files.map(|artifact| (artifact.file.clone(), artifact.digest.to_string())).collect();
        Receipt { target: target.to_owned(), identifier: format!("{} {}", self.name, self.version), digests, found }
    }

    fn is(&self, release: &Release) -> bool {
        let has = |artifact: &&Artifact| release.files.iter().any(|file| file.digest == artifact.digest);
        let wheels = self.files().unwrap_or_default().into_iter().filter(|file| file.file.ends_with(".whl"));
        release.version == self.version && wheels.clone().next().is_some() && wheels.clone().all(|file| has(&file))
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
