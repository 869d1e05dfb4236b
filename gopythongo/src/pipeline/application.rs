//! `application(..)`: what libraries are built for.

use std::path::PathBuf;

use super::{Job, JobBuilder, JobKind, Location, draft::Draft};
use crate::python::IntegrationTests;

/// An application: its tests run against the libraries that the run has staged. Its other methods are those of
/// [`JobBuilder`].
#[derive(Debug, Clone)]
#[must_use = "a job does nothing until `Pipeline::job` takes it"]
pub struct Application(Draft);

/// Declares an application build.
#[track_caller]
pub fn application(name: impl Into<String>) -> Application {
    Application(Draft::new(name.into(), JobKind::Application, Location::here()))
}

impl JobBuilder for Application {
    fn draft(&mut self) -> &mut Draft {
        &mut self.0
    }
}

impl Application {
    /// Declares tests of the whole application: a directory or file of pytest tests, relative to the source.
    #[track_caller]
    pub fn integration_tests(self, tests: impl Into<PathBuf>) -> Self {
        self.step(IntegrationTests::new(tests))
    }

    /// Always a mistake: libraries have downstream jobs, applications are where a chain ends.
    #[doc(hidden)]
    #[track_caller]
    pub fn downstream<N: Into<String>>(mut self, jobs: impl IntoIterator<Item = N>) -> Self {
        self.0.downstream(jobs, &Location::here());
        self
    }
}

impl From<Application> for Job {
    fn from(application: Application) -> Self {
        application.0.finish()
    }
}
