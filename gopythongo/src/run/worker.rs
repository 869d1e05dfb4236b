//! One step from its beginning to its end: an effect is probed, intended, done, received.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Instant,
};

use super::{
    AnyStep, EffectClass, Failure, FailureKind, Nature, Needed, Options, Outcome, Probe, Receipt, RunDirectory,
    RunError, Work,
    bus::Bus,
    durations::Durations,
    executor::millis,
    log::Log,
    process::{Cancel, Command, Spent},
    scratch::Scratch,
    work::Shared,
};
use crate::{
    cache::Cache,
    event::{Event, StepOutcome},
    journal::{Journal, JournalError, Record},
    plan::{PlannedStep, StepId},
};

/// How many directories of ended steps are kept for the end of the run: a large pipeline must not fill the disk.
const LEFT: usize = 64;

/// How a step ended, for the scheduler.
pub(super) struct Ending {
    pub(super) result: Result<Arc<Outcome>, Failure>,
}

/// How a step ended, for the reports.
pub(super) struct Report {
    pub(super) outcome: StepOutcome,
    pub(super) reason: Option<String>,
    pub(super) spent: Spent,
    pub(super) result: Result<Arc<Outcome>, Failure>,
}

/// What threads need to perform steps.
pub(super) struct Worker<'a> {
    pub(super) shared: &'a Shared,
    pub(super) bus: &'a Bus,
    pub(super) cache: &'a Cache,
    pub(super) journal: &'a Mutex<Journal>,
    pub(super) code: &'a BTreeMap<StepId, AnyStep>,
    pub(super) options: &'a Options,
    /// Intents and receipts of this run, those from before an interruption first.
    pub(super) effects: Mutex<Vec<Record>>,
    pub(super) directory: &'a RunDirectory,
    /// Where the steps work.
    pub(super) work: PathBuf,
    pub(super) durations: &'a Durations,
    pub(super) broken: Mutex<Option<RunError>>,
    /// The run in which the first step that is not repeated passed, and the reason that names it.
    pub(super) unchanged: OnceLock<(String, String)>,
    /// Directories of steps that have ended.
    pub(super) left: Mutex<Vec<PathBuf>>,
}

