//! Plain lines, one an event, for pipes, logs and whoever reads them later. Lines that say that nothing was done wait for others,
//! but for no longer than a tick.

use std::{io::Write, time::Duration};

use super::{
    HELD,
    story::{Story, Telling},
};
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
    /// Lines of progress that wait to be written.
    held: String,
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
        let (progress, results) = (Box::new(progress), Box::new(results));
        Self { story: Story::new(telling), redactor, progress, results, held: String::new() }
    }

    fn flush(&mut self) {
        if !self.held.is_empty() {
            // Nobody is left to tell when the reader is gone: the run goes on.
            let _ = self.progress.write_all(self.held.as_bytes()).and_then(|()| self.progress.flush());
            self.held.clear();
        }
    }
}

impl Sink for Console {
    fn event(&mut self, event: &Stamped) {
        let told = self.story.tell(event);
        for line in &told.lines {
            self.held.push_str(&self.redactor.redact(line));
            self.held.push('\n');
        }
        if !event.event.is_of_nothing() || self.held.len() >= HELD {
            self.flush();
        }
        if let Some(result) = &told.result {
            let _ = writeln!(self.results, "{}", self.redactor.redact(result));
            let _ = self.results.flush();
        }
    }

    fn tick(&mut self, _elapsed: Duration) {
        self.flush();
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.flush();
    }
}
