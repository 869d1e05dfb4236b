//! What a reader is told of a run: events in, sentences out. Knows neither terminals nor files.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
};

use super::{closing::Closing, elapsed::elapsed, failures, paint::Paint};
use crate::{
    event::{Event, Stamped, StepOutcome},
    plan::{Action, Plan, StepId},
    run::{Failure, FailureKind, Outcome, Receipt, RunDirectory, TestCounts},
    support::{Written, words},
};

/// The widest that the column of step ids grows.
const WIDEST: usize = 44;

/// How to tell it.
#[derive(Debug, Clone, Default)]
pub struct Telling {
    /// Colours of progress and diagnostics.
    pub paint: Paint,
    /// Colours of the last sentence, which goes elsewhere.
    pub result_paint: Paint,
    /// Leaves out that steps start and what commands print while they run; a failure's last lines are shown at the end
    /// all the same.
    pub quiet: bool,
    /// The run's directory, for saying where a step's whole log is.
    pub directory: Option<PathBuf>,
    /// Where the steps of the run work: in what the commands of a step print, `…` stands for its part of it.
    pub work: Option<PathBuf>,
}

/// A step that failed, for the report at the end.
#[derive(Debug)]
pub(super) struct Red {
    pub(super) step: StepId,
    pub(super) ms: u64,
    pub(super) failure: Failure,
    /// Steps that did not run because of it.
    pub(super) held: Vec<StepId>,
    /// Whether it has a log.
    pub(super) logged: bool,
}

/// What an event adds to the story.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Progress and diagnostics.
    pub(super) lines: Vec<String>,
    /// The result of the run, at its end.
    pub(super) result: Option<String>,
}

impl Told {
    fn line(line: String) -> Self {
        Self { lines: vec![line], result: None }
    }
}

/// The story so far.
#[derive(Debug, Default)]
pub(super) struct Story {
    telling: Telling,
    width: usize,
    plan: Option<Written<Plan>>,
    /// Where in the plan each step stands.
    places: OnceCell<HashMap<StepId, usize>>,
    effects: BTreeSet<StepId>,
    receipts: BTreeMap<StepId, Receipt>,
    reds: Vec<Red>,
    /// Steps that printed something, and so have a log.
    spoke: BTreeSet<StepId>,
    closing: Closing,
}

impl Story {
    pub(super) fn new(telling: Telling) -> Self {
        Self { telling, ..Self::default() }
    }

