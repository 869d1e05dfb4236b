//! Plain lines, one an event, for pipes, logs and whoever reads them later.

use std::io::Write;

use super::story::{Story, Telling};
use crate::{
    context::Redactor,
    event::{Sink, Stamped},
};

/// Writes the story of a run as plain lines: progress to one writer, the result to another.
pub struct Console {
    story: Story,
    redactor: Redactor,
    progress: Box<dyn Write + Send>,
    results: Box<dyn Write + Send>,
}

impl Console {
    /// A console that writes progress and diagnostics to `progress`, and the last sentence to `results`.
    #[must_use]
    pub fn new(
        telling: Telling,
        redactor: Redactor,
        progress: impl Write + Send + 'static,
        results: impl Write + Send + 'static,
    ) -> Self {
        Self { story: Story::new(telling), redactor, progress: Box::new(progress), results: Box::new(results) }
    }
}

impl Sink for Console {
    fn event(&mut self, event: &Stamped) {
        let told = self.story.tell(event);
        // Nobody is left to tell when the reader is gone: the run goes on.
        for line in &told.lines {
            let _ = self.progress.write_all(format!("{}\n", self.redactor.redact(line)).as_bytes());
        }
        if let Some(result) = &told.result {
            let _ = self.progress.flush();
            let _ = writeln!(self.results, "{}", self.redactor.redact(result));
            let _ = self.results.flush();
        }
    }
}
