//! The wheel, built once, from the source distribution (PEP 517, 427): what is tested, uploaded and deployed.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::python::{FileName, Toolchain, backend::Backend, payload, sdist, sdist_archive};
use crate::{
    run::{Failure, FailureKind, Inputs, Key, Outcome, Step, Work},
    store::{Release, Settled, Store, StoredFile},
    support::Digest,
    version::{Stamp, Version, VersionPlan},
};

/// Builds the wheel. Lowering adds it to every job whose source is a distribution.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Wheel {
    python: Option<String>,
}

impl Wheel {
    /// A wheel, built with the default interpreter.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the interpreter that the back end runs on, `3.12`: it decides the tags of a wheel with extension modules.
    pub fn python(mut self, version: impl Into<String>) -> Self {
        self.python = Some(version.into());
        self
    }
}

impl Step for Wheel {
    const KIND: &'static str = "wheel";
    const VERSION: u32 = 1;

    fn inputs(&self) -> Inputs {
        Inputs::none().artifact("sdist")
    }

    fn outputs(&self) -> Vec<String> {
        vec!["wheel".to_owned(), "sdist".to_owned(), "metadata".to_owned()]
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        key.declared(&self.inputs())?;
        let (toolchain, store) = (key.service::<Toolchain>()?, key.service::<Store>()?);
        let (distribution, _) = sdist::known(key.job()?)?;
        let build =
            Backend::new(distribution, &toolchain, self.python.as_deref())?.tool(&store, key.context())?.describe();
        let channel = key.context().channel.clone();
        key.part("build environment", build);
        // It decides which release's bytes are used again.
        key.part("channel", channel);
        Ok(())
    }

    /// What two runs built at once has two versions, and one of them is public: the known outcome of the other is not built
    /// upon any more.
    fn recall(&self, work: &mut Work<'_>, outcome: &Outcome, _run: &str) -> Result<(), Failure> {
        let fact = |name: &str| outcome.facts.get(name).map(String::as_str).unwrap_or_default();
        let (Ok(version), Ok(payload)) = (fact("version").parse(), fact("payload").parse()) else {
            return Err(Failure::of(FailureKind::Stale, "its version or payload cannot be read"));
        };
        let store = work.service::<Store>()?;
        match store.standing_for(work.run_id(), &work.context().channel, fact("name"), &version, &payload)? {
            Some(public) if public != fact("version") => {
                let message = format!("the same is in {} as {public}", work.context().channel);
                Err(Failure::of(FailureKind::Stale, message))
            }
            _ => Ok(()),
        }
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let (toolchain, store) = (work.service::<Toolchain>()?, work.service::<Store>()?);
        let (distribution, plan) = sdist::known(work.job()?)?;
        let (distribution, plan) = (distribution.clone(), plan.clone());
        let backend = Backend::new(&distribution, &toolchain, self.python.as_deref())?;
        let (version, generated) = built(work)?;
        let sdist = work.artifact("sdist", "sdist")?;
        let unpacked = work.scratch().join("source");
        let source = sdist_archive::unpack(&sdist, &unpacked).map_err(Failure::io("cannot unpack", &sdist))?;
        let variables = match &plan.stamp {
            Stamp::Environment { variable } => [(variable.clone(), version.to_string())].into(),
            _ => BTreeMap::new(),
        };
        let wheel = backend.build(work, "build_wheel", &source, &work.scratch().join("built"), &variables)?;
        let checked = sdist::checked(&wheel, &distribution.name, &version, &plan.stamp)?;
        let masked = masked(&plan, &generated, &version);
        let payload = payload::digest(&wheel, &masked).map_err(|error| Failure::new(error.to_string()))?;
        let commit = work.context().commit.clone();
        let settled = store
            .settle(work.run_id(), &distribution.name, &version, &payload, &work.context().channel, commit.as_deref())
            .map_err(|error| {
                let failure = Failure::refused(error.message);
                error.hint.into_iter().fold(failure, Failure::hint)
            })?;
        let earlier = match &settled {
            Settled::Existing(release) => Earlier::of(release, &checked.file),
            Settled::New => None,
        };
        work.fact("name", &distribution.name);
        work.fact("payload", payload);
        match earlier {
            Some(earlier) => earlier.leave(work, &store),
            None => {
                work.fact("version", &version);
                put(work, &wheel, "wheel")?;
                put(work, &sdist, "sdist")?;
                let metadata = work.output("metadata", "METADATA")?;
                fs::write(&metadata, &checked.metadata.bytes).map_err(Failure::io("cannot write", &metadata))?;
                work.summary(name_of(&wheel));
                Ok(())
            }
        }
    }
}

