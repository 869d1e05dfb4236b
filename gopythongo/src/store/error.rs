//! What can be wrong with a store.

use std::{fmt, io, path::Path};

/// Something is wrong with the store; the message names the file or the package.
#[derive(Debug)]
pub struct StoreError {
    /// One sentence.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl StoreError {
    /// An error without a hint.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// The same error with a hint.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Makes an error of what the system said of a file: `cannot write `…`: …`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| {
            let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
            Self {
                message: format!("{action} `{}`: {error}", path.display()),
                hint: full.then(|| "free some space there and run again: nothing was changed".to_owned()),
            }
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}
