//! An environment: where a deployment goes, for which builds, and who may send it there.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Serialize};

use crate::{
    context::{KindSet, Kinds},
    pipeline::Location,
};

/// A place that one version of an application serves in, bound to kinds of builds. An `Environment<Protected>` takes only
/// applications with a [gate](crate::pipeline::Application::gate).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use = "it does nothing until `.environment(..)` takes it"]
pub struct Environment<E = Open> {
    pub(crate) name: String,
    pub(crate) kinds: Kinds,
    pub(crate) hosts: Vec<String>,
    pub(crate) approval: Approval,
    pub(crate) port: Option<u16>,
    #[serde(skip)]
    pub(crate) location: Location,
    #[serde(skip)]
    state: PhantomData<E>,
}

/// An environment into which every application goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open;

/// An environment into which only applications with a [gate](crate::pipeline::Application::gate) go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protected;

/// An environment that every tested version may go to: one that is not protected.
#[diagnostic::on_unimplemented(
    message = "a protected environment does not take every version whose tests passed",
    label = "the environment is `.protected()` already",
    note = "leave one of them: `.protected()` where somebody lets each version in, `.unattended(\"why\")` where nobody has to"
)]
pub trait Unguarded {}

impl Unguarded for Open {}

/// Who lets a version into an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// Nothing was said: enough for builds that nobody else depends on.
    #[default]
    Unsaid,
    /// Every version whose tests passed, for a reason.
    Unattended(String),
    /// Somebody who approves it.
    Protected,
}

/// A machine that a deployment goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Host {
    /// This machine.
    Local,
}

impl Host {
    /// The host of a name, if it is one that can be deployed to.
    pub(crate) fn of(name: &str) -> Option<Self> {
        (name == "local").then_some(Self::Local)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
        }
    }
}

impl Environment {
    /// An environment for kinds of builds (`Develop`, `Release | Hotfix`): each such build sends its version there.
    #[track_caller]
    pub fn new(name: impl Into<String>, kinds: impl KindSet) -> Self {
        Self {
            name: name.into(),
            kinds: kinds.kinds(),
            hosts: Vec::new(),
            approval: Approval::Unsaid,
            port: None,
            location: Location::here(),
            state: PhantomData,
        }
    }
}

impl<E> Environment<E> {
    /// Adds a host. `local` is this machine: the service runs in a user and mount namespace behind a front on a port of
    /// 127.0.0.1, and stays when the run has ended.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into());
        self
    }

    /// Sets the port of the front; by default a free one, which the environment keeps.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Lets every version in whose tests passed, and says why that is good enough: environments of release, hotfix and
    /// master builds are either this or [protected](Self::protected).
    pub fn unattended(mut self, reason: impl Into<String>) -> Self
    where
        E: Unguarded,
    {
        self.approval = Approval::Unattended(reason.into());
        self
    }

    /// Lets a version in when somebody has approved its bytes, and takes only an application with a
    /// [gate](crate::pipeline::Application::gate). A run promotes, waits there (exit code 4) and says what `approve RUN` would
    /// let in: whoever holds the gate's key signs with it, by gpg, and the switch checks the signature. What has a local version (`+d0123abcd`) stays out, whoever approves it.
    pub fn protected(self) -> Environment<Protected> {
        Environment { approval: Approval::Protected, ..self.plain() }.into_state()
    }

    /// The same without its type's knowledge.
    pub(crate) fn plain(self) -> Environment {
        self.into_state()
    }

    fn into_state<O>(self) -> Environment<O> {
        let Self { name, kinds, hosts, approval, port, location, state: _ } = self;
        Environment { name, kinds, hosts, approval, port, location, state: PhantomData }
    }
}
