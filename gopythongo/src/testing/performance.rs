//! One run of a simulation: the executor of every run, on steps whose world is simulated.

use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroUsize,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use super::{simulated::Simulated, world::Act};
use crate::{
    context::{Context, Redactor},
    deploy::Environments,
    event::{Event, RunState, Sink, Stamped, StepOutcome},
    journal::{Journal, Record},
    plan::{Lowered, PlannedStep, StepId},
    run::{
        self, AnyStep, EffectClass, Failure, Options, RunDirectory, RunError, Services, Setting,
        process::{Cancel, Supervisor},
    },
};

/// How a run of a simulation ended.
#[derive(Debug, Default)]
pub(super) struct Performed {
    /// How; `None` if it was killed.
    pub(super) state: Option<RunState>,
    pub(super) failures: Vec<(StepId, Failure)>,
    /// What became of each step.
    pub(super) steps: BTreeMap<StepId, Became>,
    pub(super) run: String,
}

/// What became of a step.
#[derive(Debug, Clone, Default)]
pub(super) struct Became {
    /// `None` if it did not end.
    pub(super) outcome: Option<StepOutcome>,
    /// Why it ran, or why it did not.
    pub(super) reason: String,
}

/// Keeps what became of steps.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<BTreeMap<StepId, Became>>>);

impl Sink for Recorder {
    fn event(&mut self, event: &Stamped) {
        let (step, outcome, reason) = match &event.event {
            Event::StepStarted { step, reason } => (step, None, Some(reason)),
            Event::StepFinished { step, outcome, reason, .. } => (step, Some(*outcome), reason.as_ref()),
            _ => return,
        };
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let became = steps.entry(step.clone()).or_default();
        became.outcome = outcome;
        if let Some(reason) = reason {
            became.reason.clone_from(reason);
        }
    }
}

/// Performs a plan: a new run, or an earlier one that goes on. What becomes of the steps is only kept for a story.
///
/// # Errors
/// When the run's books cannot be kept, for another reason than that it was killed.
pub(super) fn perform(
    act: &Arc<Act>,
    lowered: &Lowered,
    context: &Arc<Context>,
    earlier: Option<&str>,
    threads: usize,
    is_story: bool,
) -> Result<Performed, RunError> {
    let state = act.world.state_directory();
    let directory = match earlier {
        Some(run) => RunDirectory::open(&state, Some(run))?,
        None => RunDirectory::create(&state)?,
    };
    let run = directory.id().to_owned();
    let journal = directory.path().join("journal.ndjson");
    let is_blind = |step: &&PlannedStep| step.effect == Some(EffectClass::Blind);
    let assume = match earlier {
        Some(_) if lowered.plan.steps.iter().any(|step| is_blind(&step)) => assumed(act, lowered, &journal),
        _ => BTreeMap::new(),
    };
    if let (None, Some(beginning)) = (earlier, act.rehearsal.beginning()) {
        // if it cannot be written, the executor writes it anew
        let _ = fs::write(&journal, beginning.line());
    }
    {
        let mut progress = act.progress();
        progress.journal = journal;
        progress.run.clone_from(&run);
    }
    let recorder = Recorder::default();
    let services = Services::new()
        .with(Arc::new(act.world.store.clone()))
        .with(Arc::new(Environments::simulated(act.world.hosts.clone())))
        .with(act.rehearsal.clone());
    let setting = Setting {
        directory,
        context: context.clone(),
        services,
        supervisor: supervisor(),
        cancel: Cancel::new(),
        redactor: Redactor::default(),
        sinks: if is_story { vec![Box::new(recorder.clone())] } else { Vec::new() },
    };
    let jobs = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
    // `Options::default()` asks the machine how many processors it has, which takes a while
    let (keep_going, no_cache, rerun) = (false, false, Vec::new());
    let options = Options { jobs, keep_going, no_cache, rerun, pause: Duration::ZERO, assume };
    let code = lowered.code.iter().map(|(id, step)| (id.clone(), simulated(step, act))).collect();
    let ended = run::execute(&Lowered { plan: lowered.plan.clone(), code }, &options, setting);
    let steps = recorder.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if act.progress().killed.is_some() {
        act.cut_journal();
        return Ok(Performed { steps, run, ..Performed::default() });
    }
    let ended = ended?;
    Ok(Performed { state: Some(ended.state), failures: ended.failures, steps, run })
}

fn simulated(step: &AnyStep, act: &Arc<Act>) -> AnyStep {
    Arc::new(Simulated { inner: step.clone(), act: act.clone() })
}

/// What somebody who looks would say of blind effects whose receipts are missing.
fn assumed(act: &Act, lowered: &Lowered, journal: &Path) -> BTreeMap<StepId, bool> {
    let mut begun = BTreeMap::new();
    for record in Journal::read(journal).unwrap_or_default() {
        match record {
            Record::Intent { step, .. } => _ = begun.insert(step, ()),
            Record::Receipt { step, .. } => _ = begun.remove(&step),
            _ => {}
        }
    }
    let progress = act.progress();
    let blind =
        |step: &StepId| lowered.plan.step(step).is_some_and(|planned| planned.effect == Some(EffectClass::Blind));
    begun.into_keys().filter(blind).map(|step| (step.clone(), progress.happened.contains(&step))).collect()
}

/// One for all simulations: it starts nothing.
fn supervisor() -> Arc<Supervisor> {
    static SUPERVISOR: OnceLock<Arc<Supervisor>> = OnceLock::new();
    SUPERVISOR.get_or_init(|| Arc::new(Supervisor::idle())).clone()
}
