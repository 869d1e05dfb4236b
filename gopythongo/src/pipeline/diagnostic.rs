//! Mistakes in a pipeline: collected, each with the line of `pipeline.rs` that made it.

use std::{borrow::Cow, fmt, panic};

use serde::{Deserialize, Serialize};

use crate::support::words;

/// A place in `pipeline.rs`. Never counts for equality, hashes or plans.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Location {
    /// The file as the compiler names it.
    pub file: Cow<'static, str>,
    /// The line, from 1.
    pub line: u32,
}

impl Location {
    /// The place of the caller of the function that is `#[track_caller]`.
    #[must_use]
    #[track_caller]
    pub fn here() -> Self {
        let location = panic::Location::caller();
        Self { file: location.file().into(), line: location.line() }
    }

    /// File and line, for putting diagnostics in order: locations themselves are all equal.
    pub(super) fn place(&self) -> (&str, u32) {
        (&self.file, self.line)
    }
}

impl PartialEq for Location {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Location {}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The pipeline is valid.
    Warning,
    /// Nothing runs.
    Error,
}

/// A mistake or a doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// One sentence: lowercase, no final stop, names in backticks.
    pub message: String,
    /// What to write instead: `` did you mean `catalog`? ``.
    pub suggestion: Option<String>,
    /// The line that made it.
    pub location: Location,
    /// Other lines that have to do with it, each with what is there.
    pub others: Vec<(String, Location)>,
}

impl Diagnostic {
    pub(super) fn error(message: impl Into<String>, location: &Location) -> Self {
        Self::of(Severity::Error, message.into(), location)
    }

    pub(crate) fn warning(message: impl Into<String>, location: &Location) -> Self {
        Self::of(Severity::Warning, message.into(), location)
    }

    fn of(severity: Severity, message: String, location: &Location) -> Self {
        Self { severity, message, suggestion: None, location: location.clone(), others: Vec::new() }
    }

    /// Adds what to write instead.
    pub(crate) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Adds the name that was probably meant, if one is near.
    pub(super) fn did_you_mean<'a>(self, word: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        match words::nearest(word, names) {
            Some(name) => self.suggest(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// Adds another line that has to do with it.
    pub(super) fn and(mut self, what: impl Into<String>, location: &Location) -> Self {
        self.others.push((what.into(), location.clone()));
        self
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// `pipeline.rs:12: error: …`, then a line for each other place and one for the help, both indented. No final line break.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.location, self.severity, self.message)?;
        for (what, location) in &self.others {
            write!(f, "\n  {location}: {what}")?;
        }
        match &self.suggestion {
            Some(suggestion) => write!(f, "\n  help: {suggestion}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_reads_from_the_place_to_the_help() {
        let at = |line| Location { file: "pipeline.rs".into(), line };
        let diagnostic = Diagnostic::error("unknown job `catalgo` in `.downstream` of `money`", &at(12))
            .and("`money` begins here", &at(8))
            .did_you_mean("catalgo", ["shop", "catalog"]);
        assert_eq!(
            diagnostic.to_string(),
            "pipeline.rs:12: error: unknown job `catalgo` in `.downstream` of `money`\n  \
             pipeline.rs:8: `money` begins here\n  help: did you mean `catalog`?"
        );
    }
}
