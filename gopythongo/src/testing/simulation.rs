//! A pipeline in a simulated world, and claims about what becomes of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use super::{
    PlanTest,
    performance::{Became, Performed, perform},
    plan,
    schedule::{Mishap, Schedule, THREADS},
    seen::Seen,
    world::{Act, Claim, Progress, World},
};
use crate::{
    context::{BuildKind, Context},
    event::{RunState, StepOutcome},
    pipeline::{Job, Pipeline},
    plan::{self as plans, Lowered},
    python::name::normalize,
    run::Rehearsal,
};

/// A pipeline that runs in a world of its own: an index, an apt repository and hosts in memory, and commands that leave what
/// real ones would. What plans, executes, journals, probes and resumes is what does so in every run.
///
/// What is scripted ([`fails`](Self::fails), [`coverage`](Self::coverage) …) holds for the next [`run`](Self::run); claims
/// are about the latest. A claim that does not hold panics with what became of each step; each gives the simulation back.
#[derive(Debug)]
pub struct Simulation {
    pub(super) test: PlanTest,
    pub(super) world: Arc<World>,
    pub(super) claims: Vec<Claim>,
    /// The packages upstream of each job.
    upstream: Arc<BTreeMap<String, Vec<String>>>,
    fails: BTreeSet<String>,
    faults: BTreeMap<String, Mishap>,
    /// The order of steps, and how often the latest run was resumed.
    order: Schedule,
    resumed: usize,
    pub(super) progress: Progress,
    last: Option<Performed>,
}

/// Simulates a pipeline, in a world where nothing was ever built. The build is one of the pipeline's default kind, else of
/// develop, until [`on_branch`](Simulation::on_branch) or [`kind`](Simulation::kind) says otherwise.
///
/// # Panics
/// When there is no room for the files of the simulation, which are few.
#[must_use = "nothing has run yet: `.run()`"]
pub fn simulate(pipeline: Pipeline) -> Simulation {
    plan(pipeline).simulate()
}

impl PlanTest {
    /// Simulates the build that is planned: [`simulate`] of a tag, a pull request, or some jobs.
    ///
    /// # Panics
    /// When there is no room for the files of the simulation, which are few.
    #[must_use = "nothing has run yet: `.run()`"]
    pub fn simulate(self) -> Simulation {
        simulation(self)
    }
}

fn simulation(test: PlanTest) -> Simulation {
    let world = World::new().unwrap_or_else(|error| panic!("cannot make a simulated world: {error}"));
    let jobs = &test.pipeline.jobs;
    let upstream = jobs.iter().map(|job| (job.name.clone(), upstream(&test.pipeline, &job.name))).collect();
    Simulation {
        test,
        world: Arc::new(world),
        upstream: Arc::new(upstream),
        claims: Vec::new(),
        fails: BTreeSet::new(),
        faults: BTreeMap::new(),
        order: Schedule::default(),
        resumed: 0,
        progress: Progress::default(),
        last: None,
    }
}

impl Simulation {
    /// Builds a branch; its name gives the kind.
    #[must_use = "nothing has run yet: `.run()`"]
    pub fn on_branch(mut self, branch: &str) -> Self {
        self.test = self.test.on_branch(branch);
        self
    }

    /// Builds a branch of a kind.
    #[must_use = "nothing has run yet: `.run()`"]
    pub fn kind(mut self, kind: BuildKind) -> Self {
        self.test = self.test.kind(kind);
        self
    }

    /// Runs these jobs alone, as `run JOB…` does.
    #[must_use = "nothing has run yet: `.run()`"]
    pub fn only<J: Into<String>>(mut self, jobs: impl IntoIterator<Item = J>) -> Self {
        self.test = self.test.only(jobs);
        self
    }

    /// Runs the jobs downstream of those of [`only`](Self::only), too.
    #[must_use = "nothing has run yet: `.run()`"]
    pub fn with_downstream(mut self) -> Self {
        self.test = self.test.with_downstream();
        self
    }

    /// Somebody changes a job's source.
    #[must_use = "nothing has run yet: `.run()`"]
    pub fn changes(self, job: &str) -> Self {
        *self.world.state().revisions.entry(job.to_owned()).or_insert(1) += 1;
        self
    }

