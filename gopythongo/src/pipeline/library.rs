//! `library(..)`: checked, built, tested, uploaded.

use super::{Job, JobBuilder, JobKind, Location, draft::Draft};
use crate::{python::name::normalize, store::Upload};

/// A library: a source that is built into a wheel. Its other methods are those of [`JobBuilder`].
#[derive(Debug, Clone)]
#[must_use = "a job does nothing until `Pipeline::job` takes it"]
pub struct Library(Draft);

/// Declares a library build.
#[track_caller]
pub fn library(name: impl Into<String>) -> Library {
    Library(Draft::new(name.into(), JobKind::Library, Location::here()))
}

impl JobBuilder for Library {
    fn draft(&mut self) -> &mut Draft {
        &mut self.0
    }
}

impl Library {
    /// Declares the upload of the wheel and the source distribution, after all checks of the job; for all kinds of builds
    /// but features and pull requests by default.
    #[track_caller]
    pub fn upload(self) -> Self {
        self.step(Upload::new())
    }

    /// Names jobs that are built or tested with this library whenever it changes. None by default.
    #[track_caller]
    pub fn downstream<N: Into<String>>(mut self, jobs: impl IntoIterator<Item = N>) -> Self {
        self.0.downstream(jobs, &Location::here());
        self
    }

    /// Makes jobs that say in their own metadata that they need this library's distribution downstream of it: to run, to be built or
    /// to be tested. They are added to those of [`downstream`](Self::downstream). `check` says where the two differ.
    #[track_caller]
    pub fn downstream_auto(mut self) -> Self {
        let location = Location::here();
        if self.0.plain("downstream_auto", &location) {
            self.0.job.downstream_auto = Some(location);
        }
        self
    }

    /// Names packages of the pipeline that the environments of the job's tools and back ends may take from the run: the
    /// exception for test-only cycles. None by default.
    #[track_caller]
    pub fn bootstrap<N: Into<String>>(mut self, packages: impl IntoIterator<Item = N>) -> Self {
        let location = Location::here();
        if self.0.plain("bootstrap", &location) {
            self.0.job.bootstrap.extend(packages.into_iter().map(|name| normalize(&name.into())));
        }
        self
    }
}

impl From<Library> for Job {
    fn from(library: Library) -> Self {
        library.0.finish()
    }
}
