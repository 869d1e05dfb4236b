//! Resolution as a step: what the tests of a job are run with.

use std::{
    any::Any,
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use crate::python::{
    IntegrationTests, Lock, Pytest, Toolchain, Virtualenv,
    owned::{Owned, requires_dist},
    question::Question,
    wheel,
};
use crate::{
    context::{BuildKind, Interpreter, JobContext},
    package::Deb,
    run::{AnyStep, Failure, FailureKind, Inputs, Key, Outcome, RunDirectory, Step, Work},
    store::Store,
    support::{Digest, words},
};

/// Resolves what a job's tests and types need into a [`Lock`]: kept until the requirements, the constraints or an owned
/// package changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Resolve {
    pub(in crate::python) python: Option<String>,
    /// Whether the requirements of type checks are resolved too.
    pub(in crate::python) typing: bool,
    /// Whether coverage is measured.
    pub(in crate::python) coverage: bool,
    /// The version that is asked for by an option.
    pub(in crate::python) pytest: Option<String>,
    /// Further requirements, plug-ins of pytest among them.
    pub(in crate::python) requirements: Vec<String>,
    /// Extras of the wheel instead of those that look like tests'.
    pub(in crate::python) extras: Vec<String>,
    pub(in crate::python) constraints: Option<PathBuf>,
    /// What the application has at run time beside its own requirements: what serves it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::python) runtime: Vec<String>,
    /// Extras of the application that it has at run time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::python) runtime_extras: Vec<String>,
}

impl Resolve {
    /// What a job with these steps needs for one Python: pytest with its plug-ins, coverage, what types need.
    pub fn for_steps<'a>(steps: impl IntoIterator<Item = &'a AnyStep>, python: Option<&str>) -> Self {
        let mut resolve = Self { python: python.map(str::to_owned), ..Self::default() };
        for step in steps {
            resolve.typing |= step.kind() == "mypy";
            resolve.runtime.extend(Deb::of(step).and_then(Deb::requirement));
            if let Some(virtualenv) = Virtualenv::of(step) {
                resolve.runtime.extend(virtualenv.requirements.iter().cloned());
                resolve.runtime_extras.extend(virtualenv.extras.iter().cloned());
            }
            let step = &**step as &dyn Any;
            let suite = step.downcast_ref().or_else(|| step.downcast_ref().map(IntegrationTests::options));
            let Some(suite): Option<&Pytest> = suite else { continue };
            resolve.coverage |= !suite.without_coverage;
            resolve.pytest = suite.version.clone().or(resolve.pytest);
            for requirement in &suite.requirements {
                if !resolve.requirements.contains(requirement) {
                    resolve.requirements.push(requirement.clone());
                }
            }
            for extra in &suite.extras {
                if !resolve.extras.contains(extra) {
                    resolve.extras.push(extra.clone());
                }
            }
        }
        resolve
    }

    /// Adds a constraints file, relative to the pipeline's root: `name==version` a line. None by default.
    pub fn constraints(mut self, file: impl Into<PathBuf>) -> Self {
        self.constraints = Some(file.into());
        self
    }

    fn question(
        &self,
        job: &JobContext,
        name: &str,
        python: &Interpreter,
        root: &Path,
        metadata: Option<&PathBuf>,
    ) -> Result<Question, Failure> {
        let requires = metadata
            .map(|file| {
                let bytes = fs::read(file).map_err(Failure::io("cannot read", file))?;
                requires_dist(bytes).map_err(|error| Failure::new(format!("the wheel of `{name}`: {error}")))
            })
            .transpose()?;
        let constraints = match &self.constraints {
            Some(file) => {
                let file = root.join(file);
                fs::read_to_string(&file).map_err(Failure::io("cannot read the constraints", &file))?
            }
            None => String::new(),
        };
        Question::new(self, job, name, python, requires, &constraints)
    }

    /// Tells the stage which releases of the channel the lock relies on: the promotion checks that they are still there.
    fn record(&self, work: &Work<'_>, lock: &Lock, owned: &Owned) -> Result<(), Failure> {
        let relied: Vec<(String, Digest)> = lock
            .owned()
            .filter_map(|package| Some((package.name.clone(), owned.get(&package.name)?)))
            .filter(|(_, seen)| !seen.staged)
            .map(|(name, seen)| (name, seen.payload))
            .collect();
        if relied.is_empty() {
            return Ok(());
        }
        let store = work.service::<Store>()?;
        let relied = relied.into_iter().map(|(name, payload)| (name, Some(payload)));
        store.update_stage(work.run_id(), |stage| stage.resolved.extend(relied))?;
        Ok(())
    }
}

