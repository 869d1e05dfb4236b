//! What can be wrong with a distribution's file.

use std::{fmt, io, path::Path};

/// A wheel or sdist is not what it should be; the message names the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistributionError {
    /// One sentence.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl DistributionError {
    /// An error without a hint.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// The same error with a hint.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A file that cannot be read.
    pub(in crate::python) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::new(format!("reading `{}`: {error}", path.display()))
    }
}

impl fmt::Display for DistributionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DistributionError {}
