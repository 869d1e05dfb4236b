//! What a source directory says of itself: how it is built, tested, typed and linted.

mod constraints;
mod distribution;
mod groups;
mod poetry;
mod requirement_file;
mod test_files;
mod tool_pins;
mod tools;
mod wanted;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use requirement_file::RequirementFile;
use serde::{Deserialize, Serialize};

use crate::{
    python::project::Project,
    version::{self, Stamp, VersionError, VersionSource},
};

/// Whether `import x` in the checkout takes the checkout's package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Packages below `src/`.
    Src,
    /// Packages beside `pyproject.toml`.
    Flat,
}

/// A source that a build back end makes a distribution of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// The name, normalised (PEP 503).
    pub name: String,
    /// `[build-system] requires`, or the fallback for a `setup.py` only.
    pub build_requires: Vec<String>,
    /// `[build-system] build-backend`, or the legacy one.
    pub build_backend: String,
    /// `requires-python`.
    pub requires_python: Option<String>,
    /// `[project] dependencies`, as written; empty where they are dynamic.
    pub dependencies: Vec<String>,
    /// Names of `[project.optional-dependencies]`.
    pub extras: Vec<String>,
    /// Import packages and modules found, as paths relative to the source: `src/money`, `six.py`.
    pub packages: Vec<PathBuf>,
    /// Where they are.
    pub layout: Layout,
}

/// How coverage is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageConfiguration {
    /// The file: `pyproject.toml`, `.coveragerc`, `setup.cfg`, `tox.ini`.
    pub file: PathBuf,
    /// Whether it names `source`, `source_pkgs` or `include`.
    pub names_source: bool,
}

/// What a source directory says of itself. All paths are relative to the source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// What is wrong with the source: missing directory, unreadable `pyproject.toml`. `check` and `run` report it.
    pub problems: Vec<String>,
    /// `None` where there is neither `pyproject.toml` with a build system or project nor `setup.py`.
    pub distribution: Option<Distribution>,
    /// `None` where no version is said or it cannot be read; then `version_problem` says why.
    pub version_source: Option<VersionSource>,
    /// Why there is no version source.
    pub version_problem: Option<String>,
    /// Directories and files with tests: `tests`, `test`, `src/x/tests`, `test_x.py`.
    pub tests: Vec<PathBuf>,
    /// Requirements for the tests, PEP 508, from dependency groups, requirement files and tox, in that order of preference.
    pub test_requirements: Vec<String>,
    /// Extras that the tests want: of `test`, `tests`, `testing`.
    pub test_extras: Vec<String>,
    /// Requirements for type checks (`typing` group, `requirements/typing.txt`) without the type checkers themselves.
    pub typing_requirements: Vec<String>,
    /// Pins (`name==version`, with markers) from `uv.lock`, `pylock.toml` or pinned requirement files: constraints, not requirements.
    pub constraints: Vec<String>,
    /// Versions that the project itself pins of tools, by name: `ruff` in `.pre-commit-config.yaml`, `mypy` in its lock.
    pub tool_pins: std::collections::BTreeMap<String, String>,
    /// Where pytest is configured.
    pub pytest: Option<PathBuf>,
    /// Where mypy is configured.
    pub mypy: Option<PathBuf>,
    /// Whether that configuration names `files`, `packages` or `modules`: bare `mypy` is then right.
    pub mypy_names_files: bool,
    /// Where ruff is configured.
    pub ruff: Option<PathBuf>,
    /// Where flake8 is configured.
    pub flake8: Option<PathBuf>,
    /// How coverage is configured.
    pub coverage: Option<CoverageConfiguration>,
    /// `tox.ini`, `tox.toml`, or `pyproject.toml` with `[tool.tox]`.
    pub tox: Option<PathBuf>,
    /// `noxfile.py`.
    pub nox: Option<PathBuf>,
    /// `manage.py` of a Django project, whose tests it runs.
    pub manage_py: Option<PathBuf>,
    /// What the requirement files of an application tree that is no distribution ask for, PEP 508.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tree_requirements: Vec<String>,
    /// Requirement files of an application tree that is no distribution: `requirements.txt`.
    pub requirements: Vec<PathBuf>,
    /// pytest's `addopts`: it may ask for pytest-xdist or pytest-cov.
    pub pytest_addopts: Option<String>,
}

/// Reads what the source in `directory` says of itself. Never fails: problems are part of the answer.
#[must_use]
pub fn survey(directory: &Path) -> Survey {
    Surveyed::read(directory).0.survey
}

/// A survey, and how builds are given their version, of what is a distribution: both are read from the same files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Surveyed {
    pub(super) survey: Survey,
    pub(super) stamp: Option<Result<Stamp, VersionError>>,
}

impl Surveyed {
    /// Reads a source directory. Gives what was looked at, too, relative to the directory as a rule: it decides, and nothing else.
    pub(super) fn read(directory: &Path) -> (Self, BTreeSet<PathBuf>) {
        if !directory.is_dir() {
            let problem = format!("{} is missing: it is to be the source of a job", directory.display());
            let survey = Survey { problems: vec![problem], ..Survey::default() };
            return (Self { survey, stamp: None }, BTreeSet::from([PathBuf::new()]));
        }
        let mut project = Project::read(directory);
        let distribution = distribution::distribution(&project);
        let (version_source, version_problem, stamp) =
            match distribution.as_ref().map(|_| version::find_with_stamp(&project)) {
                Some(Ok((source, stamp))) => (Some(source), None, Some(Ok(stamp))),
                Some(Err(error)) => (None, Some(error.to_string()), Some(Err(error))),
                None => (None, None, None),
            };
        let tools = tools::Tools::read(&mut project);
        let wanted = wanted::Wanted::read(&mut project, distribution.as_ref(), tools.tox_deps());
        let constraints = constraints::constraints(&mut project, &wanted);
        let tool_pins = tool_pins::tool_pins(&mut project, &constraints);
        let requirements = if distribution.is_none() { test_files::requirements(&project) } else { Vec::new() };
        let read = requirements.iter().filter_map(|file| RequirementFile::read(&mut project, file));
        let tree_requirements = read.flat_map(|file| file.requirements).collect();
        let survey = Survey {
            tests: test_files::test_files(&project, &tools, distribution.as_ref()),
            requirements,
            tree_requirements,
            problems: std::mem::take(&mut project.problems),
            distribution,
            version_source,
            version_problem,
            test_requirements: wanted.tests,
            test_extras: wanted.extras,
            typing_requirements: wanted.typing,
            constraints,
            tool_pins,
            pytest: tools.pytest,
            pytest_addopts: tools.pytest_addopts,
            mypy: tools.mypy,
            mypy_names_files: tools.mypy_names_files,
            ruff: tools.ruff,
            flake8: tools.flake8,
            coverage: tools.coverage,
            tox: tools.tox,
            nox: tools.nox,
            manage_py: tools.manage_py,
        };
        (Self { survey, stamp }, project.looked())
    }
}

#[cfg(test)]
#[path = "looked_tests.rs"]
mod looked_tests;
