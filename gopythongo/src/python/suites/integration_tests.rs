//! An application's integration tests, against the libraries that the run has staged.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::python::{Pytest, pytest, suite};
use crate::run::{Failure, Inputs, Key, Step, Work};

/// Runs the tests in a directory with pytest, with the application and everything that it needs installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct IntegrationTests {
    directory: PathBuf,
    options: Pytest,
}

impl IntegrationTests {
    /// The tests in a directory, relative to the source.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), options: Pytest::new() }
    }

    pub(in crate::python) fn options(&self) -> &Pytest {
        &self.options
    }

    /// What is wrong with it, if anything.
    pub(crate) fn mistake(&self) -> Option<String> {
        self.options.mistake()
    }

    /// How pytest runs them; `Pytest::new()` by default.
    pub fn pytest(mut self, options: Pytest) -> Self {
        self.options = options;
        self
    }
}

impl Step for IntegrationTests {
    const KIND: &'static str = "integration-tests";
    const VERSION: u32 = 1;

    fn effort(&self) -> usize {
        8
    }

    fn inputs(&self) -> Inputs {
        Step::inputs(&self.options)
    }

    fn outputs(&self) -> Vec<String> {
        pytest::outputs(&self.options)
    }

    fn timeout(&self) -> Duration {
        Step::timeout(&self.options)
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        suite::key(&self.options, key)
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        if !work.source().join(&self.directory).exists() {
            return Err(Failure::new(format!("there are no tests in `{}`", self.directory.display()))
                .hint("name a directory below the application's source: `.integration_tests(\"tests/integration\")`"));
        }
        suite::run(&self.options, std::slice::from_ref(&self.directory), work)
    }
}
