//! Executing a plan: hands ready steps to threads, and what they come back with to scheduler, journal and reports.

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroUsize,
    sync::{
        Arc, Condvar, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    AnyStep, Failure, FailureKind, Needed, Outcome, Rehearsal, RunDirectory, RunError, Services,
    bus::Bus,
    copies::Copies,
    durations::Durations,
    edges::Edges,
    machine::machine,
    process::{Cancel, Supervisor, end_leftovers},
    receipts,
    scheduler::{Load, Scheduler},
    trees::{ReadAhead, Trees},
    work::Shared,
    worker::Worker,
};
use crate::{
    cache::{Cache, Manifests},
    context::{Context, Redactor, Repositories},
    event::{Event, RunState, Sink, StepOutcome},
    journal::{Journal, Record},
    plan::{Action, Lowered, Plan, PlannedStep, StepId},
    shared::SharedState,
};

/// Steps whose ways to the end of the plan differ by less, in milliseconds, begin in the order of the plan, in which they also
/// lie in memory.
const GRAIN: u64 = 50;

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
    /// How long to wait before what broke is tried again for the first time; four times as long before each further time.
    pub pause: Duration,
    /// What `resume --assume` decided of effects whose receipt is missing: `true` for done.
    pub assume: BTreeMap<StepId, bool>,
}

impl Default for Options {
    fn default() -> Self {
        let jobs = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let pause = Duration::from_millis(500);
        Self { jobs, keep_going: false, no_cache: false, rerun: Vec::new(), pause, assume: BTreeMap::new() }
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
    let manifests = Manifests::default();
    let rehearsal = services.get::<Rehearsal>();
    let cache = match &rehearsal {
        Some(rehearsal) => Cache::in_memory(&rehearsal.cache),
        None => Cache::open(&cache_directory)
            .map_err(|error| RunError::io("cannot open the cache", &cache_directory, &error))?,
    };
    let cache = cache.with(&manifests);
    let shared_state = services.get::<SharedState>();
    let cache = cache.shared(shared_state.clone());
    let repositories = services.get::<Repositories>().map(|asked| (*asked).clone()).unwrap_or_default();
    let trees = Arc::new(Trees::new(&cache_directory, &context, &manifests, repositories));
    let read_ahead = rehearsal.is_none().then(|| ReadAhead::begin(&trees, &lowered.plan));
    let beginning = rehearsal.as_ref().and_then(|rehearsal| rehearsal.beginning());
    let (mut journal, earlier) = Journal::open_after(&directory.path().join("journal.ndjson"), beginning)?;
    let resumed = !earlier.is_empty();
    if resumed && rehearsal.is_none() {
        end_leftovers(directory.id());
    }
    if rehearsal.is_none() {
        supervisor.set_run(directory.id());
    }
    let planned = earlier.iter().rev().find_map(|record| match record {
        Record::Started { plan, .. } => Some(plan),
        _ => None,
    });
    if planned != Some(&lowered.plan) {
        let (plan, context) = (lowered.plan.clone(), context.clone());
        journal.append(&Record::Started { plan, context, arguments: Vec::new() })?;
    }
    let is_of_effect = |record: &Record| matches!(record, Record::Intent { .. } | Record::Receipt { .. });
    let effects = earlier.into_iter().filter(is_of_effect).collect();
    let bus = Bus::new(directory.id().to_owned(), redactor.clone(), sinks);
    let commit = context.commit.clone();
    bus.emit(Event::RunStarted { plan: lowered.plan.clone(), resumed, commit });
    let run = Run {
        plan: &lowered.plan,
        options,
        shared: Shared {
            run: directory.id().to_owned(),
            trees,
            context,
            services,
            supervisor,
            redactor,
            cancel,
            machine: machine(),
            blobs: cache.blobs().to_owned(),
            copies: Copies::new(directory.work().join(".copies")),
            conclusion: Mutex::default(),
        },
        bus,
        journal: Mutex::new(journal),
        unfinished: AtomicBool::new(false),
        rehearsal,
    };
    let durations = Durations::open(&cache_directory.join("durations"), shared_state.as_deref());
    let worker = Worker {
        durations: &durations,
        shared: &run.shared,
        bus: &run.bus,
        cache: &cache,
        journal: &run.journal,
        code: &lowered.code,
        options,
        effects: Mutex::new(effects),
        directory: &directory,
        work: directory.work(),
        broken: Mutex::default(),
        unchanged: OnceLock::new(),
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
    // what others may use is complete when the run has ended; whoever interrupts it waits for nothing
    if !run.shared.cancel.is_cancelled() {
        cache.finish();
        if let Some(shared) = shared_state.as_deref() {
            let effects = worker.effects.lock().unwrap_or_else(PoisonError::into_inner);
            receipts::tell(shared, directory.id(), &effects);
        }
    }
    let state = run.state(&failures);
    run.append(&Record::Finished { state: state.clone() })?;
    if let Some(read_ahead) = read_ahead {
        read_ahead.end();
    }
    run.shared.trees.save();
    if run.rehearsal.is_none() {
        // without it the next run begins with something else
        let _ = durations.save(shared_state.as_deref());
    }
    let _ = cache.save();
    worker.clear();
    for message in shared_state.iter().flat_map(|state| state.warnings()) {
        run.bus.emit(Event::Warning { message });
    }
    run.bus.emit(Event::RunFinished { state: state.clone(), ms: millis(begin.elapsed()) });
    Ok(Ended { state, failures })
}

/// Where a round stands, for the threads that take turns at it.
#[derive(Default)]
struct Turn {
    scheduler: Scheduler,
    failures: Vec<(StepId, Failure)>,
    running: usize,
    /// Threads that have nothing to do.
    waiting: usize,
    /// Whether nothing runs and nothing can begin any more.
    over: bool,
}

/// The steps that run, by their numbers.
struct Round<'a> {
    steps: Vec<&'a PlannedStep>,
    needs: Edges,
    /// `None` for what today's pipeline does not have.
    code: Vec<Option<&'a AnyStep>>,
    /// What each step left that has passed.
    outcomes: Vec<OnceLock<Arc<Outcome>>>,
}

struct Run<'a> {
    plan: &'a Plan,
    options: &'a Options,
    shared: Shared,
    bus: Bus,
    journal: Mutex<Journal>,
    /// Whether steps are left that could have run.
    unfinished: AtomicBool,
    /// Says who goes next where nothing of the run is real.
    rehearsal: Option<Arc<Rehearsal>>,
}

