//! Printing: results to standard output, the rest to standard error. A reader that has gone is no error.

use std::{
    io::{ErrorKind, Write, stderr, stdout},
    sync::OnceLock,
};

/// Why a result could not be written.
static LOST: OnceLock<String> = OnceLock::new();

/// A result.
pub(super) fn result(text: impl AsRef<str>) {
    let text = text.as_ref().trim_end_matches('\n');
    if let Err(error) = stdout().write_all(format!("{text}\n").as_bytes())
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error.to_string());
    }
}

/// Why a result could not be written, if one could not: a full disk is not a reader that has gone.
pub(super) fn lost() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

/// A diagnostic.
pub(super) fn note(text: impl AsRef<str>) {
    let text = text.as_ref().trim_end_matches('\n');
    let _ = stderr().write_all(format!("{text}\n").as_bytes());
}

/// A warning.
pub(super) fn warning(text: impl AsRef<str>) {
    note(format!("warning: {}", text.as_ref()));
}
