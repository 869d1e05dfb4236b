//! What a project's tests and type checks want to be installed.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{Distribution, groups, poetry, requirement_file::RequirementFile};
use crate::python::{Requirement, name::normalize, project::Project};

/// The names by which projects call the group, file or extra of their test requirements.
const TESTS: [&str; 3] = ["tests", "test", "testing"];
const TYPING: [&str; 6] = ["typing", "types", "type-check", "typecheck", "type-checking", "mypy"];
const DEVELOPMENT: [&str; 3] = ["dev", "develop", "development"];

/// Type checkers, which have environments of their own.
const CHECKERS: [&str; 7] = ["basedpyright", "mypy", "pyre-check", "pyrefly", "pyright", "pytype", "ty"];

/// What developers install beside a project that no test needs.
const NO_TESTS: [&str; 43] = [
    "autoflake",
    "autopep8",
    "bandit",
    "black",
    "build",
    "bump-my-version",
    "bump2version",
    "bumpversion",
    "codespell",
    "commitizen",
    "docformatter",
    "flake8",
    "furo",
    "gha-update",
    "hatch",
    "interrogate",
    "ipdb",
    "ipython",
    "isort",
    "jupyter",
    "mkdocs",
    "myst-parser",
    "nox",
    "pip-audit",
    "pip-tools",
    "poetry",
    "pre-commit",
    "prospector",
    "pycodestyle",
    "pydocstyle",
    "pyflakes",
    "pylint",
    "pyupgrade",
    "ruff",
    "safety",
    "sphinx",
    "towncrier",
    "tox",
    "twine",
    "uv",
    "vulture",
    "wheel-inspect",
    "yapf",
];
const NO_TESTS_PREFIXES: [&str; 8] =
    ["flake8-", "mkdocs-", "pre-commit-", "pylint-", "sphinx-", "sphinxcontrib-", "tox-", "types-"];

/// What is wanted, each a list of PEP 508 requirements.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) tests: Vec<String>,
    pub(super) typing: Vec<String>,
    /// Extras of the project itself.
    pub(super) extras: Vec<String>,
    /// Pins of the requirement files that were read.
    pub(super) pins: Vec<String>,
}

impl Wanted {
    /// Reads the most precise source that there is: a group for tests, a file for tests, an extra for tests, a group or
    /// file for development without what tests do not need, and at last `deps` of tox.
    pub(super) fn read(project: &mut Project, distribution: Option<&Distribution>, tox_deps: &[String]) -> Self {
        let mut wanted = Self::default();
        let extras = distribution.map(|distribution| distribution.extras.clone()).unwrap_or_default();
        let for_tests: Vec<String> = extras.into_iter().filter(|extra| TESTS.contains(&extra.as_str())).collect();
        let tests = wanted.group(project, &TESTS).or_else(|| wanted.file(project, &TESTS));
        let tests = match tests {
            Some(tests) => tests,
            None if !for_tests.is_empty() => Vec::new(),
            None => {
                let development = wanted.group(project, &DEVELOPMENT).or_else(|| wanted.file(project, &DEVELOPMENT));
                match development {
                    Some(all) => all.into_iter().filter(|requirement| may_be_for_tests(requirement)).collect(),
                    None => {
                        let read = RequirementFile::of_lines(project, "tox.ini", &tox_lines(tox_deps));
                        wanted.take(read)
                    }
                }
            }
        };
        let typing = wanted.group(project, &TYPING).or_else(|| wanted.file(project, &TYPING));
        let typing = typing.or_else(|| {
            let development = wanted.group(project, &DEVELOPMENT).or_else(|| wanted.file(project, &DEVELOPMENT));
            development.map(|all| all.into_iter().filter(|requirement| is_stubs(requirement)).collect())
        });
        wanted.extras.extend(for_tests);
        let own = distribution.map_or("", |distribution| distribution.name.as_str());
        wanted.tests = wanted.checked(project, own, tests);
        let typing = wanted.checked(project, own, typing.unwrap_or_default());
        wanted.typing =
            typing.into_iter().filter(|requirement| !CHECKERS.contains(&name(requirement).as_str())).collect();
        wanted.extras.sort();
        wanted.extras.dedup();
        wanted
    }

    fn group(&mut self, project: &mut Project, names: &[&str]) -> Option<Vec<String>> {
        groups::group(project, names).or_else(|| poetry::group(project, names))
    }

    /// The first requirement file of these names. What was compiled from it gives the pins.
    fn file(&mut self, project: &mut Project, names: &[&str]) -> Option<Vec<String>> {
        // most projects have nothing that looks like one: the dozens of names are not even made
        let is_near = |name: &OsString| {
            names.iter().any(|near| name == near) || name.as_bytes().windows(12).any(|part| part == b"requirements")
        };
        if project.listing(Path::new("")).is_some_and(|listing| !listing.keys().any(is_near)) {
            return None;
        }
        let stems: Vec<PathBuf> = names.iter().flat_map(|name| stems(name)).collect();
        let stem =
            stems.iter().find(|stem| ["in", "txt"].iter().any(|suffix| project.has(stem.with_extension(suffix))))?;
        let written = RequirementFile::read(project, &stem.with_extension("in"));
        let compiled = RequirementFile::read(project, &stem.with_extension("txt"));
        match (written, compiled) {
            (Some(written), compiled) => {
                compiled.into_iter().for_each(|compiled| self.pins.extend(compiled.pins));
                Some(self.take(written))
            }
            (None, compiled) => compiled.map(|compiled| self.take(compiled)),
        }
    }