    /// A step fails in the next run: `.fails("catalog/pytest")`.
    #[must_use = "nothing has run yet: `.run()`"]
    #[track_caller]
    pub fn fails(mut self, step: &str) -> Self {
        self.test.find_step(step);
        self.fails.insert(step.to_owned());
        self
    }

    /// The suites of a job cover so many percent of it, from now on; 95 by default.
    #[must_use = "nothing has run yet: `.run()`"]
    pub fn coverage(self, job: &str, percent: f64) -> Self {
        self.world.state().coverage.insert(job.to_owned(), percent);
        self
    }

    /// An effect happens, and its server's answer is lost: `.loses_answer("promote")`.
    #[must_use = "nothing has run yet: `.run()`"]
    #[track_caller]
    pub fn loses_answer(self, step: &str) -> Self {
        self.with_fault(step, Mishap::LosesAnswer)
    }

    /// The program is killed when an effect has happened, and nobody has written that down.
    #[must_use = "nothing has run yet: `.run()`"]
    #[track_caller]
    pub fn dies_after(self, step: &str) -> Self {
        self.with_fault(step, Mishap::DiesAfter)
    }

    /// The program is killed when it has written down what it is about to do, and has not done it.
    #[must_use = "nothing has run yet: `.run()`"]
    #[track_caller]
    pub fn dies_before(self, step: &str) -> Self {
        self.with_fault(step, Mishap::DiesBefore)
    }

    #[track_caller]
    fn with_fault(mut self, step: &str, fault: Mishap) -> Self {
        self.test.find_effect(step);
        self.faults.insert(step.to_owned(), fault);
        self
    }

