//! What can be wrong with settings.

use std::fmt;

/// Why settings cannot be read: every mistake that was found, each with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// One sentence each.
    pub mistakes: Vec<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl SettingsError {
    pub(super) fn new(mistake: impl Into<String>) -> Self {
        Self { mistakes: vec![mistake.into()], hint: None }
    }

    /// Adds what to do next.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mistakes.join("\n"))
    }
}

impl std::error::Error for SettingsError {}
