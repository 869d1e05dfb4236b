//! Runs that never ran.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use crate::{
    context::BuildKind,
    event::{Event, RunState, Stamped, StepOutcome},
    plan::{Action, Plan, PlanContext, PlannedStep, StepOptions},
    run::{EffectClass, Failure, Inputs, Outcome, Receipt, TestCounts, failure::FailedCommand},
    support::Written,
};

/// A writer whose text can be read while something else owns it.
#[derive(Clone, Default)]
pub(super) struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no writer panics").clone()).expect("text is written")
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn planned(id: &str, needs: &[&str]) -> PlannedStep {
    let (job, kind) = id.split_once('/').unwrap_or(("storefront", id));
    PlannedStep {
        id: id.to_owned(),
        job: job.to_owned(),
        kind: kind.to_owned(),
        version: 1,
        options: StepOptions::of(&serde_json::Value::Null),
        effect: matches!(kind, "upload" | "promote").then_some(EffectClass::Content),
        action: Action::Run,
        reason: String::new(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        inputs: Inputs::none(),
        outputs: Vec::new(),
        source: None,
        timeout: Duration::from_secs(60),
        manner: crate::run::Manner::default(),
    }
}

pub(super) fn started() -> Event {
    let context =
        PlanContext { branch: Some("develop".to_owned()), kind: BuildKind::Develop, channel: "develop".to_owned() };
    let steps = vec![
        planned("money/flake8", &[]),
        planned("money/wheel", &[]),
        planned("money/pytest", &["money/wheel"]),
        planned("money/upload", &["money/pytest"]),
        planned("promote", &["money/upload"]),
    ];
    let plan = Plan { pipeline: "storefront".to_owned(), context, steps, left_out: Vec::new() };
    Event::RunStarted { plan: Written::new(plan), resumed: false, commit: None }
}

pub(super) fn begun(step: &str, reason: &str) -> Event {
    Event::StepStarted { step: step.to_owned(), reason: reason.to_owned() }
}

pub(super) fn output(step: &str, line: &str) -> Event {
    Event::Output { step: step.to_owned(), line: line.to_owned() }
}

pub(super) fn passed(step: &str, ms: u64, result: Outcome) -> Event {
    let (step, outcome) = (step.to_owned(), StepOutcome::Passed);
    Event::StepFinished {
        step,
        outcome,
        reason: None,
        ms,
        cpu_ms: 10,
        commands_ms: 10,
        result: Some(Arc::new(result)),
        failure: None,
    }
}

pub(super) fn failed(step: &str, ms: u64, failure: Failure) -> Event {
    let (step, outcome, failure) = (step.to_owned(), StepOutcome::Failed, Some(Box::new(failure)));
    Event::StepFinished { step, outcome, reason: None, ms, cpu_ms: 1_900, commands_ms: 1_900, result: None, failure }
}

pub(super) fn ended(step: &str, outcome: StepOutcome, reason: &str) -> Event {
    let (step, reason) = (step.to_owned(), Some(reason.to_owned()));
    let result = (outcome == StepOutcome::Cached).then(Arc::default);
    Event::StepFinished { step, outcome, reason, ms: 0, cpu_ms: 0, commands_ms: 0, result, failure: None }
}

pub(super) fn wheel() -> Outcome {
    let facts = [("name", "money"), ("version", "1.5.0.dev3")];
    let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Outcome { facts, summary: Some("money 1.5.0.dev3".to_owned()), ..Outcome::default() }
}

pub(super) fn tests(failed: u32) -> Outcome {
    let tests = Some(TestCounts { passed: 78, failed, skipped: 2 });
    Outcome { tests, summary: Some("97.5 % of 1,204 lines".to_owned()), ..Outcome::default() }
}

pub(super) fn receipt() -> Receipt {
    Receipt {
        target: "stage of run x".to_owned(),
        identifier: "money 1.5.0.dev3".to_owned(),
        digests: BTreeMap::from([("money-1.5.0.dev3-py3-none-any.whl".to_owned(), "ab12".to_owned())]),
        found: false,
    }
}

pub(super) fn run_finished(state: RunState) -> Event {
    Event::RunFinished { state, ms: 12_345 }
}

/// Everything passes and is promoted.
pub(super) fn green() -> Vec<Event> {
    let set = BTreeMap::from([("money".to_owned(), "1.5.0.dev3".to_owned())]);
    vec![
        started(),
        ended("money/flake8", StepOutcome::Cached, "nothing changed since run 20261122-101500-a1b2"),
        begun("money/wheel", "`src/money/rates.py` changed"),
        passed("money/wheel", 1_234, wheel()),
        begun("money/pytest", "wheel of money changed"),
        output("money/pytest", "\x1b[32m....\x1b[0m\x07 [100%]"),
        passed("money/pytest", 65_000, tests(0)),
        begun("money/upload", "new version"),
        Event::Effect { step: "money/upload".to_owned(), receipt: receipt() },
        passed("money/upload", 20, Outcome { receipt: Some(receipt()), ..Outcome::default() }),
        Event::Promoted { channel: "develop".to_owned(), generation: 4, set },
        passed("promote", 9, Outcome::default()),
        run_finished(RunState::Promoted { generation: 4 }),
    ]
}

/// The tests fail; nothing is uploaded.
pub(super) fn red() -> Vec<Event> {
    let failure = Failure::new("2 of 80 tests failed").hint("run `pytest tests/test_rates.py` in libs/money").command(
        FailedCommand {
            argv: ["python3", "-m", "pytest", "-m", "not network"].map(str::to_owned).to_vec(),
            directory: PathBuf::from("work/pytest"),
            status: "exit code 1".to_owned(),
            tail: vec!["E   assert 1 == 2".to_owned(), String::new(), "2 failed".to_owned()],
        },
    );
    vec![
        started(),
        passed("money/flake8", 800, Outcome::default()),
        begun("money/pytest", "never ran before"),
        output("money/pytest", "F."),
        failed("money/pytest", 2_100, failure),
        ended("money/upload", StepOutcome::Skipped, "`money/pytest` failed"),
        ended("promote", StepOutcome::Skipped, "`money/upload` did not run"),
        run_finished(RunState::Failed),
    ]
}

/// The events with a run and times; one every 100 ms.
pub(super) fn stamped(events: Vec<Event>) -> Vec<Stamped> {
    let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_402_862);
    let stamp = |(index, event)| Stamped {
        time: began + Duration::from_millis(100) * u32::try_from(index).unwrap_or_default(),
        run: "20261123-030102-c3d4".to_owned(),
        event,
    };
    events.into_iter().enumerate().map(stamp).collect()
}
