//! An environment: where a deployment goes, for which builds, and who may send it there.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    context::{KindSet, Kinds},
    pipeline::Location,
};

/// A place that one version of an application serves in, bound to kinds of builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use = "it does nothing until `.environment(..)` takes it"]
pub struct Environment {
    pub(crate) name: String,
    pub(crate) kinds: Kinds,
    pub(crate) hosts: Vec<String>,
    pub(crate) approval: Approval,
    pub(crate) port: Option<u16>,
    #[serde(skip)]
    pub(crate) location: Location,
}

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
        }
    }

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
    pub fn unattended(mut self, reason: impl Into<String>) -> Self {
        self.approval = Approval::Unattended(reason.into());
        self
    }

    /// Lets a version in when somebody has approved it. There is no approval yet: until then, it refuses every version.
    pub fn protected(mut self) -> Self {
        self.approval = Approval::Protected;
        self
    }
}
