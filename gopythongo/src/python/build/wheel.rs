//! The wheel, built once, from the source distribution (PEP 517, 427): what is tested, uploaded and deployed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

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
    pythons: Vec<String>,
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

    /// Adds Pythons, `3.12`, for each of which a project with extension modules gets a wheel of its own; none by default.
    /// Those that this machine lacks are left out.
    pub fn pythons<P: Into<String>>(mut self, versions: impl IntoIterator<Item = P>) -> Self {
        self.pythons.extend(versions.into_iter().map(Into::into));
        self
    }
}

/// The artifact that is the wheel for a Python of the job's matrix.
pub(in crate::python) fn artifact_for(wheel: &Outcome, python: Option<&str>) -> String {
    let own = python.map(artifact_of).filter(|name| wheel.artifacts.contains_key(name));
    own.unwrap_or_else(|| WHEEL.to_owned())
}

/// The artifact that is the wheel for the default Python.
const WHEEL: &str = "wheel";

fn artifact_of(python: &str) -> String {
    format!("{WHEEL}-{python}")
}

impl Step for Wheel {
    const KIND: &'static str = "wheel";
    const VERSION: u32 = 1;

    fn inputs(&self) -> Inputs {
        Inputs::none().artifact("sdist")
    }

    fn outputs(&self) -> Vec<String> {
        let all = [WHEEL, "sdist", "metadata"].map(str::to_owned);
        all.into_iter().chain(self.pythons.iter().map(|python| artifact_of(python))).collect()
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        key.declared(&self.inputs())?;
        let (toolchain, store) = (key.service::<Toolchain>()?, key.service::<Store>()?);
        let (distribution, _) = sdist::known(key.job()?)?;
        let build = Backend::new(distribution, &toolchain, self.python.as_deref())?.tool(&store, key.context())?;
        let channel = key.context().channel.clone();
        build.add_to("build environment", key)?;
        for wanted in &self.pythons {
            let found = toolchain.pythons().interpreter(Some(wanted)).map(|python| python.version.clone());
            key.part(format!("Python {wanted}"), found.unwrap_or_default());
        }
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
        let masked = masked(&plan, &generated, &version);
        let build = |work: &mut Work<'_>, backend: &Backend, artifact: String| {
            let directory = work.scratch().join("built").join(&artifact);
            let path = backend.build(work, "build_wheel", &source, &directory, &variables)?;
            let checked = sdist::checked(&path, &distribution.name, &version, &plan.stamp)?;
            let payload = payload::digest(&path, &masked).map_err(|error| Failure::new(error.to_string()))?;
            Ok::<_, Failure>((Built { artifact, path, name: checked.file, payload }, checked.metadata.bytes))
        };
        let (first, metadata) = build(work, &backend, WHEEL.to_owned())?;
        let mut wheels = vec![first];
        for wanted in &self.pythons {
            let artifact = artifact_of(wanted);
            // a Python that is not here is in no environment of this run
            let python = toolchain.pythons().interpreter(Some(wanted)).ok().filter(|_| wheels[0].is_for_one_python());
            let same = python.is_none_or(|python| python.version == backend.python().version);
            let wheel = if same {
                Built { artifact, ..wheels[0].clone() }
            } else {
                let backend = Backend::new(&distribution, &toolchain, Some(wanted))?;
                build(work, &backend, artifact)?.0
            };
            wheels.push(wheel);
        }
        let payload = payload_of(&wheels);
        let commit = work.context().commit.clone();
        let settled = store
            .settle(work.run_id(), &distribution.name, &version, &payload, &work.context().channel, commit.as_deref())
            .map_err(|error| {
                let failure = Failure::refused(error.message);
                error.hint.into_iter().fold(failure, Failure::hint)
            })?;
        let earlier = match &settled {
            Settled::Existing(release) => Earlier::of(release, &wheels),
            Settled::New => None,
        };
        work.fact("name", &distribution.name);
        work.fact("payload", payload);
        match earlier {
            Some(earlier) => earlier.leave(work, &store),
            None => {
                work.fact("version", &version);
                for wheel in &wheels {
                    put(work, &wheel.path, &wheel.artifact)?;
                }
                put(work, &sdist, "sdist")?;
                let path = work.output("metadata", "METADATA")?;
                fs::write(&path, &metadata).map_err(Failure::io("cannot write", &path))?;
                let mut names: Vec<String> = wheels.iter().map(|wheel| name_of(&wheel.path)).collect();
                names.dedup();
                work.summary(names.join(", "));
                Ok(())
            }
        }
    }
}