    /// Claims something of every moment of every run from now on, besides what always holds:
    /// `.always("one promotion at most", |seen| seen.promotions() < 2)`. It is looked at after each effect.
    #[must_use = "nothing has run yet: `.run()`"]
    pub fn always(mut self, claim: &str, holds: impl Fn(&Seen<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.claims.push(Claim { name: claim.to_owned(), holds: Arc::new(holds) });
        self
    }

    /// From now on, steps come in another order, three under way at once: the one of this seed, which
    /// [`exhaustive`](Self::exhaustive) tells of a schedule that does harm.
    #[must_use = "nothing has run yet: `.run()`"]
    pub fn interleaved(mut self, seed: u64) -> Self {
        self.order.seed = Some(seed);
        self
    }

    /// Somebody approves what waits in an environment: these bytes may serve there. [`resume`](Self::resume), or another run,
    /// makes them live.
    ///
    /// # Panics
    /// When nothing waits there.
    #[must_use = "what is approved goes live in the next run: `.resume()`"]
    #[track_caller]
    pub fn approves(self, environment: &str) -> Self {
        let places: Vec<(String, String)> = self.world.hosts.kept().into_keys().collect();
        let here = places.iter().filter(|(place, _)| place == environment);
        let approved = here.filter(|(environment, application)| self.world.approve(environment, application)).count();
        assert!(approved > 0, "nothing waits for approval in `{environment}`\n\n{}", self.story());
        self
    }

    /// Runs it.
    ///
    /// # Panics
    /// When something does not hold that always must: what is promoted passed everything, no set is mixed, what is live was
    /// promoted, and approved where somebody has to, the journal tells of no effect that did not happen.
    #[track_caller]
    pub fn run(mut self) -> Self {
        (self.progress, self.resumed) = (Progress::default(), 0);
        self.progress.generation = self.world.store.current().map(|current| current.number).unwrap_or_default();
        self.perform(None)
    }

    /// Goes on with the latest run, as `resume` does; nothing fails any more that is not told to again.
    ///
    /// # Panics
    /// As [`run`](Self::run) does, and when nothing has run yet.
    #[track_caller]
    pub fn resume(mut self) -> Self {
        let run = self.last().run.clone();
        self.resumed += 1;
        self.perform(Some(&run))
    }

    #[track_caller]
    fn perform(mut self, earlier: Option<&str>) -> Self {
        let (lowered, context) = self.lowered();
        let progress = Progress {
            fails: std::mem::take(&mut self.fails),
            faults: std::mem::take(&mut self.faults),
            ..std::mem::take(&mut self.progress).afterwards()
        };
        let seed = self.order.seed_of(self.resumed);
        let threads = if seed.is_some() { THREADS } else { 1 };
        let rehearsal = Rehearsal::new(seed, self.world.cache.clone(), None);
        let act = Arc::new(self.act(&lowered, &context, progress, rehearsal));
        let performed = perform(&act, &lowered, &context, earlier, threads, true);
        let performed = performed.unwrap_or_else(|error| panic!("the simulated run cannot be kept: {error}"));
        let receipts = act.false_receipts();
        let mut progress = std::mem::take(&mut *act.progress());
        progress.broken.extend(receipts);
        progress.broken.extend(performed.state.iter().flat_map(|state| act.undone(state)));
        let broken = progress.broken.join("\n");
        self.progress = progress;
        self.last = Some(performed);
        assert!(broken.is_empty(), "{broken}\n\n{}", self.story());
        self
    }

    pub(super) fn act(
        &self,
        lowered: &Arc<Lowered>,
        context: &Context,
        progress: Progress,
        rehearsal: Rehearsal,
    ) -> Act {
        Act {
            world: self.world.clone(),
            upstream: self.upstream.clone(),
            lowered: lowered.clone(),
            channel: context.channel.clone(),
            rehearsal: Arc::new(rehearsal),
            claims: self.claims.clone(),
            progress: Mutex::new(progress),
        }
    }

    #[track_caller]
    pub(super) fn lowered(&self) -> (Arc<Lowered>, Arc<Context>) {
        // a pipeline with mistakes is not simulated
        let _ = self.test.plan();
        let context = self.test.context();
        (Arc::new(plans::lower(&self.test.pipeline, &context, &self.test.selection)), Arc::new(context))
    }

    #[track_caller]
    pub(super) fn last(&self) -> &Performed {
        self.last.as_ref().unwrap_or_else(|| panic!("nothing has run yet: `.run()`"))
    }

    fn seen(&self) -> (String, String) {
        (self.test.context().channel, self.last.as_ref().map(|last| last.run.clone()).unwrap_or_default())
    }

    /// What is in the world now.
    pub(super) fn with_seen<R>(&self, ask: impl FnOnce(&Seen<'_>) -> R) -> R {
        let (channel, run) = self.seen();
        ask(&Seen { world: &self.world, channel: &channel, run: &run })
    }

    /// What became of each step of the latest run, a line each, in the order of the plan.
    #[must_use]
    pub fn story(&self) -> String {
        let Some(last) = &self.last else { return "nothing has run yet".to_owned() };
        let mut lines = Vec::new();
        for step in &self.lowered().0.plan.steps {
            let id = &step.id;
            let Some(Became { outcome: Some(outcome), reason }) = last.steps.get(id) else {
                lines.push(format!("{id}: did not end"));
                continue;
            };
            let failure = last.failures.iter().find(|(failed, _)| failed == id);
            let why = failure.map_or(reason, |(_, failure)| &failure.message);
            lines.push(format!("{id}: {}: {why}", word(*outcome)));
        }
        let end = match &last.state {
            None => "the program was killed".to_owned(),
            Some(state) => format!("the run ended {}", end(state)),
        };
        format!("{}\n{end}", lines.join("\n"))
    }
}

/// The names of the packages that are built upstream of a job, near or far.
fn upstream(pipeline: &Pipeline, job: &str) -> Vec<String> {
    let is_above = |other: &Job, name: &str| other.downstream.iter().any(|mention| mention.name == *name);
    let (mut names, mut queue) = (Vec::new(), vec![job.to_owned()]);
    while let Some(name) = queue.pop() {
        for other in pipeline.jobs.iter().filter(|other| is_above(other, &name)) {
            let package = normalize(&other.name);
            if !names.contains(&package) {
                names.push(package);
                queue.push(other.name.clone());
            }
        }
    }
    names.sort();
    names
}

fn word(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Passed => "passed",
        StepOutcome::Cached => "found done",
        StepOutcome::Failed => "failed",
        StepOutcome::Skipped => "skipped",
        StepOutcome::Cancelled => "cancelled",
    }
}

/// How a run ended, in a word or two.
pub(super) fn end(state: &RunState) -> &'static str {
    match state {
        RunState::Checked => "checked",
        RunState::Promoted { .. } => "promoted",
        RunState::Live { .. } => "live",
        RunState::NotLive { .. } => "promoted, not live",
        RunState::Waiting { .. } => "promoted, waiting for approval",
        RunState::Staged { .. } => "staged",
        RunState::Failed => "failed",
        RunState::Interrupted { .. } => "interrupted",
    }
}
