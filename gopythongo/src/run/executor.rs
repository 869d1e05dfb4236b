//! Executing a plan: hands ready steps to threads, and what they come back with to scheduler, journal and reports.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use super::{
    Failure, FailureKind, Outcome, RunDirectory, RunError, Services,
    bus::Bus,
    process::{Cancel, Supervisor, end_leftovers},
    scheduler::Scheduler,
    work::{Shared, Trees},
    worker::{Ending, Worker},
};
use crate::{
    cache::Cache,
    context::{Context, Redactor},
    event::{Event, RunState, Sink, StepOutcome},
    journal::{Journal, Record},
    plan::{Action, Lowered, Plan, PlannedStep, StepId},
};

/// How often a run starts again on a new base before it gives up.
const ROUNDS: u32 = 3;

/// How to execute.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many steps run at once; the number of processors by default.
    pub jobs: NonZeroUsize,
    /// Whether steps that do not need the failed one still start.
    pub keep_going: bool,
    /// Whether outcomes of earlier runs are left unused.
    pub no_cache: bool,
    /// Steps that run although their outcome is known.
    pub rerun: Vec<StepId>,
    /// What `resume --assume` decided of effects whose receipt is missing: `true` for done.
    pub assume: BTreeMap<StepId, bool>,
}

impl Default for Options {
    fn default() -> Self {
        let jobs = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { jobs, keep_going: false, no_cache: false, rerun: Vec::new(), assume: BTreeMap::new() }
    }
}

/// What a run is given besides its plan.
pub struct Setting {
    /// The run's directory.
    pub directory: RunDirectory,
    /// The context that the plan was made for.
    pub context: Arc<Context>,
    /// What domains lend to their steps.
    pub services: Services,
    /// Starts and ends processes.
    pub supervisor: Arc<Supervisor>,
    /// Interrupts the run.
    pub cancel: Cancel,
    /// Takes secrets out of everything that is written.
    pub redactor: Redactor,
    /// Consumers of the events.
    pub sinks: Vec<Box<dyn Sink>>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub state: RunState,
    /// The steps that failed, and why.
    pub failures: Vec<(StepId, Failure)>,
}

/// Executes a plan. A run directory with a journal goes on where it was: outcomes come from the cache, effects are probed.
///
/// # Errors
/// When the run cannot begin, or its journal cannot be written. Steps that fail are in [`Ended`].
pub fn execute(lowered: &Lowered, options: &Options, setting: Setting) -> Result<Ended, RunError> {
    let begin = Instant::now();
    let Setting { directory, context, services, supervisor, cancel, redactor, sinks } = setting;
    directory.sweep();
    let cache_directory = directory.state().join("cache");
    let cache = Cache::open(&cache_directory)
        .map_err(|error| RunError::io("cannot open the cache", &cache_directory, &error))?;
    let (mut journal, earlier) = Journal::open(&directory.path().join("journal.ndjson"))?;
    let resumed = !earlier.is_empty();
    if resumed {
        end_leftovers(directory.id());
    }
    supervisor.set_run(directory.id());
    let planned = earlier.iter().rev().find_map(|record| match record {
        Record::Started { plan, .. } => Some(plan.as_ref()),
        _ => None,
    });
    if planned != Some(&lowered.plan) {
        let (plan, context) = (Box::new(lowered.plan.clone()), Box::new((*context).clone()));
        journal.append(&Record::Started { plan, context, arguments: Vec::new() })?;
    }
    let is_of_effect = |record: &Record| matches!(record, Record::Intent { .. } | Record::Receipt { .. });
    let effects = earlier.into_iter().filter(is_of_effect).collect();
    let bus = Bus::new(directory.id().to_owned(), redactor, sinks);
    bus.emit(Event::RunStarted { plan: Box::new(lowered.plan.clone()), resumed });
    let run = Run {
        plan: &lowered.plan,
        options,
        shared: Shared {
            run: directory.id().to_owned(),
            context,
            services,
            supervisor,
            cancel,
            trees: Trees::new(&directory.state().join("cache")),
            blobs: cache.blobs().to_owned(),
            conclusion: Mutex::default(),
        },
        bus,
        journal: Mutex::new(journal),
        unfinished: AtomicBool::new(false),
    };
    let worker = Worker {
        shared: &run.shared,
        bus: &run.bus,
        cache: &cache,
        journal: &run.journal,
        code: &lowered.code,
        options,
        effects: Mutex::new(effects),
        directory: &directory,
        broken: Mutex::default(),
        left: Mutex::default(),
    };
    for step in lowered.plan.steps.iter().filter(|step| step.action == Action::Skip) {
        run.finish(step, StepOutcome::Skipped, Some(step.reason.clone()));
        if step.is_unknown() {
            run.bus.emit(Event::Warning { message: format!("`{}` is {}", step.id, step.reason) });
        }
    }
    let mut failures = run.round(&worker)?;
    for round in 1..=ROUNDS {
        let [(step, Failure { kind: FailureKind::Stale, message, .. })] = failures.as_slice() else { break };
        if round == ROUNDS {
            let refused = Failure::refused(format!("{message}, {ROUNDS} times in this run"));
            failures = vec![(step.clone(), refused.hint("run again when the other builds have ended"))];
            break;
        }
        run.bus.emit(Event::Rebased { round, why: message.clone() });
        failures = run.round(&worker)?;
    }
    let state = run.state(&failures);
    run.append(&Record::Finished { state: state.clone() })?;
    run.shared.trees.save();
    worker.clear();
    run.bus.emit(Event::RunFinished { state: state.clone(), ms: millis(begin.elapsed()) });
    Ok(Ended { state, failures })
}

