//! What ends a command before it is done: the words, and the exit code that goes with them.

use std::fmt;

use super::{exit::Exit, print};
use crate::{
    context::{ContextError, settings::SettingsError},
    index::{ServerError, UpstreamError},
    init::{InitError, InitErrorKind},
    journal::JournalError,
    run::{Failure, RunError},
    store::StoreError,
};

/// An error of a command, printed in one place.
#[derive(Debug)]
pub(crate) struct Error {
    /// The exit code that it means.
    pub(crate) exit: Exit,
    /// One sentence.
    message: String,
    /// What to do next.
    hint: Option<String>,
}

impl Error {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// Something was asked for that does not exist, or does not go together.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The machine or a server lacks something.
    pub(super) fn lacking(message: impl Into<String>) -> Self {
        Self::new(Exit::Lacking, message)
    }

    /// A lock or a rule refuses.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    pub(super) fn of_context(exit: Exit, error: ContextError) -> Self {
        Self::hinted(exit, &error.message, error.hint)
    }

    /// Adds what to do next.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn hinted(exit: Exit, message: impl fmt::Display, hint: Option<String>) -> Self {
        Self { exit, message: message.to_string(), hint }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<SettingsError> for Error {
    fn from(mut error: SettingsError) -> Self {
        let last = error.mistakes.pop().unwrap_or_default();
        // each with its place, as the mistakes of a pipeline are
        error.mistakes.iter().for_each(|mistake| print::note(format!("error: {mistake}")));
        Self::hinted(Exit::Usage, last, error.hint)
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        Self::hinted(error.kind.into(), &error.message, error.hint)
    }
}

impl From<Failure> for Error {
    fn from(error: Failure) -> Self {
        let tail = error.tail.iter().map(|line| format!("\n  | {line}")).collect::<String>();
        Self::hinted(error.kind.into(), error.message + &tail, error.hint)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::hinted(Exit::Lacking, &error.message, error.hint)
    }
}

impl From<ServerError> for Error {
    fn from(error: ServerError) -> Self {
        Self::hinted(Exit::Lacking, &error.message, error.hint)
    }
}

impl From<UpstreamError> for Error {
    fn from(error: UpstreamError) -> Self {
        Self::hinted(Exit::Lacking, &error.message, error.hint)
    }
}

impl From<InitError> for Error {
    fn from(error: InitError) -> Self {
        let exit = match error.kind {
            InitErrorKind::Usage => Exit::Usage,
            InitErrorKind::Lacking => Exit::Lacking,
            InitErrorKind::Refused => Exit::Refused,
        };
        Self::hinted(exit, &error.message, error.hint)
    }
}

impl From<JournalError> for Error {
    fn from(error: JournalError) -> Self {
        Self::lacking(error.to_string())
            .hint("`run` begins a new one: what is public and what is cached is kept elsewhere")
    }
}
