//! A line for each running step that moves, below the lines of those that have ended; on a terminal.

use std::{
    collections::BTreeMap,
    io::{Write, stdout},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::story::{Story, Telling, clean};
use crate::{
    context::Redactor,
    event::{Event, Sink, Stamped},
    plan::StepId,
    support::words,
};

/// How often the terminal is drawn, a second.
const DRAWS: u8 = 10;

/// Shows a run on a terminal: what has ended scrolls by, what runs moves below it.
pub struct Live {
    story: Story,
    redactor: Redactor,
    bars: MultiProgress,
    running: BTreeMap<StepId, ProgressBar>,
    foot: ProgressBar,
    /// Lines that say that nothing was done: they are drawn together.
    held: Vec<String>,
}

impl Live {
    /// A live view on standard error; the last sentence goes to standard output.
    #[must_use]
    pub fn new(telling: Telling, redactor: Redactor) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS));
        let foot = bars.add(ProgressBar::new_spinner().with_style(style("{elapsed} {wide_msg}")));
        // What starts and what commands print stands in the lines that move, not among those that stay.
        let telling = Telling { quiet: true, ..telling };
        Self { story: Story::new(telling), redactor, bars, running: BTreeMap::new(), foot, held: Vec::new() }
    }

    fn start(&mut self, step: &StepId) {
        let bar = ProgressBar::new_spinner().with_style(style("{spinner} {prefix}  {elapsed:>5}  {wide_msg}"));
        let bar = self.bars.insert_before(&self.foot, bar);
        bar.set_prefix(format!("{step:<width$}", width = self.story.width()));
        self.running.insert(step.clone(), bar);
    }

    /// Shows what has ended.
    fn show(&mut self) {
        if !self.held.is_empty() {
            let _ = self.bars.println(std::mem::take(&mut self.held).join("\n"));
        }
        let (ended, all) = self.story.progress();
        let running = words::count(self.running.len(), "step");
        self.foot.set_message(format!("{ended} of {all} done, {running} running"));
    }
}

impl Sink for Live {
    fn event(&mut self, event: &Stamped) {
        let told = self.story.tell(event);
        match &event.event {
            Event::StepStarted { step, .. } => self.start(step),
            Event::Output { step, line } => {
                if let Some(bar) = self.running.get(step) {
                    bar.set_message(self.redactor.redact(&self.story.short(step, clean(line))));
                }
            }
            Event::StepFinished { step, .. } => {
                if let Some(bar) = self.running.remove(step) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
            }
            Event::RunFinished { .. } => {
                self.foot.finish_and_clear();
                let _ = self.bars.clear();
            }
            _ => {}
        }
        self.held.extend(told.lines.iter().map(|line| self.redactor.redact(line)));
        if !event.event.is_of_nothing() {
            self.show();
        }
        if let Some(result) = &told.result {
            let _ = writeln!(stdout(), "{}", self.redactor.redact(result));
        }
    }

    fn tick(&mut self, _elapsed: Duration) {
        self.show();
        self.running.values().for_each(ProgressBar::tick);
        self.foot.tick();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.show();
    }
}

/// A style; templates are constants of this file, so one that does not parse shows itself as the default.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