impl Run<'_> {
    /// Executes every step of the plan once; gives the failures.
    fn round(&self, worker: &Worker<'_>) -> Result<Vec<(StepId, Failure)>, RunError> {
        let begin = Instant::now();
        let steps: Vec<&PlannedStep> = self.plan.steps.iter().filter(|step| step.action == Action::Run).collect();
        let numbers: HashMap<&str, usize> = steps.iter().enumerate().map(|(n, step)| (step.id.as_str(), n)).collect();
        let number = |need: &StepId| numbers.get(need.as_str()).copied();
        let needs: Edges = steps.iter().map(|step| step.needs.iter().filter_map(number)).collect();
        let costs = self.costs(&steps, worker);
        let loads = steps.iter().map(|step| Load::of(&step.manner)).collect();
        let grain = if self.rehearsal.is_some() { 1 } else { GRAIN };
        let scheduler = Scheduler::new(&needs, &costs, grain, loads, self.options.jobs.get());
        let turn = Mutex::new(Turn { scheduler, ..Turn::default() });
        let code: Vec<Option<&AnyStep>> = steps.iter().map(|step| worker.code.get(&step.id)).collect();
        let outcomes = steps.iter().map(|_| OnceLock::new()).collect();
        let round = Round { steps, needs, code, outcomes };
        let (changed, over) = (Condvar::new(), Condvar::new());
        let threads = self.options.jobs.get().min(round.steps.len());
        if let Some(rehearsal) = &self.rehearsal {
            rehearsal.begin(threads);
        }
        // nobody watches a rehearsal: this thread takes part in it
        let own = usize::from(self.rehearsal.is_some()).min(threads);
        std::thread::scope(|scope| {
            for number in own..threads {
                let (round, turn, changed, over) = (&round, &turn, &changed, &over);
                scope.spawn(move || {
                    self.take_turns(round, worker, turn, changed, number);
                    over.notify_one();
                });
            }
            for number in 0..own {
                self.take_turns(&round, worker, &turn, &changed, number);
            }
            let mut held = turn.lock().unwrap_or_else(PoisonError::into_inner);
            while !held.over && !round.steps.is_empty() {
                let waited = over.wait_timeout(held, Duration::from_millis(100));
                held = waited.unwrap_or_else(PoisonError::into_inner).0;
                self.bus.tick(begin.elapsed());
            }
        });
        let Turn { scheduler, failures, .. } = turn.into_inner().unwrap_or_else(PoisonError::into_inner);
        let left = scheduler.left();
        self.unfinished.store(!left.is_empty(), Ordering::Relaxed);
        for node in left {
            let reason = match failures.first() {
                Some((step, failure)) if failure.kind != FailureKind::Cancelled => format!("`{step}` failed"),
                _ => "the run was interrupted".to_owned(),
            };
            self.finish(round.steps[node], StepOutcome::Cancelled, Some(reason));
        }
        match worker.broken() {
            Some(error) => Err(error),
            None => Ok(failures),
        }
    }

    /// Performs one step after the other, until none is left that could begin.
    fn take_turns(&self, round: &Round<'_>, worker: &Worker<'_>, turn: &Mutex<Turn>, changed: &Condvar, number: usize) {
        let rehearsal = self.rehearsal.as_deref();
        let _part = rehearsal.map(|rehearsal| rehearsal.enter(number));
        let mut held = turn.lock().unwrap_or_else(PoisonError::into_inner);
        while !held.over {
            let next = if self.goes_on(&held.failures) { held.scheduler.next() } else { None };
            let Some(node) = next else {
                if held.running == 0 {
                    held.over = true;
                    self.tell(changed, held.waiting);
                    break;
                }
                held = match rehearsal {
                    Some(rehearsal) => {
                        drop(held);
                        rehearsal.wait(number);
                        turn.lock().unwrap_or_else(PoisonError::into_inner)
                    }
                    None => {
                        held.waiting += 1;
                        held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
                        held.waiting -= 1;
                        held
                    }
                };
                continue;
            };
            held.running += 1;
            drop(held);
            let step = round.steps[node];
            let left = |need: &usize| Some((round.steps[*need].id.as_str(), &**round.outcomes[*need].get()?));
            let needed: Needed<'_> = round.needs.of(node).iter().filter_map(left).collect();
            let ending = worker.perform(step, round.code[node], &needed);
            held = turn.lock().unwrap_or_else(PoisonError::into_inner);
            held.running -= 1;
            match ending.result {
                Ok(outcome) => {
                    // it passes once a round
                    let _ = round.outcomes[node].set(outcome);
                    held.scheduler.passed(node);
                }
                Err(failure) => {
                    let what = if failure.kind == FailureKind::Cancelled { "was interrupted" } else { "did not pass" };
                    for lost in held.scheduler.failed(node) {
                        self.finish(round.steps[lost], StepOutcome::Skipped, Some(format!("`{}` {what}", step.id)));
                    }
                    held.failures.push((step.id.clone(), failure));
                }
            }
            self.tell(changed, held.waiting);
        }
    }

    /// Wakes the threads that wait for something to do, if any do.
    fn tell(&self, changed: &Condvar, waiting: usize) {
        match &self.rehearsal {
            Some(rehearsal) => rehearsal.wake(),
            None if waiting > 0 => changed.notify_all(),
            None => {}
        }
    }

    /// How long the steps take, in milliseconds: as long as they took, else by their effort on each file of their sources,
    /// at the rate of those that are known.
    fn costs(&self, steps: &[&PlannedStep], worker: &Worker<'_>) -> Vec<u64> {
        if let Some(rehearsal) = &self.rehearsal {
            return steps.iter().map(|step| rehearsal.cost(&step.id)).collect();
        }
        let known: Vec<Option<u64>> = steps.iter().map(|step| worker.durations.get(&step.id)).collect();
        if known.iter().all(Option::is_some) {
            return known.into_iter().map(Option::unwrap_or_default).collect();
        }
        let efforts: Vec<u64> = steps.iter().map(|step| self.effort(step, worker)).collect();
        let measured = known.iter().zip(&efforts).filter_map(|(known, effort)| Some(((*known)?, *effort)));
        // nothing known: a millisecond a unit is as good as any other rate
        let (millis, units) = measured.fold((1, 1), |(all, units), (millis, effort)| (all + millis, units + effort));
        known.into_iter().zip(efforts).map(|(known, own)| known.unwrap_or(own * millis / units)).collect()
    }

    fn effort(&self, step: &PlannedStep, worker: &Worker<'_>) -> u64 {
        let effort = worker.code.get(&step.id).map_or(1, |code| code.effort());
        let tree =
            step.source.as_ref().filter(|_| step.inputs.source).and_then(|source| self.shared.trees.get(source).ok());
        (effort * tree.map_or(1, |tree| tree.files.len().max(1))) as u64
    }

    fn goes_on(&self, failures: &[(StepId, Failure)]) -> bool {
        // where somebody has yet to let one thing in, the others need not wait
        let failed = failures.iter().any(|(_, failure)| failure.kind != FailureKind::Waiting);
        !self.shared.cancel.is_cancelled() && (self.options.keep_going || !failed)
    }

    fn finish(&self, step: &PlannedStep, outcome: StepOutcome, reason: Option<String>) {
        let step = step.id.clone();
        self.bus.emit(Event::StepFinished {
            step,
            outcome,
            reason,
            ms: 0,
            cpu_ms: 0,
            commands_ms: 0,
            result: None,
            failure: None,
        });
    }

    fn state(&self, failures: &[(StepId, Failure)]) -> RunState {
        let unfinished = self.unfinished.load(Ordering::Relaxed) || !failures.is_empty();
        // a signal that comes when everything is done interrupts nothing
        if let Some(signal) = self.shared.cancel.signal().filter(|_| unfinished) {
            return RunState::Interrupted { signal };
        }
        let conclusion = self.shared.conclusion.lock().unwrap_or_else(PoisonError::into_inner).take();
        if !failures.is_empty() {
            // only deployments follow what is public
            let generation = match conclusion {
                Some(RunState::Promoted { generation }) => Some(Some(generation)),
                Some(RunState::Live { generation, .. }) => Some(generation),
                _ => None,
            };
            if failures.iter().all(|(_, failure)| failure.kind == FailureKind::Waiting) {
                let steps = failures.iter().map(|(step, _)| step.clone()).collect();
                return RunState::Waiting { generation: generation.flatten(), steps };
            }
            return generation.map_or(RunState::Failed, |generation| RunState::NotLive { generation });
        }
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

#[cfg(test)]
#[path = "repeating_tests.rs"]
mod repeating;
