//! The source distribution: the source, stamped with the build's own version, as its back end packs it (PEP 517, 625).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::python::{Toolchain, backend::Backend, distribution_file, sdist_archive};
use crate::{
    context::{Distribution, JobContext},
    run::{Failure, Key, Step, Work, process::Command},
    store::Store,
    version::{Stamp, Version, VersionPlan, apply},
};

/// Builds the source distribution. Lowering adds it to every job whose source is a distribution.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Sdist {
    python: Option<String>,
}

impl Sdist {
    /// A source distribution, built with the default interpreter.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the interpreter that the back end runs on: `3.12`.
    pub fn python(mut self, version: impl Into<String>) -> Self {
        self.python = Some(version.into());
        self
    }
}

impl Step for Sdist {
    const KIND: &'static str = "sdist";
    const VERSION: u32 = 1;

    fn outputs(&self) -> Vec<String> {
        vec!["sdist".to_owned()]
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        key.source()?;
        let (toolchain, store) = (key.service::<Toolchain>()?, key.service::<Store>()?);
        let (distribution, plan) = known(key.job()?)?;
        let backend = Backend::new(distribution, &toolchain, self.python.as_deref())?;
        let (name, plan) = (distribution.name.clone(), plan.clone());
        let build = backend.tool(&store, key.context())?;
        key.part("name", name);
        key.part("base version", &plan.base);
        key.part("version", plan.version(plan.number));
        key.part("stamp", serde_json::to_string(&plan.stamp).unwrap_or_default());
        build.add_to("build environment", key)
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let (toolchain, store) = (work.service::<Toolchain>()?, work.service::<Store>()?);
        let (distribution, plan) = known(work.job()?)?;
        let (distribution, plan) = (distribution.clone(), plan.clone());
        let backend = Backend::new(&distribution, &toolchain, self.python.as_deref())?;
        let version = store
            .reserve(work.run_id(), &distribution.name, &plan)
            .map_err(|error| Failure::lacking(error.to_string()))?;
        let tree = work.tree()?;
        let source = work.scratch().join("source");
        tree.copy_to(&source).map_err(Failure::io("cannot copy the source to", &source))?;
        let refused = |error: crate::version::VersionError| Failure::new(error.to_string());
        let variables = apply(&plan.stamp, &source, &version).map_err(refused)?;
        if distribution.build_requires.iter().any(|requirement| asks_git(requirement)) {
            commit(work, &toolchain, &source)?;
        }
        let built = backend.build(work, "build_sdist", &source, &work.scratch().join("built"), &variables)?;
        let file = built.file_name().unwrap_or_default().to_string_lossy().into_owned();
        checked(&built, &distribution.name, &version, &plan.stamp)?;
        let sdist = work.output("sdist", &file)?;
        let files = sdist_archive::normalize(&built, &sdist).map_err(Failure::io("cannot read", &built))?;
        let given: BTreeSet<&Path> = tree.files.iter().map(|file| file.path.as_path()).collect();
        let generated = generated(&files, &given);
        work.fact("name", &distribution.name);
        work.fact("version", &version);
        if !generated.is_empty() {
            work.fact("generated", generated.join("\n"));
        }
        work.summary(file);
        Ok(())
    }
}

/// What is known of a job whose source is a distribution with a version.
pub(in crate::python) fn known(job: &JobContext) -> Result<(&Distribution, &VersionPlan), Failure> {
    let source = job.directory.display();
    if let Some(problem) = job.survey.problems.first() {
        return Err(Failure::new(problem.clone()));
    }
    let distribution = job.survey.distribution.as_ref().ok_or_else(|| {
        Failure::new(format!("`{source}` has neither a pyproject.toml with a project or build system nor a setup.py"))
            .hint("add a pyproject.toml with `[project]` and `[build-system]`")
    })?;
    let plan = job.version.as_ref().ok_or_else(|| {
        let why = job.survey.version_problem.clone();
        Failure::new(why.unwrap_or_else(|| format!("`{source}` does not say its version")))
    })?;
    Ok((distribution, plan))
}

/// Refuses an sdist that is not of this name and version.
pub(in crate::python) fn checked(
    path: &Path,
    name: &str,
    version: &Version,
    stamp: &Stamp,
) -> Result<distribution_file::Checked, Failure> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let checked = distribution_file::check(path, &file).map_err(|error| {
        let failure = Failure::new(error.message);
        error.hint.into_iter().fold(failure, Failure::hint)
    })?;
    if checked.name != name {
        return Err(Failure::new(format!(
            "`{file}` is of `{}`, and the source says that it is `{name}`",
            checked.name
        )));
    }
    if checked.version != *version {
        let failure =
            Failure::new(format!("`{file}` has the version {}, and this build is {version}", checked.version));
        return Err(match stamp {
            Stamp::Environment { variable } => failure.hint(format!("the back end does not read `{variable}`")),
            _ => failure.hint("the back end reads its version somewhere else: say it once, in `[project] version`"),
        });
    }
    Ok(checked)
}

/// Whether a back end asks git which files belong to the source.
fn asks_git(requirement: &str) -> bool {
    let name =
        requirement.parse::<crate::python::Requirement>().map(|requirement| requirement.name).unwrap_or_default();
    ["setuptools-scm", "setuptools-git", "setuptools-git-versioning", "pbr"].contains(&name.as_str())
}

/// Makes the copy of the source a repository of one commit, so that a back end which asks git finds all files of the source
/// and no other.
fn commit(work: &mut Work<'_>, toolchain: &Toolchain, source: &Path) -> Result<(), Failure> {
    let mut environment: BTreeMap<_, _> = toolchain.base_env(work);
    for (name, value) in [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_DATE", "2020-02-02T00:00:00Z"),
        ("GIT_COMMITTER_DATE", "2020-02-02T00:00:00Z"),
    ] {
        environment.insert(name.into(), value.into());
    }
    let git = Command::new("git")
        .args(["-c", "user.name=build", "-c", "user.email=build@localhost", "-c", "init.defaultBranch=main"])
        .directory(source)
        .envs(environment);
    for args in [
        &["init", "--quiet", "--template="][..],
        &["add", "--all", "--force"],
        &["commit", "--quiet", "--allow-empty", "--no-gpg-sign", "--message", "source"],
    ] {
        work.run(&git.clone().args(args.iter().copied()))?;
    }
    Ok(())
}

/// Modules that a build wrote into the sdist: they may hold the version.
fn generated(files: &[PathBuf], given: &BTreeSet<&Path>) -> Vec<String> {
    let is_module = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "py");
    let new = files.iter().filter(is_module).filter(|path| !given.contains(path.as_path()));
    new.map(|path| path.display().to_string()).filter(|path| path != "setup.py").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_ends_that_ask_git_are_known() {
        assert!(asks_git("setuptools_scm[toml]>=8"));
        assert!(!asks_git("setuptools>=61"));
        assert!(!asks_git("hatch-vcs"));
    }

    #[test]
    fn a_module_that_the_source_does_not_have_was_generated() {
        let files = ["PKG-INFO", "setup.py", "src/x/__init__.py", "src/x/_version.py"].map(PathBuf::from);
        let given = [Path::new("src/x/__init__.py")].into();
        assert_eq!(generated(&files, &given), ["src/x/_version.py"]);
    }
}
