//! `why`: the reason for what became of a step, in the latest run and in today's plan, and for what would become of it now.

use std::sync::Arc;

use clap::Args;

use super::{
    Error, Exit, Session,
    arguments::Wanted,
    causes::{Done, age, last_done},
    engine, print,
    run::known,
};
use crate::{
    context::Context,
    event::{Event, Stamped, StepOutcome},
    index::IndexUrls,
    plan::{Action, Lowered, PlannedStep, Selection},
    python::Toolchain,
    report,
    run::{DoneElsewhere, Failure, Foreseen, Receipt, RunDirectory, Services, done_elsewhere, foresee},
    shared::SharedState,
    store::Store,
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
        let shared = engine::shared_to_read(session, &context)?.map(Arc::new);
        self.explain(session, context, shared.clone())?;
        shared.iter().flat_map(|shared| shared.warnings()).for_each(print::warning);
        Ok(Exit::Done)
    }

    fn explain(self, session: &Session, context: Context, shared: Option<Arc<SharedState>>) -> Result<(), Error> {
        let lowered = session.plan(&context, &Selection::default());
        known(&lowered.plan, &self.step)?;
        let step = lowered.plan.step(&self.step);
        step.into_iter().flat_map(planned).for_each(print::result);
        let state = &session.place.state;
        let runs = RunDirectory::list(state)?;
        let run = match &self.run {
            Some(run) => Some(&RunDirectory::find(state, Some(run))?),
            None => runs.last(),
        };
        if self.run.is_none() && step.is_some_and(|step| step.action == Action::Run) {
            self.now(session, &lowered, context, shared.clone())?.into_iter().for_each(print::result);
        }
        let elsewhere = || shared.as_deref().and_then(|shared| done_elsewhere(shared, &self.step));
        let Some(run) = run else {
            print::result("last time: nothing has run here yet");
            elsewhere().iter().map(told_elsewhere).for_each(print::result);
            return Ok(());
        };
        let record = RunDirectory::path_of(state, run).join("events.ndjson");
        let events = report::read(&record).map_err(|error| Error::lacking(error.to_string()))?;
        print::result(format!("in run {run}{}: {}", age(run), happened(&events, &self.step)));
        let upto: Vec<String> = runs.iter().filter(|known| *known <= run).cloned().collect();
        match last_done(state, &upto, &self.step) {
            Some(done) => traced(&done, run).into_iter().for_each(print::result),
            None => elsewhere().iter().map(told_elsewhere).for_each(print::result),
        }
        Ok(())
    }

    /// What would become of the step if the pipeline ran now, in lines.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn now(
        &self,
        session: &Session,
        lowered: &Lowered,
        context: Context,
        shared: Option<Arc<SharedState>>,
    ) -> Result<Vec<String>, Error> {
        let state = &session.place.state;
        // no server is there, and no key asks one
        let urls = IndexUrls { run: String::new(), base: String::new() };
        let toolchain = Toolchain::new(&session.place.cache, context.pythons.clone(), urls, true);
        let mut services = Services::new().with(Arc::new(toolchain));
        if state.join("store").exists() {
            services = services.with(Arc::new(Store::open(&state.join("store"))?));
        }
        if let Some(shared) = shared {
            services = services.with(shared);
        }
        let foreseen = foresee(lowered, &self.step, Arc::new(context), services, state)?;
        Ok(foreseen.iter().map(|(step, foreseen)| told(step, foreseen, *step == self.step)).collect())
    }
}

/// What would become of a step, in a line.
fn told(step: &str, foreseen: &Foreseen, is_asked_for: bool) -> String {
    let subject = if is_asked_for { "now".to_owned() } else { format!("  first `{step}`") };
    match foreseen {
        Foreseen::Cached(run) => {
            format!("{subject}: it would not run: nothing that it reads has changed since run {run}")
        }
        Foreseen::Runs(reason) => format!("{subject}: it would run: {reason}"),
        Foreseen::After(first) => format!("{subject}: it depends on `{first}`, which would run before it"),
        Foreseen::Probed => format!("{subject}: it would look whether it is done, as nothing before it would run"),
        Foreseen::Unknown(why) => format!("{subject}: nobody can tell whether it would run: {why}"),
    }
}

/// What another machine did, in a line.
fn told_elsewhere(done: &DoneElsewhere) -> String {
    let DoneElsewhere { run, receipt: Receipt { target, identifier, .. } } = done;
    format!("done on another machine in run {run}{}: it left {identifier} in {target}", age(run))
}

/// When a step was really done, what it changed, and the inputs that began it, in lines. What the line of `shown`'s run
/// says already is left out.
fn traced(done: &Done, shown: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if done.run != shown {
        lines.push(format!("done in run {}{}: {}", done.run, age(&done.run), done.reason));
    }
    if let Some(receipt) = &done.receipt {
        lines.push(format!("  it left {} in {}", receipt.identifier, receipt.target));
    }
    lines.extend(done.causes.iter().map(|(step, reason)| format!("  because `{step}` ran: {reason}")));
    lines
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
            commands_ms: 1,
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

    #[test]
    fn what_would_happen_is_told_with_what_comes_first() {
        assert_eq!(
            told("a/b", &Foreseen::Runs("`x.py` changed".to_owned()), true),
            "now: it would run: `x.py` changed"
        );
        assert_eq!(
            told("a/b", &Foreseen::Runs("`x.py` changed".to_owned()), false),
            "  first `a/b`: it would run: `x.py` changed"
        );
        assert_eq!(
            told("a/b", &Foreseen::After("a/wheel".to_owned()), true),
            "now: it depends on `a/wheel`, which would run before it"
        );
    }

    #[test]
    fn what_is_live_is_traced_to_its_run_and_its_causes() {
        let receipt = crate::run::Receipt {
            target: "testing".to_owned(),
            identifier: "shop 0.7.0".to_owned(),
            digests: Default::default(),
            found: false,
        };
        let done = Done {
            run: "r1".to_owned(),
            reason: "0.6.0 is live".to_owned(),
            receipt: Some(receipt),
            causes: vec![("money/wheel".to_owned(), "`src/money/x.py` changed".to_owned())],
        };
        assert_eq!(
            traced(&done, "r2"),
            [
                "done in run r1: 0.6.0 is live",
                "  it left shop 0.7.0 in testing",
                "  because `money/wheel` ran: `src/money/x.py` changed"
            ]
        );
        assert_eq!(traced(&done, "r1").len(), 2);
    }
}