/// A wheel that was built.
#[derive(Debug, Clone)]
struct Built {
    artifact: String,
    path: PathBuf,
    name: FileName,
    payload: Digest,
}

impl Built {
    /// Whether other Pythons cannot install it: it holds extension modules that are not of the stable ABI (PEP 425).
    fn is_for_one_python(&self) -> bool {
        match &self.name {
            FileName::Wheel(name) => name.abi != "abi3" && !name.python.split('.').all(|tag| tag.starts_with("py")),
            FileName::Sdist(_) => false,
        }
    }
}

/// The payload of all wheels of a release: that of the only one, else of theirs by file.
fn payload_of(wheels: &[Built]) -> Digest {
    let lines: BTreeMap<String, Digest> = wheels.iter().map(|wheel| (name_of(&wheel.path), wheel.payload)).collect();
    match lines.len() {
        1 => wheels[0].payload,
        _ => Digest::of(lines.values().map(|payload| format!("{payload}\n")).collect::<String>()),
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
    /// By artifact.
    wheels: Vec<(&'a str, &'a StoredFile)>,
    sdist: &'a StoredFile,
    metadata: Digest,
}

impl<'a> Earlier<'a> {
    /// `None` for a release without an sdist or without a wheel for the same Pythons and platforms: it cannot stand for this
    /// build.
    fn of(release: &'a Release, built: &'a [Built]) -> Option<Self> {
        let parsed = |file: &StoredFile| file.file.parse::<FileName>().ok();
        let same = |wheel: &Built| {
            release.files.iter().find(|file| match (parsed(file), &wheel.name) {
                (Some(FileName::Wheel(file)), FileName::Wheel(built)) => {
                    (&file.python, &file.abi, &file.platform) == (&built.python, &built.abi, &built.platform)
                }
                _ => false,
            })
        };
        let wheels: Option<Vec<_>> = built.iter().map(|wheel| Some((wheel.artifact.as_str(), same(wheel)?))).collect();
        let wheels = wheels?;
        let sdist = release.files.iter().find(|file| matches!(parsed(file), Some(FileName::Sdist(_))))?;
        let metadata = wheels.first()?.1.metadata?;
        Some(Self { release, wheels, sdist, metadata })
    }

    fn leave(&self, work: &mut Work<'_>, store: &Store) -> Result<(), Failure> {
        let blobs = store.blobs();
        let wheels = self.wheels.iter().map(|(artifact, file)| (*artifact, &file.digest, file.file.as_str()));
        let others =
            [("sdist", &self.sdist.digest, self.sdist.file.as_str()), ("metadata", &self.metadata, "METADATA")];
        for (name, digest, file) in wheels.chain(others) {
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

    fn built(file: &str) -> Built {
        let name = file.parse().expect("a name");
        Built { artifact: WHEEL.to_owned(), path: file.into(), name, payload: Digest::of(file) }
    }

    #[test]
    fn a_wheel_with_extension_modules_is_for_one_python() {
        let one = |tags: &str| built(&format!("money-1.5.0-{tags}.whl")).is_for_one_python();
        assert!(one("cp311-cp311-linux_x86_64") && one("pp39-pypy39_pp73-linux_x86_64"));
        assert!(!one("py3-none-any") && !one("py2.py3-none-any") && !one("cp39-abi3-linux_x86_64"));
        assert!(!one("py3-none-manylinux_2_17_x86_64"));
    }

    #[test]
    fn an_earlier_release_stands_for_a_build_only_with_all_its_files() {
        let built = [built("money-1.5.0.dev4-py3-none-any.whl")];
        let wheel = stored("money-1.5.0.dev3-py3-none-any.whl", Some(Digest::of("metadata")));
        let other = stored("money-1.5.0.dev3-cp311-cp311-linux_x86_64.whl", Some(Digest::of("metadata")));
        let sdist = stored("money-1.5.0.dev3.tar.gz", None);
        assert!(Earlier::of(&release(vec![wheel.clone(), sdist.clone()]), &built).is_some());
        assert!(Earlier::of(&release(vec![wheel]), &built).is_none());
        assert!(Earlier::of(&release(vec![other, sdist]), &built).is_none());
    }
}