impl Step for Resolve {
    const KIND: &'static str = "resolve";
    const VERSION: u32 = 1;

    fn label(&self) -> Option<String> {
        self.python.clone()
    }

    fn inputs(&self) -> Inputs {
        Inputs::source().artifact("wheel").index()
    }

    fn outputs(&self) -> Vec<String> {
        vec!["lock".to_owned()]
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        let toolchain = key.service::<Toolchain>()?;
        let python = toolchain.pythons().for_source(self.python.as_deref(), &key.job()?.survey)?;
        let metadata = key.outcome("wheel").and_then(|outcome| outcome.artifacts.get("metadata"));
        let metadata = metadata.map(|artifact| key.blob(&artifact.digest));
        let question = self.question(key.job()?, &key.step().job, python, &key.context().root, metadata.as_ref())?;
        let owned = Owned::seen(&*key.service::<Store>()?, key.run_id(), key.context())?;
        key.part("Python", format!("{} {}", python.implementation, python.version));
        key.part("requirements", question.requirements(None));
        for file in &question.files {
            let digest = Digest::of_file(file).map_err(Failure::io("cannot read", file))?;
            key.part(file.file_name().unwrap_or_default().to_string_lossy(), digest);
        }
        key.part("constraints", [question.pins(&owned), question.defaults.clone()].concat().join("\n"));
        let needs = question.reached(&owned, python);
        let names: BTreeSet<String> = needs.into_iter().map(|need| need.requirement.name).collect();
        for name in names {
            let seen = owned.get(&name).map(|seen| format!("{} {}", seen.version, seen.payload));
            key.part(name, seen.unwrap_or_else(|| "none".to_owned()));
        }
        Ok(())
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let toolchain = work.service::<Toolchain>()?;
        let python = toolchain.pythons().for_source(self.python.as_deref(), &work.job()?.survey)?;
        let name = work.step().job.clone();
        let (metadata, wheel) = match work.outcome("wheel") {
            Some(wheel) => {
                let own = wheel::artifact_for(wheel, self.python.as_deref());
                (Some(work.artifact("wheel", "metadata")?), Some(work.artifact("wheel", &own)?))
            }
            None => (None, None),
        };
        let root = work.context().root.clone();
        let question = self.question(work.job()?, &name, python, &root, metadata.as_ref())?;
        let owned = Owned::seen(&*work.service::<Store>()?, work.run_id(), work.context())?;
        let needs = question.reached(&owned, python);

        let requirements = question.requirements(wheel.as_deref());
        let constraints = [question.pins(&owned), question.owned_pins(&owned, &needs)].concat();
        let answer = match &question.defaults[..] {
            [] => toolchain.resolve(work, python, &requirements, &question.files, &constraints),
            defaults => {
                let all = [&constraints[..], defaults].concat();
                let answer = toolchain.resolve(work, python, &requirements, &question.files, &all);
                match answer {
                    Err(failure)
                        if failure.kind == FailureKind::Failed
                            && owned.conflict(&needs, &work.context().channel).is_none() =>
                    {
                        work.say(&format!("nothing fits {}: trying without", words::list(defaults)));
                        toolchain.resolve(work, python, &requirements, &question.files, &constraints)
                    }
                    answer => answer,
                }
            }
        };
        let channel = &work.context().channel;
        let mut lock = answer.map_err(|mut failure| {
            if failure.kind != FailureKind::Failed {
                return failure;
            }
            if let Some(conflict) = owned.conflict(&needs, channel) {
                return Failure { command: failure.command, ..conflict };
            }
            failure.message = format!("what the tests of `{name}` need does not fit together");
            toolchain.unanswered(failure)
        })?;
        for package in &mut lock.packages {
            package.owned = owned.owns(&package.name);
            let seen = owned.get(&package.name).map(|seen| seen.version.to_string());
            if package.owned && seen.as_ref() != Some(&package.version) {
                return Err(Failure::refused(format!(
                    "the index gave `{}` {}, but this run has {}",
                    package.name,
                    package.version,
                    seen.as_deref().unwrap_or("none")
                )));
            }
        }
        lock.runtime.clone_from(&self.runtime);
        self.record(work, &lock, &owned)?;
        let text = serde_json::to_vec_pretty(&lock).map_err(|error| Failure::new(error.to_string()))?;
        let file = work.output("lock", "lock.json")?;
        fs::write(&file, text).map_err(Failure::io("cannot write", &file))?;
        work.summary(words::count(lock.packages.len(), "package"));
        Ok(())
    }

