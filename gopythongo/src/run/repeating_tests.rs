//! What is done again and what is not: a table of surprises, each with the reason that is given for it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;

use super::{Cancel, Options, tests::Bench};
use crate::{
    event::{Event, RunState},
    pipeline::{JobBuilder, library},
    run::{Failure, Foreseen, Inputs, Key, Mannered, Step, Work, failure::FailureKind},
};

/// Uses a program that is not on `PATH`.
#[derive(Debug, Serialize)]
struct Using {
    #[serde(skip)]
    tool: PathBuf,
}

impl Step for Using {
    const KIND: &'static str = "using";
    const VERSION: u32 = 1;

    fn inputs(&self) -> Inputs {
        Inputs::source()
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        key.source()?;
        key.program("the tool", &self.tool)
    }

    fn run(&self, _work: &mut Work<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

#[test]
fn a_program_decides_by_its_bytes_and_not_by_its_times() {
    let bench = Bench::new();
    let tool = bench.state.path().join("tool");
    let write = |text: &str| fs::write(&tool, text).expect("written");
    let reason = || {
        let _ = bench.fresh(library("money").step(Using { tool: tool.clone() }));
        bench.reason("money/using")
    };
    write("one");
    assert_eq!(reason().as_deref(), Some("never ran before"));
    write("one");
    assert_eq!(reason(), None, "a touched but equal program is the same program");
    write("two");
    assert_eq!(reason().as_deref(), Some("the tool changed"));
}

/// Breaks so many times altogether, and then passes.
#[derive(Debug, Serialize)]
struct Breaking {
    #[serde(skip)]
    counter: PathBuf,
    #[serde(skip)]
    times: usize,
    #[serde(skip)]
    kind: FailureKind,
}

impl Step for Breaking {
    const KIND: &'static str = "breaking";
    const VERSION: u32 = 1;

    fn run(&self, _work: &mut Work<'_>) -> Result<(), Failure> {
        let tried = tries(&self.counter);
        fs::write(&self.counter, "x".repeat(tried + 1)).map_err(Failure::io("cannot write", &self.counter))?;
        if tried < self.times { Err(Failure::of(self.kind, "the line broke")) } else { Ok(()) }
    }
}

fn tries(counter: &Path) -> usize {
    fs::read_to_string(counter).map_or(0, |text| text.len())
}

#[test]
fn what_broke_is_tried_again_a_few_times_and_such_a_pass_is_for_its_own_run_only() {
    let bench = Bench::new();
    let counter = bench.state.path().join("tries");
    let run = |times, kind, again| {
        let job = library("money").step(Breaking { counter: counter.clone(), times, kind });
        let options = Options { pause: Duration::ZERO, ..Options::default() };
        let ended = bench.run(job, again, &options, &Cancel::new());
        let retried = bench.events().iter().filter(|event| matches!(event, Event::StepRetried { .. })).count();
        (ended.state, retried, bench.reason("money/breaking"))
    };
    let because = |reason: &str| Some(reason.to_owned());
    let infrastructure = FailureKind::Infrastructure;
    assert_eq!(run(2, infrastructure, false), (RunState::Checked, 2, because("never ran before")));
    assert_eq!(run(2, infrastructure, true), (RunState::Checked, 0, None), "the run that goes on has it");
    let id = crate::run::RunDirectory::list(bench.state.path()).expect("listed").remove(0);
    let unsure = because(&format!("it passed only at its third attempt in run {id}"));
    assert_eq!(run(2, infrastructure, false), (RunState::Checked, 0, unsure));
    assert_eq!(run(2, infrastructure, false), (RunState::Checked, 0, None), "it passed at once the last time");

    fs::remove_file(&counter).expect("removed");
    bench.edit("more");
    assert_eq!(run(9, infrastructure, false).0, RunState::Failed);
    assert_eq!(tries(&counter), 3, "three attempts are enough");
    fs::remove_file(&counter).expect("removed");
    assert_eq!(run(9, FailureKind::Failed, false).0, RunState::Failed);
    assert_eq!(tries(&counter), 1, "a red test is never tried again");
}

#[test]
fn a_volatile_step_runs_in_every_run_and_once_in_each() {
    let bench = Bench::new();
    let counter = bench.state.path().join("tries");
    let job = || {
        let step = Breaking { counter: counter.clone(), times: 0, kind: FailureKind::Failed };
        library("money").step(step.volatile())
    };
    let _ = bench.fresh(job());
    let _ = bench.fresh(job());
    assert_eq!(tries(&counter), 2);
    let reason = bench.reason("money/breaking").unwrap_or_default();
    assert!(reason.starts_with("it is volatile, and passed in run "), "{reason}");
    let _ = bench.run(job(), true, &Options::default(), &Cancel::new());
    assert_eq!(tries(&counter), 2, "a resumed run goes on where it was");
}

#[test]
fn what_would_become_of_a_step_is_known_before_it_runs() {
    let bench = Bench::new();
    let job = || library("money").command("first", ["true"]).command("second", ["true"]);
    let now = |id: &str| bench.foresee(job(), id);
    let first = |foreseen| vec![("money/command:first".to_owned(), foreseen)];
    assert_eq!(now("money/command:first"), first(Foreseen::Runs("never ran before".to_owned())));
    let _ = bench.fresh(job());
    let run = crate::run::RunDirectory::list(bench.state.path()).expect("listed").remove(0);
    let cached = Foreseen::Cached(run);
    assert_eq!(now("money/command:second"), [("money/command:second".to_owned(), cached)]);
    bench.edit("more");
    let mut expected = first(Foreseen::Runs("`README` changed".to_owned()));
    expected.push(("money/command:second".to_owned(), Foreseen::After("money/command:first".to_owned())));
    assert_eq!(now("money/command:second"), expected);
}

#[test]
fn a_step_that_says_nothing_has_no_log() {
    let bench = Bench::new();
    let counter = bench.state.path().join("tries");
    let quiet = Breaking { counter, times: 0, kind: FailureKind::Failed };
    let _ = bench.fresh(library("money").step(quiet).command("loud", ["echo", "hello"]));
    let run = crate::run::RunDirectory::list(bench.state.path()).expect("listed").remove(0);
    let logs = bench.state.path().join("runs").join(run).join("logs/money");
    let names: Vec<_> = fs::read_dir(logs).expect("read").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["command:loud.log"]);
}
