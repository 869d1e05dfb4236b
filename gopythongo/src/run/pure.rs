//! A pure step from its key to its end: looked up, or done and remembered.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use super::{
    AnyStep, Failure, FailureKind, Key, Needed, Outcome, Rehearsal, RunDirectory, Work,
    executor::millis,
    process::Spent,
    sealed,
    work::Shared,
    worker::{Report, Worker},
};
use crate::{
    cache::{Lookup, Parts},
    event::{Event, StepOutcome},
    journal::Record,
    plan::PlannedStep,
    support::words,
};

impl Worker<'_> {
    pub(super) fn pure(&self, code: &AnyStep, work: &mut Work<'_>) -> Result<Report, Failure> {
        let step = work.step;
        let parts = key_of(code, self.shared, step, work.needed)?;
        let forced = self.options.rerun.contains(&step.id);
        let reason = if forced {
            "asked for by the command line".to_owned()
        } else if self.options.no_cache {
            "asked for by --no-cache".to_owned()
        } else {
            match self.cache.lookup(&step.id, &parts, &self.shared.run) {
                Lookup::Hit { outcome, run } => match code.recall(work, &outcome, &run) {
                    // only the step itself can tell
                    Err(stale) if stale.kind == FailureKind::Stale => stale.message,
                    recalled => {
                        recalled?;
                        let reason = self.unchanged_since(&run);
                        return Ok(Report {
                            outcome: StepOutcome::Cached,
                            reason: Some(reason),
                            spent: Spent::default(),
                            result: Ok(Arc::new(outcome)),
                        });
                    }
                },
                Lookup::Miss { reason } => reason,
            }
        };
        self.bus.emit(Event::StepStarted { step: step.id.clone(), reason });
        let begin = Instant::now();
        let retries = self.attempts(code, work)?;
        self.durations.ran(&step.id, millis(begin.elapsed()));
        let (outcome, run) = (work.outcome.clone(), &self.shared.run);
        let remembered = match unsure(step.manner.volatile, retries).or_else(|| work.unsure.clone()) {
            None => self.cache.store(&step.id, &parts, &outcome, run),
            Some(why) => self.cache.store_within(&step.id, &parts, &outcome, run, &why),
        };
        remembered
            .map_err(|error| Failure::lacking(format!("cannot remember the outcome of `{}`: {error}", step.id)))?;
        self.note(&Record::Result { step: step.id.clone(), key: parts.digest(), outcome: Ok(outcome.clone()) })?;
        Ok(Report { outcome: StepOutcome::Passed, reason: None, spent: work.spent, result: Ok(Arc::new(outcome)) })
    }

    /// Why what passed in a run is not repeated. Most steps passed in the same run: that one's reason is kept.
    fn unchanged_since(&self, run: &str) -> String {
        let reason = || format!("nothing that it reads has changed since run {run}{}", age(run));
        let (first, kept) = self.unchanged.get_or_init(|| (run.to_owned(), reason()));
        if first == run { kept.clone() } else { reason() }
    }

    /// Runs the code, and again where something broke that it does not answer for. Gives how often it was tried again.
    fn attempts(&self, code: &AnyStep, work: &mut Work<'_>) -> Result<u32, Failure> {
        let retries = work.step.manner.retries;
        for retry in 0..=retries {
            match self.run(code, work) {
                Ok(()) => return Ok(retry),
                Err(failure) if failure.kind == FailureKind::Infrastructure && retry < retries => {
                    let failure = Box::new(self.redacted(&failure));
                    self.bus.emit(Event::StepRetried { step: work.step.id.clone(), retry: retry + 1, failure });
                    (work.outcome, work.unsure) = (Outcome::default(), None);
                    self.shared.cancel.wait(self.options.pause * 4u32.pow(retry.min(4)));
                }
                Err(failure) => return Err(failure),
            }
            if self.shared.cancel.is_cancelled() {
                return Err(Failure::of(FailureKind::Cancelled, "the run was interrupted"));
            }
        }
        Err(Failure::refused(format!("`{}` was not tried at all", work.step.id)))
    }

    /// Runs the code in an empty directory and takes in the artifacts that it declared.
    pub(super) fn run(&self, code: &AnyStep, work: &mut Work<'_>) -> Result<(), Failure> {
        // what is rehearsed leaves no files
        if self.shared.services.get::<Rehearsal>().is_some() {
            return code.run(work);
        }
        let scratch = work.scratch().to_owned();
        if scratch.exists() {
            fs::remove_dir_all(&scratch).map_err(Failure::io("cannot empty", &scratch))?;
        }
        fs::create_dir_all(&scratch).map_err(Failure::io("cannot make", &scratch))?;
        code.run(work)?;
        for name in code.outputs() {
            let file = only_file(&RunDirectory::outputs(&scratch).join(&name))
                .ok_or_else(|| Failure::new(format!("`{}` wrote no `{name}`", work.step.id)))?;
            let called = file.file_name().unwrap_or_default().to_string_lossy();
            sealed::check(&self.shared.redactor, &file, &called)?;
            let artifact = self.cache.put_artifact(&file).map_err(Failure::io("cannot keep", &file))?;
            work.outcome.artifacts.insert(name, artifact);
        }
        self.shared.redactor.redact_outcome(&mut work.outcome);
        Ok(())
    }
}

/// A step's key: one walk over everything that decides its outcome.
pub(super) fn key_of(
    code: &AnyStep,
    shared: &Shared,
    step: &PlannedStep,
    needed: &Needed<'_>,
) -> Result<Parts, Failure> {
    let mut key = Key { shared, step, needed, parts: Parts::default() };
    key.part("its code", format_args!("{} {}", step.kind, step.version));
    // as it is displayed, in a third of the time
    key.part("one of its options", serde_json::to_string(&step.options).unwrap_or_default());
    code.key(&mut key)?;
    // what is far from the user stands last: the reason for a miss is the first part that differs
    key.part("the machine", shared.machine);
    Ok(key.parts)
}

/// Why later runs do not take an outcome over, if they do not.
fn unsure(volatile: bool, retries: u32) -> Option<String> {
    if volatile {
        return Some("it is volatile, and passed".to_owned());
    }
    (retries > 0).then(|| format!("it passed only at its {} attempt", ordinal(retries + 1)))
}

fn ordinal(number: u32) -> String {
    match number {
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        number => format!("{number}th"),
    }
}

/// How long ago a run began: `, 3 days ago`. Nothing for the present, or what cannot be told.
fn age(run: &str) -> String {
    let begun = RunDirectory::begun(run).and_then(|begun| begun.elapsed().ok());
    let age = begun.filter(|age| age.as_secs() >= 60);
    age.map(|age| format!(", {}", words::ago(age))).unwrap_or_default()
}

fn only_file(directory: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(directory).ok()?;
    let file = entries.next()?.ok()?.path();
    entries.next().is_none().then_some(file)
}