    fn recall(&self, work: &mut Work<'_>, outcome: &Outcome, run: &str) -> Result<(), Failure> {
        let offline = work.service::<Toolchain>()?.is_offline();
        if let Some(days) =
            outdated(work.context().kind, RunDirectory::begun(run), SystemTime::now()).filter(|_| !offline)
        {
            return Err(Failure::of(FailureKind::Stale, format!("resolved {} ago", words::count(days, "day"))));
        }
        let lock = Lock::of(work, outcome)?;
        let owned = Owned::seen(&*work.service::<Store>()?, work.run_id(), work.context())?;
        for package in lock.owned() {
            let seen = owned.get(&package.name).map(|seen| seen.version.to_string());
            if seen.as_ref() != Some(&package.version) {
                return Err(Failure::of(
                    FailureKind::Stale,
                    format!("`{}` is another one than {}", package.name, package.version),
                ));
            }
        }
        self.record(work, &lock, &owned)
    }
}

/// After how many days a resolution is looked at again, where newer versions are welcome.
const REFRESH_AFTER: u64 = 7;

/// The age in days of a resolution that has to be made again. Within a release branch, for a hotfix and on master it holds
/// for ever: what was tested there must not change by itself.
fn outdated(kind: BuildKind, resolved: Option<SystemTime>, now: SystemTime) -> Option<usize> {
    if matches!(kind, BuildKind::Release | BuildKind::Hotfix | BuildKind::Master) {
        return None;
    }
    // a clock that went back makes nothing old
    let days = now.duration_since(resolved?).ok()?.as_secs() / (24 * 60 * 60);
    usize::try_from(days).ok().filter(|_| days >= REFRESH_AFTER)
}

impl Lock {
    /// The lock that an outcome of `resolve` holds.
    ///
    /// # Errors
    /// When it holds none, or it cannot be read.
    pub fn of(work: &Work<'_>, outcome: &Outcome) -> Result<Self, Failure> {
        let artifact = outcome.artifacts.get("lock");
        let blob = artifact.map(|artifact| work.blob(&artifact.digest));
        let blob = blob.ok_or_else(|| Failure::refused(format!("`{}/resolve` left no `lock`", work.step().job)))?;
        let bytes = fs::read(&blob).map_err(Failure::io("cannot read", &blob))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::refused(format!("`{}` is not a lock: {error}", blob.display())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_resolution_ages_where_newer_versions_are_welcome() {
        let begun = RunDirectory::begun("20261123t030653-abcd");
        assert!(begun.is_some());
        let day = |days: u64| {
            begun.map(|begun| begun + Duration::from_secs(days * 24 * 60 * 60)).unwrap_or(SystemTime::now())
        };
        assert_eq!(outdated(BuildKind::Develop, begun, day(6)), None);
        assert_eq!(outdated(BuildKind::Develop, begun, day(8)), Some(8));
        assert_eq!(outdated(BuildKind::Feature, begun, day(8)), Some(8));
        assert_eq!(outdated(BuildKind::Release, begun, day(80)), None);
        assert_eq!(outdated(BuildKind::Develop, begun, SystemTime::UNIX_EPOCH), None);
        assert_eq!(outdated(BuildKind::Develop, RunDirectory::begun("nonsense"), day(8)), None);
    }
}
