//! What would become of a step if the plan were executed now: the walk of the runner, without doing or writing anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
};

use super::{
    Outcome, RunError, Services,
    copies::Copies,
    machine::machine,
    process::{Cancel, Supervisor},
    pure::key_of,
    trees::Trees,
    work::Shared,
};
use crate::{
    cache::{Cache, Lookup, Manifests},
    context::{Context, Redactor, Repositories},
    plan::{Action, Lowered, PlannedStep, StepId},
    shared::SharedState,
};

/// No run has this id.
const NO_RUN: &str = "none";

/// What would become of a step now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreseen {
    /// It would be taken from the cache: it passed in a run.
    Cached(String),
    /// It would run: the first input that differs.
    Runs(String),
    /// It would run, or not, when this step has run: that would run, and what it leaves is not known.
    After(StepId),
    /// An effect: what it is about is looked at when its turn comes.
    Probed,
    /// It cannot be told, and why.
    Unknown(String),
}

/// What would become of a step, and of every one before it that would run, in the order of the plan; the step is the last.
///
/// # Errors
/// When commands could not be supervised on this machine: the runner would not start either.
pub fn foresee(
    lowered: &Lowered,
    id: &str,
    context: Arc<Context>,
    services: Services,
    state: &Path,
) -> Result<Vec<(StepId, Foreseen)>, RunError> {
    let directory = state.join("cache");
    let manifests = Manifests::default();
    let cache = Cache::read_only(&directory).with(&manifests).shared(services.get::<SharedState>());
    let supervisor =
        Supervisor::start().map_err(|error| RunError::io("cannot supervise processes in", state, &error))?;
    let repositories = services.get::<Repositories>().map(|asked| (*asked).clone()).unwrap_or_default();
    let shared = Shared {
        run: NO_RUN.to_owned(),
        trees: Arc::new(Trees::new(&directory, &context, &manifests, repositories)),
        context,
        services,
        supervisor: Arc::new(supervisor),
        redactor: Redactor::default(),
        cancel: Cancel::new(),
        machine: machine(),
        blobs: cache.blobs().to_owned(),
        copies: Copies::new(directory.join("copies")),
        conclusion: Mutex::default(),
    };
    let wanted = closure(lowered, id);
    let mut outcomes: BTreeMap<StepId, Outcome> = BTreeMap::new();
    let mut seen: BTreeMap<StepId, Foreseen> = BTreeMap::new();
    for step in lowered.plan.steps.iter().filter(|step| wanted.contains(&step.id)) {
        let (foreseen, outcome) = step_now(lowered, step, &shared, &cache, &seen, &outcomes);
        outcomes.extend(outcome.map(|outcome| (step.id.clone(), outcome)));
        seen.insert(step.id.clone(), foreseen);
    }
    let told = |(step, foreseen): &(StepId, Foreseen)| {
        step == id || matches!(foreseen, Foreseen::Runs(_) | Foreseen::Unknown(_))
    };
    let order = lowered.plan.steps.iter().filter_map(|step| Some((step.id.clone(), seen.remove(&step.id)?)));
    Ok(order.filter(told).collect())
}

fn step_now(
    lowered: &Lowered,
    step: &PlannedStep,
    shared: &Shared,
    cache: &Cache,
    seen: &BTreeMap<StepId, Foreseen>,
    outcomes: &BTreeMap<StepId, Outcome>,
) -> (Foreseen, Option<Outcome>) {
    let before = step.needs.iter().find_map(|need| match seen.get(need)? {
        Foreseen::Runs(_) | Foreseen::Unknown(_) => Some(need.clone()),
        Foreseen::After(first) => Some(first.clone()),
        Foreseen::Cached(_) | Foreseen::Probed => None,
    });
    if let Some(before) = before {
        return (Foreseen::After(before), None);
    }
    if step.effect.is_some() {
        return (Foreseen::Probed, None);
    }
    if step.manner.volatile {
        return (Foreseen::Runs("it is volatile".to_owned()), None);
    }
    let Some(code) = lowered.code.get(&step.id) else {
        return (Foreseen::Unknown("today's pipeline has no such step".to_owned()), None);
    };
    let needed = step.needs.iter().filter_map(|need| Some((need.as_str(), outcomes.get(need)?))).collect();
    match key_of(code, shared, step, &needed) {
        Err(failure) => (Foreseen::Unknown(failure.message), None),
        Ok(parts) => match cache.peek(&step.id, &parts, NO_RUN) {
            Lookup::Hit { outcome, run } => (Foreseen::Cached(run), Some(outcome)),
            Lookup::Miss { reason } => (Foreseen::Runs(reason), None),
        },
    }
}

/// A step and all that it needs, directly or not, of what would run.
fn closure(lowered: &Lowered, id: &str) -> BTreeSet<StepId> {
    let mut wanted = BTreeSet::from([id.to_owned()]);
    for step in lowered.plan.steps.iter().rev() {
        if step.action == Action::Run && wanted.contains(&step.id) {
            wanted.extend(step.needs.iter().cloned());
        }
    }
    wanted
}
