//! Why shared state could not be read or written.

use std::{fmt, io};

/// Why shared state could not be read or written: no run fails of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedError {
    /// One sentence; it names the place.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl SharedError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(super) fn io(action: &str, place: &str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::new(format!("{action} `{place}`: {error}"))
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SharedError {}
