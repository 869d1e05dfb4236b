//! What runs a suite's tests: pytest, or a Django project's own `manage.py test`.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    context::Survey,
    python::{Pytest, Requirement, suite_place::SuitePlace},
    run::{Failure, Work},
};

/// Runs `manage.py test` and writes a JUnit report.
const DJANGO: &str = include_str!("django_tests.py");

/// What runs a suite's tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::python) enum Runner {
    /// `python -m pytest`.
    Pytest,
    /// `python manage.py test`: the project's `TEST_RUNNER` decides what that does.
    Django(PathBuf),
}

impl Runner {
    /// A Django project runs its tests itself unless it says in any way that it uses pytest.
    pub(in crate::python) fn of(survey: &Survey, options: &Pytest) -> Self {
        let names_pytest = |requirement: &String| {
            let name = requirement.parse::<Requirement>().map(|requirement| requirement.name);
            name.is_ok_and(|name| name == "pytest" || name.starts_with("pytest-"))
        };
        let wanted = survey.test_requirements.iter().chain(&options.requirements);
        match &survey.manage_py {
            Some(program) if survey.pytest.is_none() && !wanted.clone().any(names_pytest) => {
                Self::Django(program.clone())
            }
            _ => Self::Pytest,
        }
    }

    /// What people call it.
    pub(in crate::python) fn name(&self) -> &'static str {
        match self {
            Self::Pytest => "pytest",
            Self::Django(_) => "`manage.py test`",
        }
    }

    /// The arguments of the environment's Python.
    pub(in crate::python) fn arguments(
        &self,
        place: &SuitePlace,
        paths: &[PathBuf],
        options: &Pytest,
        junit: &Path,
        work: &Work<'_>,
    ) -> Result<Vec<OsString>, Failure> {
        let mut arguments: Vec<OsString> = Vec::new();
        match self {
            Self::Pytest => {
                arguments.extend(["-m", "pytest"].map(OsString::from));
                arguments.extend(place.arguments(paths).into_iter().map(OsString::from));
                arguments.extend(place.adjustments().into_iter().map(OsString::from));
                arguments.extend(options.args.iter().map(OsString::from));
                arguments.push(format!("--junitxml={}", junit.display()).into());
            }
            Self::Django(program) => {
                let script = work.scratch().join("django_tests.py");
                fs::write(&script, DJANGO).map_err(Failure::io("cannot write", &script))?;
                arguments.extend([script.into(), junit.into(), program.into(), "test".into(), "--noinput".into()]);
                arguments.extend(paths.iter().map(OsString::from));
                arguments.extend(options.args.iter().map(OsString::from));
            }
        }
        Ok(arguments)
    }

    /// What to do when there are no tests. `has_tests` tells whether the source has what looks like tests.
    pub(in crate::python) fn no_tests(&self, has_tests: bool) -> &'static str {
        match self {
            Self::Django(_) => "put tests into a package that `manage.py test` discovers, with an `__init__.py`",
            Self::Pytest if has_tests => "pytest's own configuration may deselect all of them",
            Self::Pytest => "put tests into `tests/`, or name them: `.step(Pytest::new().paths([\"…\"]))`",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_django_project_runs_its_tests_itself_unless_it_says_pytest() {
        let plain = Survey { manage_py: Some("manage.py".into()), ..Survey::default() };
        assert_eq!(Runner::of(&plain, &Pytest::new()), Runner::Django("manage.py".into()));
        assert_eq!(Runner::of(&plain, &Pytest::new().plugins(["pytest-django>=4"])), Runner::Pytest);
        let wanted = Survey { test_requirements: vec!["pytest-django".to_owned()], ..plain.clone() };
        assert_eq!(Runner::of(&wanted, &Pytest::new()), Runner::Pytest);
        let configured = Survey { pytest: Some("pytest.ini".into()), ..plain };
        assert_eq!(Runner::of(&configured, &Pytest::new()), Runner::Pytest);
        assert_eq!(Runner::of(&Survey::default(), &Pytest::new()), Runner::Pytest);
    }
}
