//! The executor on real commands: what a run does with steps that pass, fail, repeat and are interrupted.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::Serialize;
use tempfile::TempDir;

use super::*;
use crate::{
    pipeline::{JobBuilder, Library, Pipeline, library},
    plan::{Selection, lower},
    run::{EffectClass, Inputs, Nature, Receipt, Step, Work, process::Command},
    support::trees::tree,
};

/// An effect that adds a line to a file and, if it is told so, then fails.
#[derive(Debug, Serialize)]
struct Mail {
    log: std::path::PathBuf,
    text: &'static str,
    fails: bool,
}

impl Step for Mail {
    const KIND: &'static str = "mail";
    const VERSION: u32 = 1;

    fn nature(&self) -> Nature {
        Nature::Effect(EffectClass::Blind)
    }

    fn inputs(&self) -> Inputs {
        Inputs::none()
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let sent = fs::read_to_string(&self.log).unwrap_or_default();
        fs::write(&self.log, format!("{sent}{}\n", self.text)).map_err(Failure::io("cannot write", &self.log))?;
        if self.fails {
            return Err(Failure::new("the line broke"));
        }
        let receipt = Receipt {
            target: "team".to_owned(),
            identifier: self.text.to_owned(),
            digests: BTreeMap::new(),
            found: false,
        };
        work.receipt(receipt);
        Ok(())
    }
}

/// What a step of a test does.
pub(super) type Does = fn(&mut Work<'_>) -> Result<(), Failure>;

/// A pure step that does something.
#[derive(Serialize)]
struct Doing {
    #[serde(skip)]
    does: Does,
    millis: u64,
}

impl Doing {
    fn new(does: Does) -> Self {
        Self { does, millis: 60_000 }
    }
}

impl std::fmt::Debug for Doing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Doing")
    }
}

impl Step for Doing {
    const KIND: &'static str = "doing";
    const VERSION: u32 = 1;

    fn timeout(&self) -> Duration {
        Duration::from_millis(self.millis)
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        (self.does)(work)
    }
}

/// Comes after the effects of upstream jobs. The first time that it is reached, what the run is based on has changed.
#[derive(Debug, Serialize)]
struct Moving {
    #[serde(skip)]
    rounds: Arc<Mutex<u32>>,
}

impl Step for Moving {
    const KIND: &'static str = "moving";
    const VERSION: u32 = 1;

    fn inputs(&self) -> Inputs {
        Inputs::source().index()
    }

    fn run(&self, _work: &mut Work<'_>) -> Result<(), Failure> {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        *rounds += 1;
        if *rounds == 1 { Err(Failure::of(FailureKind::Stale, "it moved")) } else { Ok(()) }
    }
}

/// Keeps events.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Event>>>);

impl Sink for Recorder {
    fn event(&mut self, event: &crate::event::Stamped) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.event.clone());
    }
}

pub(super) struct Bench {
    pub(super) source: TempDir,
    pub(super) state: TempDir,
    recorder: Recorder,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self { source: tree(&[("README", "money")]), state: tree(&[]), recorder: Recorder::default() }
    }

    /// The events of the latest run.
    pub(super) fn events(&self) -> Vec<Event> {
        self.recorder.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why a step ran in the latest run; `None` if it did not.
    pub(super) fn reason(&self, id: &str) -> Option<String> {
        self.events().into_iter().find_map(|event| match event {
            Event::StepStarted { step, reason } if step == id => Some(reason),
            _ => None,
        })
    }

    /// Changes the source.
    pub(super) fn edit(&self, text: &str) {
        fs::write(self.source.path().join("README"), text).expect("written");
    }

    fn mail(&self, text: &'static str, fails: bool) -> Mail {
        Mail { log: self.state.path().join("mails"), text, fails }
    }

    fn mails(&self) -> String {
        fs::read_to_string(self.state.path().join("mails")).unwrap_or_default()
    }

    /// Runs a job, in the directory of the latest run if `again`.
    pub(super) fn run(&self, job: Library, again: bool, options: &Options, cancel: &Cancel) -> Ended {
        let pipeline = Pipeline::new("p").job(job);
        let context = context(self.source.path());
        let lowered = lower(&pipeline, &context, &Selection::default());
        let state = self.state.path();
        let directory = if again { RunDirectory::open(state, None) } else { RunDirectory::create(state) };
        let setting = Setting {
            directory: directory.expect("a directory"),
            context: Arc::new(context),
            services: Services::new().with(Arc::new(cancel.clone())),
            supervisor: Arc::new(Supervisor::start().expect("a supervisor")),
            cancel: cancel.clone(),
            redactor: Redactor::default(),
            sinks: vec![Box::new(self.recorder.clone())],
        };
        self.recorder.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        execute(&lowered, options, setting).expect("the journal can be written")
    }

    /// What would become of a step of a job now.
    pub(super) fn foresee(&self, job: Library, id: &str) -> Vec<(StepId, crate::run::Foreseen)> {
        let context = context(self.source.path());
        let lowered = lower(&Pipeline::new("p").job(job), &context, &Selection::default());
        let foreseen = crate::run::foresee(&lowered, id, Arc::new(context), Services::new(), self.state.path());
        foreseen.expect("processes can be supervised")
    }

    pub(super) fn fresh(&self, job: Library) -> Ended {
        self.run(job, false, &Options::default(), &Cancel::new())
    }

    fn resumed(&self, job: Library, assume: &[(&str, bool)]) -> Ended {
        let assume = assume.iter().map(|(step, done)| ((*step).to_owned(), *done)).collect();
        self.run(job, true, &Options { assume, ..Options::default() }, &Cancel::new())
    }
}

