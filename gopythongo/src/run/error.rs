//! Why a run could not be executed at all. A step that fails is not such an error.

use std::{fmt, io, path::Path};

/// A run that cannot begin, or cannot keep its books.
#[derive(Debug)]
pub struct RunError {
    /// What sort it is; it decides the exit code.
    pub kind: RunErrorKind,
    /// One sentence.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// What sort of error it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunErrorKind {
    /// Something was asked for that does not exist. Exit code 2.
    Usage,
    /// The machine lacks something: space, a permission. Exit code 3.
    Lacking,
    /// A lock or a rule refuses. Exit code 4.
    Refused,
}

impl RunError {
    pub(super) fn usage(message: String) -> Self {
        Self { kind: RunErrorKind::Usage, message, hint: None }
    }

    pub(super) fn refused(message: String) -> Self {
        Self { kind: RunErrorKind::Refused, message, hint: None }
    }

    pub(super) fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        let message = format!("{what} `{}`: {error}", path.display());
        Self { kind: RunErrorKind::Lacking, message, hint: None }
    }
}

impl From<crate::journal::JournalError> for RunError {
    fn from(error: crate::journal::JournalError) -> Self {
        Self { kind: RunErrorKind::Lacking, message: error.to_string(), hint: None }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RunError {}
