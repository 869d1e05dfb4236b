//! What can go wrong with a deployment.

use std::{fmt, io, path::Path};

use crate::run::{Failure, FailureKind};

/// A deployment did not happen, or not whole; the old version serves on if there was one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployError {
    /// What sort it is: [`Failed`](FailureKind::Failed) for a version that does not get healthy,
    /// [`Lacking`](FailureKind::Lacking) for a machine that cannot run it, [`Refused`](FailureKind::Refused) for a lock or a
    /// rule, [`Cancelled`](FailureKind::Cancelled) for an interruption.
    pub kind: FailureKind,
    /// One sentence.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The last lines that the service printed.
    pub tail: Vec<String>,
}

impl DeployError {
    /// A version that does not do.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self::of(FailureKind::Failed, message)
    }

    /// An error of a kind.
    #[must_use]
    pub fn of(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, tail: Vec::new() }
    }

    /// A machine that lacks something.
    #[must_use]
    pub fn lacking(message: impl Into<String>) -> Self {
        Self::of(FailureKind::Lacking, message)
    }

    /// A lock or a rule.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::of(FailureKind::Refused, message)
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the last lines that the service printed.
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

impl fmt::Display for DeployError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DeployError {}

impl From<DeployError> for Failure {
    fn from(error: DeployError) -> Self {
        let failure = Self::of(error.kind, error.message).tail(error.tail);
        match error.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
