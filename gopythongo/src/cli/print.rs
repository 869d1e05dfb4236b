//! Printing: results to standard output, the rest to standard error. A reader that has gone is no error.

use std::io::{Write, stderr, stdout};

/// A result.
pub(super) fn result(text: impl AsRef<str>) {
    let text = text.as_ref().trim_end_matches('\n');
    let _ = stdout().write_all(format!("{text}\n").as_bytes());
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