fn context(source: &Path) -> Context {
    let job = crate::context::JobContext {
        directory: source.to_owned(),
        survey: crate::context::Survey::default(),
        version: None,
    };
    Context {
        branch: None,
        commit: None,
        kind: crate::context::BuildKind::Develop,
        kind_reason: "`--kind`".to_owned(),
        server: None,
        target: None,
        doubts: Vec::new(),
        channel: "develop".to_owned(),
        root: source.to_owned(),
        pythons: Vec::new(),
        jobs: [("money".to_owned(), job)].into(),
    }
}

pub(super) fn only(ended: &Ended) -> &Failure {
    let [(_, failure)] = ended.failures.as_slice() else { panic!("{ended:?}") };
    failure
}

#[test]
fn a_blind_effect_without_a_receipt_waits_for_somebody_who_looks() {
    let bench = Bench::new();
    let job = |fails| library("money").step(bench.mail("hello", fails));
    assert_eq!(only(&bench.fresh(job(true))).message, "the line broke");
    let ended = bench.resumed(job(true), &[]);
    let refused = only(&ended);
    assert_eq!(refused.kind, FailureKind::Refused);
    assert!(refused.message.ends_with("left no receipt: nobody can tell whether it happened"), "{refused}");
    assert!(refused.hint.as_ref().is_some_and(|hint| hint.contains("--assume done money/mail")), "{refused:?}");
    assert_eq!(bench.mails(), "hello\n");
    assert_eq!(bench.resumed(job(true), &[("money/mail", true)]).state, RunState::Checked);
    assert_eq!(bench.resumed(job(true), &[]).state, RunState::Checked, "it stays assumed");
    assert_eq!(bench.mails(), "hello\n");
}

#[test]
fn a_blind_effect_that_did_not_happen_is_done_and_another_one_too() {
    let bench = Bench::new();
    let job = |text, fails| library("money").step(bench.mail(text, fails));
    let _ = bench.fresh(job("hello", true));
    let ended = bench.resumed(library("money").step(bench.mail("hello", false)), &[("money/mail", false)]);
    assert_eq!(ended.state, RunState::Checked);
    assert_eq!(bench.mails(), "hello\nhello\n");
    assert_eq!(bench.resumed(job("hello", false), &[]).state, RunState::Checked);
    assert_eq!(bench.mails(), "hello\nhello\n", "once is enough");
    assert_eq!(bench.resumed(job("good bye", false), &[]).state, RunState::Checked);
    assert_eq!(bench.mails(), "hello\nhello\ngood bye\n", "with other options it is another effect");
}

#[test]
fn a_run_that_goes_round_again_does_not_repeat_a_blind_effect() {
    let bench = Bench::new();
    let rounds = Arc::new(Mutex::new(0));
    let moving = Moving { rounds: rounds.clone() };
    let pipeline = library("money").step(bench.mail("hello", false)).downstream(["shop"]);
    let shop = library("shop").step(moving);
    let context = {
        let mut context = context(bench.source.path());
        let job = context.jobs["money"].clone();
        context.jobs.insert("shop".to_owned(), job);
        context
    };
    let lowered = lower(&Pipeline::new("p").job(pipeline).job(shop), &context, &Selection::default());
    let setting = Setting {
        directory: RunDirectory::create(bench.state.path()).expect("a directory"),
        context: Arc::new(context),
        services: Services::new(),
        supervisor: Arc::new(Supervisor::start().expect("a supervisor")),
        cancel: Cancel::new(),
        redactor: Redactor::default(),
        sinks: Vec::new(),
    };
    let ended = execute(&lowered, &Options::default(), setting).expect("the journal can be written");
    assert!(ended.failures.is_empty(), "{ended:?}");
    assert_eq!(*rounds.lock().expect("no panic"), 2);
    assert_eq!(bench.mails(), "hello\n");
}

#[test]
fn a_signal_after_the_last_step_interrupts_nothing() {
    let bench = Bench::new();
    let job = || {
        library("money").step(Doing::new(|work| {
            work.service::<Cancel>()?.cancel(15);
            Ok(())
        }))
    };
    assert_eq!(bench.run(job(), false, &Options::default(), &Cancel::new()).state, RunState::Checked);
    let job = job().command("later", ["true"]);
    let one = Options { jobs: NonZeroUsize::MIN, no_cache: true, ..Options::default() };
    let state = bench.run(job, false, &one, &Cancel::new()).state;
    assert_eq!(state, RunState::Interrupted { signal: 15 });
}

#[test]
fn a_step_that_panics_or_hangs_fails_with_a_sentence() {
    let bench = Bench::new();
    let ended = bench.fresh(library("money").step(Doing::new(|_| panic!("a mistake"))));
    assert_eq!(only(&ended).message, "`money/doing` panicked: a mistake");
    let hang: Does = |work| work.run(&Command::new("/bin/sh").args(["-c", "sleep 600"]).env("PATH", "/usr/bin:/bin"));
    let ended = bench.fresh(library("money").step(Doing { does: hang, millis: 200 }));
    let slow = only(&ended);
    assert_eq!((slow.kind, slow.message.as_str()), (FailureKind::Timeout, "`sh` was too slow: timed out after 1s"));
    assert!(slow.hint.as_ref().is_some_and(|hint| hint.contains("may take 200ms altogether")), "{slow:?}");
}