/// What the sdist step said: the version, and which modules were generated.
fn built(work: &Work<'_>) -> Result<(Version, Vec<String>), Failure> {
    let missing = || Failure::refused(format!("`{}/sdist` left no version", work.step().job));
    let facts = &work.outcome("sdist").ok_or_else(missing)?.facts;
    let version = facts.get("version").and_then(|version| version.parse().ok()).ok_or_else(missing)?;
    let generated = facts.get("generated").map(|list| list.lines().map(str::to_owned).collect());
    Ok((version, generated.unwrap_or_default()))
}

/// The files that the build's own version was written into: they do not make it another payload.
fn masked(plan: &VersionPlan, generated: &[String], version: &Version) -> Vec<(String, String)> {
    let stamped: Vec<String> = match &plan.stamp {
        Stamp::Rewrite(places) => places.iter().map(|place| place.file.display().to_string()).collect(),
        Stamp::Keep | Stamp::Environment { .. } => Vec::new(),
    };
    stamped.iter().chain(generated).map(|path| (path.clone(), version.to_string())).collect()
}

/// The files of a release whose bytes are used again.
struct Earlier<'a> {
    release: &'a Release,
    wheel: &'a StoredFile,
    sdist: &'a StoredFile,
    metadata: Digest,
}

impl<'a> Earlier<'a> {
    /// `None` for a release without an sdist or without a wheel for the same Pythons and platforms: it cannot stand for this
    /// build.
    fn of(release: &'a Release, built: &FileName) -> Option<Self> {
        let parsed = |file: &StoredFile| file.file.parse::<FileName>().ok();
        let wheel = release.files.iter().find(|file| match (parsed(file), built) {
            (Some(FileName::Wheel(file)), FileName::Wheel(built)) => {
                (&file.python, &file.abi, &file.platform) == (&built.python, &built.abi, &built.platform)
            }
            _ => false,
        })?;
        let sdist = release.files.iter().find(|file| matches!(parsed(file), Some(FileName::Sdist(_))))?;
        Some(Self { release, wheel, sdist, metadata: wheel.metadata? })
    }

    fn leave(&self, work: &mut Work<'_>, store: &Store) -> Result<(), Failure> {
        let blobs = store.blobs();
        for (name, digest, file) in [
            ("wheel", &self.wheel.digest, self.wheel.file.as_str()),
            ("sdist", &self.sdist.digest, &self.sdist.file),
            ("metadata", &self.metadata, "METADATA"),
        ] {
            let (blob, path) = (blobs.path(digest), work.output(name, file)?);
            fs::copy(&blob, &path).map_err(Failure::io("cannot copy", &blob))?;
        }
        work.fact("version", &self.release.version);
        work.fact("reused", "true");
        work.summary(format!("same as {}, whose bytes are used again", self.release.version));
        Ok(())
    }
}

fn put(work: &Work<'_>, path: &Path, artifact: &str) -> Result<(), Failure> {
    let target = work.output(artifact, &name_of(path))?;
    fs::copy(path, &target).map_err(Failure::io("cannot copy", path)).map(|_| ())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(file: &str, metadata: Option<Digest>) -> StoredFile {
        let digest = Digest::of(file);
        StoredFile {
            file: file.to_owned(),
            digest,
            size: 1,
            requires_python: None,
            metadata,
            uploaded: "2026-01-01T00:00:00Z".to_owned(),
        }
    }

    fn release(files: Vec<StoredFile>) -> Release {
        let (payload, run) = (Digest::of("payload"), "run".to_owned());
        Release { version: "1.5.0.dev3".to_owned(), payload, files, commit: None, run }
    }

    #[test]
    fn an_earlier_release_stands_for_a_build_only_with_all_its_files() {
        let built: FileName = "money-1.5.0.dev4-py3-none-any.whl".parse().expect("a name");
        let wheel = stored("money-1.5.0.dev3-py3-none-any.whl", Some(Digest::of("metadata")));
        let other = stored("money-1.5.0.dev3-cp311-cp311-linux_x86_64.whl", Some(Digest::of("metadata")));
        let sdist = stored("money-1.5.0.dev3.tar.gz", None);
        assert!(Earlier::of(&release(vec![wheel.clone(), sdist.clone()]), &built).is_some());
        assert!(Earlier::of(&release(vec![wheel]), &built).is_none());
        assert!(Earlier::of(&release(vec![other, sdist]), &built).is_none());
    }
}
