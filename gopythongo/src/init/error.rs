//! Why a pipeline cannot be written or found.

use std::{fmt, io, path::Path};

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InitErrorKind {
    /// What was asked for is not there, or makes no sense.
    Usage,
    /// The machine lacks something.
    Lacking,
    /// What is there would be lost.
    Refused,
}

/// An error of the `gopythongo` command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InitError {
    /// Whose turn it is.
    pub(crate) kind: InitErrorKind,
    /// One sentence.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

impl InitError {
    fn new(kind: InitErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(InitErrorKind::Usage, message)
    }

    pub(super) fn lacking(message: impl Into<String>) -> Self {
        Self::new(InitErrorKind::Lacking, message)
    }

    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::new(InitErrorKind::Refused, message)
    }

    pub(super) fn io(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::lacking(format!("cannot {verb} `{}`: {error}", path.display()))
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for InitError {}
