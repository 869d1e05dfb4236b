//! `why`: the reason for what became of a step, in the latest run and in today's plan.

use clap::Args;

use super::{Error, Exit, Session, arguments::Wanted, print, run::known};
use crate::{
    event::{Event, Stamped, StepOutcome},
    plan::{Action, PlannedStep, Selection},
    report,
    run::{Failure, RunDirectory},
    support::words,
};

/// `why STEP`
#[derive(Debug, Args)]
pub(super) struct Why {
    /// The step: `money/pytest`
    #[arg(value_name = "STEP")]
    step: String,
    /// The run; the latest one by default
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    #[command(flatten)]
    wanted: Wanted,
}

impl Why {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let context = session.context(&self.wanted)?;
        let plan = session.plan(&context, &Selection::default()).plan;
        known(&plan, &self.step)?;
        if let Some(step) = plan.step(&self.step) {
            planned(step).into_iter().for_each(print::result);
        }
        let runs = RunDirectory::list(&session.place.state)?;
        let run = match &self.run {
            Some(run) if runs.contains(run) => Some(run),
            Some(run) => return Err(Error::usage(format!("there is no run `{run}`"))),
            None => runs.last(),
        };
        let Some(run) = run else {
            print::result("last time: nothing has run here yet");
            return Ok(Exit::Done);
        };
        let record = RunDirectory::path_of(&session.place.state, run).join("events.ndjson");
        let events = report::read(&record).map_err(|error| Error::lacking(error.to_string()))?;
        print::result(format!("in run {run}: {}", happened(&events, &self.step)));
        Ok(Exit::Done)
    }
}

/// What today's plan says of a step, in lines.
fn planned(step: &PlannedStep) -> Vec<String> {
    let action = match step.action {
        Action::Run => "planned",
        Action::Skip => "skipped",
    };
    let mut lines = vec![format!("{}: {action}: {}", step.id, step.reason)];
    if let Some(class) = step.effect {
        lines.push(format!("  effect: {class}; it is never cached"));
    }
    if !step.needs.is_empty() {
        lines.push(format!("  needs {}", words::list(&step.needs)));
    }
    lines
}

/// What became of a step in a recorded run.
fn happened(events: &[Stamped], id: &str) -> String {
    let mut ran = None;
    let mut end = "it had not begun when the record ends".to_owned();
    for stamped in events {
        match &stamped.event {
            Event::StepStarted { step, reason } if step == id => {
                ran = Some(reason.clone());
                end = format!("it ran because {reason}, and had not ended when the record ends");
            }
            Event::StepFinished { step, outcome, reason, failure, .. } if step == id => {
                end = ended(*outcome, ran.take(), reason.as_deref(), failure.as_deref());
            }
            _ => {}
        }
    }
    end
}

fn ended(outcome: StepOutcome, ran: Option<String>, reason: Option<&str>, failure: Option<&Failure>) -> String {
    let word = match outcome {
        StepOutcome::Passed => "passed",
        StepOutcome::Cached => "cached",
        StepOutcome::Failed => "failed",
        StepOutcome::Skipped => "skipped",
        StepOutcome::Cancelled => "cancelled",
    };
    let why = reason.map(str::to_owned).or_else(|| failure.map(ToString::to_string));
    let why = why.filter(|why| !why.is_empty()).map(|why| format!(": {why}")).unwrap_or_default();
    match ran {
        Some(reason) => format!("it ran ({reason}) and {word}{why}"),
        None => format!("it was {word}{why}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[track_caller]
    fn check(events: Vec<Event>, expect: &str) {
        let stamp = |event| Stamped { time: SystemTime::UNIX_EPOCH, run: "r1".to_owned(), event };
        let events: Vec<Stamped> = events.into_iter().map(stamp).collect();
        assert_eq!(happened(&events, "money/pytest"), expect);
    }

    fn finished(outcome: StepOutcome, reason: Option<&str>, failure: Option<Failure>) -> Event {
        Event::StepFinished {
            step: "money/pytest".to_owned(),
            outcome,
            reason: reason.map(str::to_owned),
            ms: 1,
            cpu_ms: 1,
            result: None,
            failure: failure.map(Box::new),
        }
    }

    #[test]
    fn each_end_has_its_reason() {
        let started =
            || Event::StepStarted { step: "money/pytest".to_owned(), reason: "`src/a.py` changed".to_owned() };
        check(vec![], "it had not begun when the record ends");
        check(vec![started(), finished(StepOutcome::Passed, None, None)], "it ran (`src/a.py` changed) and passed");
        check(
            vec![started(), finished(StepOutcome::Failed, None, Some(Failure::new("2 tests failed")))],
            "it ran (`src/a.py` changed) and failed: 2 tests failed",
        );
        check(
            vec![finished(StepOutcome::Cached, Some("nothing changed since run r0"), None)],
            "it was cached: nothing changed since run r0",
        );
    }
}