    /// How many steps have ended, and how many there are.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.closing.ended(), self.plan.as_ref().map_or(0, |plan| plan.steps.len()))
    }

    /// The width of the column of step ids.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn tell(&mut self, stamped: &Stamped) -> Told {
        let paint = self.telling.paint;
        match &stamped.event {
            Event::RunStarted { plan, resumed, .. } => Told::line(self.begin(plan, &stamped.run, *resumed)),
            Event::StepStarted { .. } if self.telling.quiet => Told::default(),
            Event::StepStarted { step, reason } => {
                let line = format!("{} {}  {}", "▸", self.column(step), clean(reason));
                Told::line(paint.faint(line.trim_end()))
            }
            Event::StepRetried { step, retry, failure } => {
                let text = format!("tried again ({retry}): {}", clean(&failure.message));
                Told::line(format!("{} {}  {}", paint.doubtful("↻"), self.column(step), paint.doubtful(&text)))
            }
            Event::Output { step, line } => {
                self.spoke.insert(step.clone());
                if self.telling.quiet {
                    return Told::default();
                }
                let prefix = paint.faint(&format!("  {} |", self.column(step)));
                let line = self.short(step, clean(line));
                // a command's arguments may be a program of several lines
                let lines = line.split('\n').map(|line| format!("{prefix} {line}").trim_end().to_owned());
                Told { lines: lines.collect(), result: None }
            }
            Event::Effect { step, receipt } => {
                self.receipts.insert(step.clone(), receipt.clone());
                Told::default()
            }
            Event::StepFinished { step, outcome, reason, ms, result, failure, .. } => {
                self.finish(step, *outcome, reason.as_deref(), *ms, result.as_deref(), failure.as_deref())
            }
            Event::Promoted { channel, set, .. } => {
                self.closing.promoted(channel, set);
                Told::default()
            }
            Event::Live { application, environment, live, .. } => {
                self.closing.live(environment, application, live);
                Told::default()
            }
            Event::Rebased { round, .. } => {
                self.reds.clear();
                self.closing.again();
                Told::line(paint.doubtful(&format!("↻ round {round}: what this concerns runs again")))
            }
            Event::Warning { message } => Told::line(format!("{} {}", paint.doubtful("warning:"), clean(message))),
            Event::RunFinished { state, ms } => {
                let mut lines = Vec::new();
                for red in &self.reds {
                    lines.push(String::new());
                    lines.extend(failures::report(red, &self.telling));
                }
                if !lines.is_empty() {
                    lines.push(String::new());
                }
                let reds: Vec<&str> = self.reds.iter().map(|red| red.step.as_str()).collect();
                Told {
                    lines,
                    result: Some(self.closing.sentence(&stamped.run, state, *ms, &reds, self.telling.result_paint)),
                }
            }
        }
    }

    fn begin(&mut self, plan: &Written<Plan>, run: &str, resumed: bool) -> String {
        self.width = plan.steps.iter().map(|step| step.id.chars().count()).max().unwrap_or(0).min(WIDEST);
        (self.plan, self.places) = (Some(plan.clone()), OnceCell::new());
        let effects = plan.steps.iter().filter(|step| step.effect.is_some());
        self.effects = effects.map(|step| step.id.clone()).collect();
        self.closing = Closing::new(plan);
        let planned = plan.steps.iter().filter(|step| step.action == Action::Run).count();
        let context = &plan.context;
        let branch = context.branch.as_ref().map(|branch| format!(" on `{branch}`")).unwrap_or_default();
        format!(
            "{} {run} of {}: {} build{branch}, {}",
            if resumed { "resuming run" } else { "run" },
            plan.pipeline,
            context.kind,
            words::count(planned, "step"),
        )
    }

    fn finish(
        &mut self,
        step: &StepId,
        outcome: StepOutcome,
        reason: Option<&str>,
        ms: u64,
        result: Option<&Outcome>,
        failure: Option<&Failure>,
    ) -> Told {
        let paint = self.telling.paint;
        self.closing.step(step, outcome, result);
        let column = self.column(step);
        let message = || failure.map(|failure| clean(&failure.message)).unwrap_or_default();
        let reason = reason.map_or_else(message, clean);
        let (mark, text) = match outcome {
            StepOutcome::Passed => {
                let said = self.said(step, result);
                (paint.good("✓"), format!("{:>6}  {said}", elapsed(ms)))
            }
            StepOutcome::Cached if self.effects.contains(step) => (paint.faint("="), paint.faint(&reason)),
            StepOutcome::Cached if reason.is_empty() => (paint.faint("="), paint.faint("cached")),
            StepOutcome::Cached => (paint.faint("="), paint.faint(&format!("cached: {reason}"))),
            StepOutcome::Failed if failure.is_some_and(|failure| failure.kind == FailureKind::Stale) => {
                (paint.doubtful("↻"), format!("{:>6}  {}", elapsed(ms), paint.doubtful(&reason)))
            }
            StepOutcome::Failed if failure.is_some_and(|failure| failure.kind == FailureKind::Waiting) => {
                (paint.doubtful("…"), format!("{:>6}  {}", elapsed(ms), paint.doubtful(&reason)))
            }
            StepOutcome::Failed => (paint.bad("✗"), format!("{:>6}  {}", elapsed(ms), paint.bad(&reason))),
            StepOutcome::Skipped => {
                self.hold(step);
                (paint.faint("-"), paint.faint(&format!("skipped: {reason}")))
            }
            StepOutcome::Cancelled => {
                (paint.doubtful("!"), paint.doubtful(format!("cancelled: {reason}").trim_end_matches(": ")))
            }
        };
        if outcome == StepOutcome::Failed {
            let failure = failure.cloned().unwrap_or_else(|| Failure::new(reason));
            self.reds.push(Red {
                step: step.clone(),
                ms,
                failure,
                held: Vec::new(),
                logged: self.spoke.contains(step),
            });
        }
        Told::line(format!("{mark} {column}  {text}").trim_end().to_owned())
    }

    /// What a passed step has to say: its counts, its summary, what it changed outside.
    fn said(&self, step: &StepId, result: Option<&Outcome>) -> String {
        let mut parts = Vec::new();
        let summary = result.and_then(|result| result.summary.as_deref()).map(clean);
        parts.extend(result.and_then(|result| result.tests).map(counts));
        if let Some(summary) = summary {
            parts.push(summary);
        } else if let Some(receipt) = self.receipts.get(step) {
            let found = if receipt.found { ", was there already" } else { "" };
            parts.push(format!("{} {}{found}", receipt.target, receipt.identifier));
        }
        parts.join(", ")
    }

    /// Remembers a skipped step with the failure that it waited for, through other skipped ones.
    fn hold(&mut self, step: &StepId) {
        if self.reds.is_empty() {
            return;
        }
        let Some(plan) = &self.plan else { return };
        let numbered = || plan.steps.iter().enumerate().map(|(place, step)| (step.id.clone(), place)).collect();
        let Some(place) = self.places.get_or_init(numbered).get(step) else { return };
        let needs = &plan.steps[*place].needs;
        for red in &mut self.reds {
            if needs.iter().any(|need| *need == red.step || red.held.contains(need)) {
                red.held.push(step.clone());
            }
        }
    }

    /// A line that a command printed, without the directory that it ran in.
    pub(super) fn short(&self, step: &str, line: String) -> String {
        match &self.telling.work {
            Some(work) => line.replace(&*RunDirectory::scratch(work, step).to_string_lossy(), "…"),
            None => line,
        }
    }

    fn column(&self, step: &str) -> String {
        format!("{step:<width$}", width = self.width)
    }
}

/// `78 passed, 2 skipped`.
fn counts(tests: TestCounts) -> String {
    let others = [(tests.failed, "failed"), (tests.skipped, "skipped")].into_iter().filter(|(count, _)| *count > 0);
    let others = others.map(|(count, word)| format!(", {count} {word}"));
    format!("{} passed{}", tests.passed, others.collect::<String>())
}

/// Text of others without what would move a terminal's cursor or colours: escape sequences and control characters.
pub(super) fn clean(text: &str) -> String {
    // also those of two bytes, of which none begins otherwise (ISO 8859-1, 8/0 to 9/15)
    if !text.bytes().any(|byte| byte < b' ' || byte == 0x7f || byte == 0xc2) {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // CSI: parameters up to a final byte of @ to ~ (ECMA-48, 5.4)
            '\x1b' if characters.peek() == Some(&'[') => {
                characters.next();
                while characters.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\t' | '\n' => clean.push(character),
            _ if character.is_control() => {}
            _ => clean.push(character),
        }
    }
    clean
}
