//! `application(..)`: what libraries are built for.

use std::path::PathBuf;

use super::{Job, JobBuilder, JobKind, Location, draft::Draft};
use crate::{
    package::Deb,
    python::{IntegrationTests, Virtualenv},
    store::Publish,
};

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

    /// Declares the publication of the Debian package, after all checks of the job: promoted with the wheels, it is in the
    /// apt repository. For all kinds of builds but features and pull requests by default.
    #[track_caller]
    pub fn publish(self) -> Self {
        self.step(Publish::new())
    }

    /// Declares that the application is built into a virtual environment at an absolute path, `/opt/shop`, at which it will
    /// run; for all kinds of builds but features and pull requests by default. Its options are those of [`Virtualenv`].
    #[track_caller]
    pub fn virtualenv(self, path: impl Into<PathBuf>) -> Self {
        self.step(Virtualenv::new(path))
    }

    /// Declares a Debian package of the application's virtual environment, for all kinds of builds but features and pull
    /// requests by default.
    #[track_caller]
    pub fn deb(self, deb: Deb) -> Self {
        self.step(deb)
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
