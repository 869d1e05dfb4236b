//! `pytest` against the installed wheel, under coverage.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::context::SecretFrom;
use crate::python::{Quarantine, suite};
use crate::run::{AnyStep, Failure, Inputs, Key, Step, Work};

/// Runs a project's tests with pytest, against its installed wheel and not against the checkout. By default under coverage.
///
/// A Django project (`manage.py`) that names pytest nowhere runs its tests itself, with its own `TEST_RUNNER`: then this is
/// `manage.py test`, and arguments are those of that command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Pytest {
    pub(in crate::python) python: Option<String>,
    pub(in crate::python) version: Option<String>,
    pub(in crate::python) args: Vec<String>,
    pub(in crate::python) paths: Vec<PathBuf>,
    pub(in crate::python) requirements: Vec<String>,
    pub(in crate::python) extras: Vec<String>,
    pub(in crate::python) environment: Vec<String>,
    pub(in crate::python) without_coverage: bool,
    pub(in crate::python) timeout: Option<Duration>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::python) quarantines: Vec<Quarantine>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::python) secrets: BTreeMap<String, SecretFrom>,
}

impl Pytest {
    /// The project's own configuration, arguments and versions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Pins pytest's version; by default that of the project's own pins, else GoPythonGo's.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Adds arguments after those of the project's own `addopts`; none by default.
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Runs these directories and files, relative to the source; by default what pytest's configuration says, else what
    /// looks like tests.
    pub fn paths<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.paths.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Adds plug-ins of pytest, as requirements (`pytest-xdist>=3`); none by default.
    pub fn plugins<R: Into<String>>(mut self, requirements: impl IntoIterator<Item = R>) -> Self {
        self.requirements.extend(requirements.into_iter().map(Into::into));
        self
    }

    /// Adds requirements of the tests that the project does not name itself (PEP 508); none by default.
    pub fn requirements<R: Into<String>>(self, requirements: impl IntoIterator<Item = R>) -> Self {
        self.plugins(requirements)
    }

    /// Installs the wheel with these extras; by default those among `test`, `tests` and `testing` that it has.
    pub fn extras<E: Into<String>>(mut self, extras: impl IntoIterator<Item = E>) -> Self {
        self.extras.extend(extras.into_iter().map(Into::into));
        self
    }

    /// Lets the tests see a variable of this program's environment; none by default. Its value decides, so it is in the key.
    pub fn env(mut self, name: impl Into<String>) -> Self {
        self.environment.push(name.into());
        self
    }

    /// Lets the tests see a secret as a variable; none by default. It is fetched when they run, it is in no key (what has passed
    /// is not repeated for another value), and `***` wherever they print it, in their reports too. In a pull request of a fork,
    /// which gets no secrets, the suite does not run.
    ///
    /// ```no_run
    /// use gopythongo::prelude::*;
    ///
    /// let tests = Pytest::new().secret("RATES_TOKEN", SecretFrom::env("RATES_TOKEN"));
    /// let money = library("money").step(tests);
    /// ```
    pub fn secret(mut self, name: impl Into<String>, from: SecretFrom) -> Self {
        self.secrets.insert(name.into(), from);
        self
    }

    /// Does not measure coverage; by default it is measured.
    pub fn without_coverage(mut self) -> Self {
        self.without_coverage = true;
        self
    }

    /// Lets a flaky test fail without failing the suite, until a day; none by default. It runs and is reported, and such a
    /// pass is no later run's.
    ///
    /// ```no_run
    /// use gopythongo::prelude::*;
    ///
    /// let flaky = Quarantine::new("tests/test_rates.py::test_live", "ana@example.com", "2026-12-31");
    /// let money = library("money").step(Pytest::new().quarantine(flaky));
    /// ```
    pub fn quarantine(mut self, quarantine: Quarantine) -> Self {
        self.quarantines.push(quarantine);
        self
    }

    /// What is wrong with it, if anything.
    pub(crate) fn mistake(&self) -> Option<String> {
        self.quarantines.iter().find_map(Quarantine::mistake)
    }

    /// Ends the suite after this time; 30 minutes by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl Step for Pytest {
    const KIND: &'static str = "pytest";
    const VERSION: u32 = 1;

    fn label(&self) -> Option<String> {
        self.python.clone()
    }

    fn on_python(&self, python: &str) -> Option<AnyStep> {
        Some(Arc::new(Self { python: Some(python.to_owned()), ..self.clone() }))
    }

    fn effort(&self) -> usize {
        8
    }

    fn inputs(&self) -> Inputs {
        let inputs = Inputs::source().artifact("wheel").artifact("resolve").index();
        let open = self.environment.iter().filter(|name| !self.secrets.contains_key(*name));
        let inputs = open.fold(inputs, |inputs, name| inputs.environment(name));
        inputs.secrets(&self.secrets)
    }

    fn outputs(&self) -> Vec<String> {
        outputs(self)
    }

    fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(30 * 60))
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        suite::key(self, key)
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        suite::run(self, &self.paths, work)
    }
}

pub(in crate::python) fn outputs(pytest: &Pytest) -> Vec<String> {
    let coverage = (!pytest.without_coverage).then(|| "coverage".to_owned());
    std::iter::once("junit".to_owned()).chain(coverage).collect()
}
