//! Colours: four, and only where somebody looks.

use std::io::IsTerminal;

/// Whether to colour; by default not: pipes, files, tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paint {
    coloured: bool,
}

impl Paint {
    /// Colours if `stream` is a terminal that knows them, and `NO_COLOR` is not set to anything.
    #[must_use]
    pub fn of(stream: &impl IsTerminal) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self { coloured: stream.is_terminal() && !unwanted && !dumb }
    }

    pub(super) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.with("1;31", text)
    }

    pub(super) fn doubtful(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.coloured && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