impl Worker<'_> {
    /// The error that ended the run's books, if one did.
    pub(super) fn broken(&self) -> Option<RunError> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Performs a step and reports its end.
    pub(super) fn perform(&self, step: &PlannedStep, code: Option<&AnyStep>, needed: &Needed<'_>) -> Ending {
        let begin = Instant::now();
        let mut report =
            catch_unwind(AssertUnwindSafe(|| self.step(step, code, needed, begin))).unwrap_or_else(|panic| {
                let message = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                    .unwrap_or_default();
                Report::failed(Failure::new(format!("`{}` panicked: {message}", step.id)), Spent::default())
            });
        if let Err(failure) = &mut report.result {
            *failure = self.redacted(failure);
        }
        let result = report.result.clone();
        if self.bus.is_heard() {
            self.tell(step, report, begin);
        }
        Ending { result }
    }

    /// Tells how a step ended that began at a moment.
    fn tell(&self, step: &PlannedStep, report: Report, begin: Instant) {
        let (result, failure) = match report.result {
            Ok(outcome) => (Some(outcome), None),
            Err(failure) => (None, Some(Box::new(failure))),
        };
        if let Some(receipt) = result.as_ref().and_then(|outcome| outcome.receipt.clone()) {
            self.bus.emit(Event::Effect { step: step.id.clone(), receipt });
        }
        self.bus.emit(Event::StepFinished {
            step: step.id.clone(),
            outcome: report.outcome,
            reason: report.reason,
            ms: millis(begin.elapsed()),
            cpu_ms: millis(report.spent.cpu),
            commands_ms: millis(report.spent.wall),
            result,
            failure,
        });
    }

    fn step(&self, step: &PlannedStep, code: Option<&AnyStep>, needed: &Needed<'_>, begin: Instant) -> Report {
        let Some(code) = code else {
            return Report::failed(
                Failure::refused(format!("today's pipeline has no step `{}`", step.id)),
                Spent::default(),
            );
        };
        let log = Log::new(self.directory.path(), &step.id);
        let line = |text: &str| {
            let line = self.bus.redact(text);
            log.line(&line);
            self.bus.emit(Event::Output { step: step.id.clone(), line });
        };
        let emit = |event: Event| self.bus.emit(event);
        let mut work = Work {
            shared: self.shared,
            step,
            needed,
            scratch: Scratch::new(&self.work, &step.id),
            copy: None,
            outcome: Outcome::default(),
            unsure: None,
            spent: Spent::default(),
            deadline: begin + step.timeout,
            line: &line,
            emit: &emit,
        };
        let report = match code.nature() {
            Nature::Pure => self.pure(code, &mut work),
            Nature::Effect(class) => self.effect(code, class, &mut work),
        };
        // where a command failed stays until the next run, for whoever looks into it; where one had secrets, nothing stays
        let failed = |failure: &Failure| failure.command.is_some() && failure.kind != FailureKind::Cancelled;
        let kept = step.inputs.secrets.is_empty() && report.as_ref().is_err_and(failed);
        let Work { scratch, spent, copy, .. } = work;
        if let Some((place, pristine)) = copy.filter(|_| !kept) {
            self.shared.copies.leave(&place, pristine);
        }
        if let Some(scratch) = scratch.wanted().filter(|_| !kept) {
            self.leave(scratch);
        }
        report.unwrap_or_else(|failure| {
            let mut report = Report::failed(failure, spent);
            if report.result.as_ref().is_err_and(|failure| failure.kind == FailureKind::Cancelled) {
                report.outcome = StepOutcome::Cancelled;
            }
            report
        })
    }

    /// Remembers a directory that is no longer needed. They are removed when the run has ended: ext4 looks at every inode
    /// that was freed in the last minute before it makes another one, which costs each step more than the removal.
    fn leave(&self, scratch: PathBuf) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        // the last one's reports may be read yet
        let many = if left.len() < LEFT { Vec::new() } else { std::mem::take(&mut *left) };
        left.push(scratch);
        drop(left);
        self.remove(&many);
    }

    /// Removes the directories of the steps that have ended, and what they left for others.
    pub(super) fn clear(&self) {
        let mut left = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        left.extend(self.shared.copies.directory().map(ToOwned::to_owned));
        self.remove(&left);
    }

    /// Removes directories: environments with thousands of files, which `rm` does beside us.
    fn remove(&self, directories: &[PathBuf]) {
        if directories.is_empty() {
            return;
        }
        let warn = |line: &str| self.bus.emit(Event::Warning { message: line.to_owned() });
        let command = Command::new("/bin/rm").args(["-rf", "--"]).args(directories);
        // also after an interruption
        match self.shared.supervisor.run(&command, &Cancel::default(), &mut |line| warn(line)) {
            Ok(_) => {}
            Err(error) => warn(&error.to_string()),
        }
    }

    fn effect(&self, code: &AnyStep, class: EffectClass, work: &mut Work<'_>) -> Result<Report, Failure> {
        let id = &work.step.id;
        if let Some((receipt, how)) = self.told(work.step, class)? {
            return self.found(work, receipt, how);
        }
        let reason = match code.probe(work) {
            Probe::Done(receipt) => return self.found(work, receipt, "found done"),
            Probe::NotDone => "not done yet".to_owned(),
            Probe::Partial(what) => what,
            Probe::Unknown(_) if class == EffectClass::Blind => "not done yet".to_owned(),
            Probe::Conflict(found) => {
                return Err(
                    Failure::refused(found).hint("something else is there, and it stays: nothing is overwritten")
                );
            }
            Probe::Unknown(why) => {
                return Err(Failure::lacking(format!("cannot tell whether `{id}` is done: {why}"))
                    .hint("when that can be told, go on with `resume`"));
            }
        };
        self.bus.emit(Event::StepStarted { step: id.clone(), reason });
        self.append(&Record::Intent { step: id.clone(), about: about(work.step) })?;
        self.run(code, work)?;
        let outcome = work.outcome.clone();
        let receipt = outcome.receipt.clone().ok_or_else(|| Failure::new(format!("`{id}` left no receipt")))?;
        self.append(&Record::Receipt { step: id.clone(), receipt })?;
        Ok(Report { outcome: StepOutcome::Passed, reason: None, spent: work.spent, result: Ok(Arc::new(outcome)) })
    }

    fn found(&self, work: &Work<'_>, receipt: Receipt, how: &str) -> Result<Report, Failure> {
        let mut outcome = Outcome { receipt: Some(receipt.clone()), ..work.outcome.clone() };
        self.shared.redactor.redact_outcome(&mut outcome);
        let receipt = outcome.receipt.clone().unwrap_or(receipt);
        self.append(&Record::Receipt { step: work.step.id.clone(), receipt })?;
        let reason = outcome.summary.clone().unwrap_or_else(|| how.to_owned());
        Ok(Report {
            outcome: StepOutcome::Cached,
            reason: Some(reason),
            spent: work.spent,
            result: Ok(Arc::new(outcome)),
        })
    }

    /// What the journal or `--assume` says of an effect that must not be repeated: its receipt, and how it is known.
    fn told(&self, step: &PlannedStep, class: EffectClass) -> Result<Option<(Receipt, &'static str)>, Failure> {
        if class != EffectClass::Blind {
            return Ok(None);
        }
        let id = &step.id;
        let (mut intended, mut received) = (None, None);
        for record in self.effects.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            match record {
                Record::Intent { step: begun, about } if begun == id => {
                    (intended, received) = (Some(about.clone()), None);
                }
                Record::Receipt { step: done, receipt } if done == id => received = Some(receipt.clone()),
                _ => {}
            }
        }
        if let Some(receipt) = received {
            // with other options it was another effect
            let same = intended.is_none_or(|options| options == about(step));
            return Ok(same.then_some((receipt, "done before in this run")));
        }
        match (intended, self.options.assume.get(id)) {
            (None, _) | (Some(_), Some(false)) => Ok(None),
            (Some(_), Some(true)) => {
                let (target, identifier) = (id.clone(), "assumed done".to_owned());
                Ok(Some((Receipt { target, identifier, digests: BTreeMap::new(), found: true }, "assumed done")))
            }
            (Some(_), None) => Err(Failure::refused(format!(
                "`{id}` was begun before in this run and left no receipt: nobody can tell whether it happened"
            ))
            .hint(format!(
                "look, then `resume {run} --assume done {id}` or `resume {run} --assume undone {id}`",
                run = self.shared.run
            ))),
        }
    }

    pub(super) fn append(&self, record: &Record) -> Result<(), Failure> {
        if matches!(record, Record::Intent { .. } | Record::Receipt { .. }) {
            self.effects.lock().unwrap_or_else(PoisonError::into_inner).push(record.clone());
        }
        self.written(|journal| journal.append(record))
    }

    /// Appends what may be lost: the step then runs again.
    pub(super) fn note(&self, record: &Record) -> Result<(), Failure> {
        self.written(|journal| journal.note(record))
    }

    fn written(&self, write: impl FnOnce(&mut Journal) -> Result<(), JournalError>) -> Result<(), Failure> {
        write(&mut self.journal.lock().unwrap_or_else(PoisonError::into_inner)).map_err(|error| {
            let failure = Failure::lacking(error.to_string());
            *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.into());
            failure
        })
    }

    pub(super) fn redacted(&self, failure: &Failure) -> Failure {
        let mut failure = failure.clone();
        failure.message = self.bus.redact(&failure.message);
        for text in failure.tail.iter_mut().chain(&mut failure.hint) {
            *text = self.bus.redact(text);
        }
        if let Some(command) = &mut failure.command {
            for text in command.argv.iter_mut().chain(&mut command.tail) {
                *text = self.bus.redact(text);
            }
        }
        failure
    }
}

impl Report {
    fn failed(failure: Failure, spent: Spent) -> Self {
        Self { outcome: StepOutcome::Failed, reason: None, spent, result: Err(failure) }
    }
}

/// What an effect is to do, for its intent.
fn about(step: &PlannedStep) -> String {
    step.options.to_string()
}