struct Run<'a> {
    plan: &'a Plan,
    options: &'a Options,
    shared: Shared,
    bus: Bus,
    journal: Mutex<Journal>,
    /// Whether steps are left that could have run.
    unfinished: AtomicBool,
}

impl Run<'_> {
    /// Executes every step of the plan once; gives the failures.
    fn round(&self, worker: &Worker<'_>) -> Result<Vec<(StepId, Failure)>, RunError> {
        let begin = Instant::now();
        let steps: Vec<&PlannedStep> = self.plan.steps.iter().filter(|step| step.action == Action::Run).collect();
        let numbers: BTreeMap<&str, usize> = steps.iter().enumerate().map(|(n, step)| (step.id.as_str(), n)).collect();
        let needs: Vec<Vec<usize>> = steps
            .iter()
            .map(|step| step.needs.iter().filter_map(|need| numbers.get(need.as_str()).copied()).collect())
            .collect();
        let costs: Vec<usize> = steps.iter().map(|step| self.cost(step, worker)).collect();
        let mut scheduler = Scheduler::new(&needs, &costs);
        let mut outcomes: BTreeMap<StepId, Outcome> = BTreeMap::new();
        let mut failures: Vec<(StepId, Failure)> = Vec::new();
        let mut running = 0;
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel::<(usize, Ending)>();
            loop {
                while running < self.options.jobs.get() && self.goes_on(&failures) {
                    let Some(node) = scheduler.next() else { break };
                    let step = steps[node];
                    let needed: BTreeMap<StepId, Outcome> = step
                        .needs
                        .iter()
                        .filter_map(|need| Some((need.clone(), outcomes.get(need)?.clone())))
                        .collect();
                    let sender = sender.clone();
                    running += 1;
                    scope.spawn(move || {
                        // the receiver lives until every thread has sent
                        let _ = sender.send((node, worker.perform(step, &needed)));
                    });
                }
                if running == 0 {
                    break;
                }
                let (node, ending) = match receiver.recv_timeout(Duration::from_millis(100)) {
                    Ok(message) => message,
                    Err(_) => {
                        self.bus.tick(begin.elapsed());
                        continue;
                    }
                };
                running -= 1;
                let step = steps[node];
                match ending.result {
                    Ok(outcome) => {
                        outcomes.insert(step.id.clone(), outcome);
                        scheduler.passed(node);
                    }
                    Err(failure) => {
                        for lost in scheduler.failed(node) {
                            let what =
                                if failure.kind == FailureKind::Cancelled { "was interrupted" } else { "did not pass" };
                            self.finish(steps[lost], StepOutcome::Skipped, Some(format!("`{}` {what}", step.id)));
                        }
                        failures.push((step.id.clone(), failure));
                    }
                }
            }
        });
        let left = scheduler.left();
        self.unfinished.store(!left.is_empty(), Ordering::Relaxed);
        for node in left {
            let reason = match failures.first() {
                Some((step, failure)) if failure.kind != FailureKind::Cancelled => format!("`{step}` failed"),
                _ => "the run was interrupted".to_owned(),
            };
            self.finish(steps[node], StepOutcome::Cancelled, Some(reason));
        }
        match worker.broken() {
            Some(error) => Err(error),
            None => Ok(failures),
        }
    }

    /// How long a step takes, by its effort on each file of its source.
    fn cost(&self, step: &PlannedStep, worker: &Worker<'_>) -> usize {
        let effort = worker.code.get(&step.id).map_or(1, |code| code.effort());
        let tree =
            step.source.as_ref().filter(|_| step.inputs.source).and_then(|source| self.shared.trees.get(source).ok());
        effort * tree.map_or(1, |tree| tree.files.len().max(1))
    }

    fn goes_on(&self, failures: &[(StepId, Failure)]) -> bool {
        !self.shared.cancel.is_cancelled() && (self.options.keep_going || failures.is_empty())
    }

    fn finish(&self, step: &PlannedStep, outcome: StepOutcome, reason: Option<String>) {
        let step = step.id.clone();
        self.bus.emit(Event::StepFinished { step, outcome, reason, ms: 0, cpu_ms: 0, result: None, failure: None });
    }

    fn state(&self, failures: &[(StepId, Failure)]) -> RunState {
        let unfinished = self.unfinished.load(Ordering::Relaxed) || !failures.is_empty();
        // a signal that comes when everything is done interrupts nothing
        if let Some(signal) = self.shared.cancel.signal().filter(|_| unfinished) {
            return RunState::Interrupted { signal };
        }
        if !failures.is_empty() {
            return RunState::Failed;
        }
        let conclusion = self.shared.conclusion.lock().unwrap_or_else(PoisonError::into_inner).take();
        conclusion.unwrap_or_else(|| match self.plan.left_out.as_slice() {
            [] => RunState::Checked,
            left_out => RunState::Staged { left_out: left_out.to_vec() },
        })
    }

    fn append(&self, record: &Record) -> Result<(), RunError> {
        Ok(self.journal.lock().unwrap_or_else(PoisonError::into_inner).append(record)?)
    }
}

/// Whole milliseconds; as many as fit.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "executor_tests.rs"]
mod tests;
