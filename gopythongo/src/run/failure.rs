//! Why a step did not pass, as data; the words are in its one `Display`.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// What sort of failure it is; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The step's own work says no: a finding, a red test, a figure that fell. Exit code 1.
    Failed,
    /// The step took longer than it may. Exit code 1.
    Timeout,
    /// The machine or a server lacks something. Exit code 3.
    Lacking,
    /// Something broke that the step does not answer for: a connection, a server. A pure step is tried again, a few times.
    /// Exit code 3.
    Infrastructure,
    /// A lock, a conflict or a rule refuses. Exit code 4.
    Refused,
    /// Somebody has to let it go on, and has not yet: nothing is wrong. Exit code 4.
    Waiting,
    /// What the run was based on has changed: the plan is executed again on the new base, a few times. Exit code 4.
    Stale,
    /// The run was interrupted. Exit code 128 + signal.
    Cancelled,
}

/// A command that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCommand {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Where it ran.
    pub directory: PathBuf,
    /// `exit code 1`, `signal 9 (SIGKILL)`, `timed out after 30m`.
    pub status: String,
    /// The last lines of what it printed.
    pub tail: Vec<String>,
}

/// A step's failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What sort it is.
    pub kind: FailureKind,
    /// One sentence: lowercase, no final stop, names the file, host or URL.
    pub message: String,
    /// What to do next, if that is known.
    pub hint: Option<String>,
    /// The command, if one failed.
    pub command: Option<Box<FailedCommand>>,
    /// The last lines of what something else than a command of the step printed: a service's log. Of a step that waits, what
    /// whoever lets it go on has to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tail: Vec<String>,
}

impl Failure {
    /// A failure of the step's own work.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self::of(FailureKind::Failed, message)
    }

    /// The machine or a server lacks something.
    #[must_use]
    pub fn lacking(message: impl Into<String>) -> Self {
        Self::of(FailureKind::Lacking, message)
    }

    /// Something broke that the step does not answer for: it is worth trying again.
    #[must_use]
    pub fn infrastructure(message: impl Into<String>) -> Self {
        Self::of(FailureKind::Infrastructure, message)
    }

    /// A lock, a conflict or a rule refuses.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::of(FailureKind::Refused, message)
    }

    /// Somebody has to let it go on, and has not yet.
    #[must_use]
    pub fn waiting(message: impl Into<String>) -> Self {
        Self::of(FailureKind::Waiting, message)
    }

    /// A failure of a given kind.
    #[must_use]
    pub fn of(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, command: None, tail: Vec::new() }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the command that failed.
    #[must_use]
    pub fn command(mut self, command: FailedCommand) -> Self {
        self.command = Some(Box::new(command));
        self
    }

    /// Adds the last lines of what something else than a command of the step printed.
    #[must_use]
    pub fn tail(mut self, tail: Vec<String>) -> Self {
        self.tail = tail;
        self
    }

    /// For `map_err`: an I/O error while doing `what` (`"cannot read"`) with `path`.
    pub fn io<'a>(what: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |error| Self::lacking(format!("{what} `{}`: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
