//! `application(..)`: what libraries are built for.

use std::{marker::PhantomData, path::PathBuf};

use super::{Gate, GateKey, GateTests, Gated, Job, JobBuilder, JobKind, Location, Ungated, WithoutGate, draft::Draft};
use crate::{
    package::Deb,
    python::{IntegrationTests, Virtualenv},
    store::Publish,
};

/// An application: its tests run against the libraries that the run has staged. Its other methods are those of
/// [`JobBuilder`]. An `Application<Gated>` went through [`.gate(..)`](Self::gate): protected environments take no other.
#[derive(Debug, Clone)]
#[must_use = "a job does nothing until `Pipeline::job` takes it"]
pub struct Application<G = Ungated> {
    pub(super) draft: Draft,
    state: PhantomData<G>,
}

/// Declares an application build.
#[track_caller]
pub fn application(name: impl Into<String>) -> Application {
    Application { draft: Draft::new(name.into(), JobKind::Application, Location::here()), state: PhantomData }
}

impl<G: Clone> JobBuilder for Application<G> {
    fn draft(&mut self) -> &mut Draft {
        &mut self.draft
    }
}

impl<G: Clone> Application<G> {
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

    /// Declares what the application passes before a [protected](crate::deploy::Environment::protected) environment takes it:
    /// integration tests in every build, and the signature of a key's owner. It stands outside of any condition, for a test
    /// that some builds leave out guards nothing:
    ///
    /// ```no_run
    /// # use gopythongo::prelude::*;
    /// # fn deb() -> Deb { Deb::new() }
    /// let key = SigningKey::fingerprint("4B6F 0C1E 9D0A 7F51 22D3  8E64 A1C9 5B7D 3E2F 6A80");
    /// let shop = application("shop").virtualenv("/opt/shop").deb(deb()).publish().gate("tests/integration", key);
    /// let live = deployment("shop-live", &shop)
    ///     .environment(Environment::new("production", Master).host("local").protected());
    /// ```
    #[track_caller]
    pub fn gate(mut self, tests: impl GateTests, key: impl GateKey) -> Application<Gated>
    where
        G: WithoutGate,
    {
        let location = Location::here();
        if self.draft.plain("gate", &location) {
            let gate = Gate { tests: tests.tests(), key: key.key(), location };
            self = self.step(gate.tests.clone());
            self.draft.job.gate = Some(gate);
        }
        Application { draft: self.draft, state: PhantomData }
    }

    /// Always a mistake: libraries have downstream jobs, applications are where a chain ends.
    #[doc(hidden)]
    #[track_caller]
    pub fn downstream<N: Into<String>>(mut self, jobs: impl IntoIterator<Item = N>) -> Self {
        self.draft.downstream(jobs, &Location::here());
        self
    }
}

impl<G> From<Application<G>> for Job {
    fn from(application: Application<G>) -> Self {
        application.draft.finish()
    }
}