    fn take(&mut self, read: RequirementFile) -> Vec<String> {
        self.pins.extend(read.pins);
        self.extras.extend(read.extras);
        read.requirements
    }

    /// Requirements that can be read, each once; a project that wants itself with extras wants its extras.
    fn checked(&mut self, project: &mut Project, own: &str, requirements: Vec<String>) -> Vec<String> {
        let mut checked: Vec<String> = Vec::new();
        for text in requirements {
            match text.parse::<Requirement>() {
                Ok(requirement) if requirement.name == own => self.extras.extend(requirement.extras),
                Ok(requirement) => checked.push(requirement.to_string()),
                Err(error) => project.problems.push(format!("{}: {error}", project.directory.display())),
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        checked.retain(|requirement| seen.insert(requirement.clone()));
        checked
    }
}

/// Where a requirement file for `name` may be, without its suffix.
fn stems(name: &str) -> Vec<PathBuf> {
    let patterns = [
        format!("requirements/{name}"),
        format!("requirements/requirements-{name}"),
        format!("requirements-{name}"),
        format!("requirements_{name}"),
        format!("{name}-requirements"),
        format!("{name}_requirements"),
        format!("{name}/requirements"),
    ];
    patterns.map(PathBuf::from).into()
}

/// Lines of `deps` that hold in every environment: `py38: mock` and what has a substitution does not.
fn tox_lines(deps: &[String]) -> Vec<String> {
    let in_every = |line: &&String| {
        let factor = line.split_once(':').is_some_and(|(head, _)| !head.contains(['@', ';', '=', ' ']));
        !factor && !line.contains('{')
    };
    deps.iter()
        .map(|line| line.replace("{toxinidir}/", "").replace("{tox_root}/", ""))
        .collect::<Vec<_>>()
        .iter()
        .filter(in_every)
        .cloned()
        .collect()
}

fn name(requirement: &str) -> String {
    let end = requirement.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(requirement.len());
    normalize(&requirement[..end])
}

fn may_be_for_tests(requirement: &str) -> bool {
    let name = name(requirement);
    let name = name.as_str();
    !NO_TESTS.contains(&name)
        && !CHECKERS.contains(&name)
        && !NO_TESTS_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn is_stubs(requirement: &str) -> bool {
    let name = name(requirement);
    name.starts_with("types-") || name.ends_with("-stubs")
}

#[cfg(test)]
mod tests {
    use super::{super::distribution::distribution, *};
    use crate::support::trees::tree;

    fn wanted(files: &[(&str, &str)], tox: &[&str]) -> Wanted {
        let directory = tree(files);
        let mut project = Project::read(directory.path());
        let distribution = distribution(&project);
        let tox: Vec<String> = tox.iter().map(ToString::to_string).collect();
        let wanted = Wanted::read(&mut project, distribution.as_ref(), &tox);
        assert_eq!(project.problems, [""; 0]);
        wanted
    }

    #[test]
    fn groups_come_first() {
        let text = "[project]\nname = 'x'\n[dependency-groups]\ntests = ['pytest', 'x[fast]']\ntyping = ['mypy', 'pyright', 'types-attrs', 'pytest']\ndev = ['tox']\n";
        let found = wanted(&[("pyproject.toml", text), ("requirements/tests.txt", "nose")], &["nose"]);
        assert_eq!(found.tests, ["pytest"]);
        assert_eq!(found.typing, ["types-attrs", "pytest"]);
        assert_eq!(found.extras, ["fast"]);
    }

    #[test]
    fn files_are_read_with_what_was_compiled_from_them() {
        let found = wanted(
            &[
                ("requirements/tests.in", "pytest\ntrio\n"),
                ("requirements/tests.txt", "pytest==8.3.4\ntrio==0.27.0\nidna==3.10\n    # via trio\n"),
                (
                    "requirements/typing.txt",
                    "mypy==1.14.0\n    # via -r typing.in\nmypy-extensions==1.0.0\n    # via mypy\n",
                ),
            ],
            &[],
        );
        assert_eq!(found.tests, ["pytest", "trio"]);
        assert_eq!(found.typing, [""; 0]);
        assert_eq!(
            found.pins,
            ["pytest==8.3.4", "trio==0.27.0", "idna==3.10", "mypy==1.14.0", "mypy-extensions==1.0.0"]
        );
    }

    #[test]
    fn an_extra_for_tests_is_enough() {
        let text = "[project]\nname = 'x'\n[project.optional-dependencies]\ntest = ['pytest']\ndocs = ['sphinx']\n[dependency-groups]\ndev = ['attrs']\n";
        let found = wanted(&[("pyproject.toml", text)], &["nose"]);
        assert_eq!((found.tests, found.extras), (Vec::new(), vec!["test".to_owned()]));
    }

    #[test]
    fn of_what_developers_install_some_is_for_tests() {
        let text = "[dependency-groups]\ndev = ['pytest', 'Sphinx-rtd-theme', 'flake8_bugbear', 'ruff', 'mypy', 'types-attrs>=1', 'freezegun']\n";
        let found = wanted(&[("pyproject.toml", text)], &[]);
        assert_eq!(found.tests, ["pytest", "freezegun"]);
        assert_eq!(found.typing, ["types-attrs>=1"]);
    }

    #[test]
    fn tox_is_the_last_resort() {
        let found = wanted(
            &[("more.txt", "trio\n")],
            &["pytest", "py38: mock", "-r{toxinidir}/more.txt", "{env:X}", ".[fast]"],
        );
        assert_eq!(found.tests, ["pytest", "trio"]);
        assert_eq!(found.extras, ["fast"]);
    }
}
