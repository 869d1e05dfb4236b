//! A pipeline in a simulated world, and claims about what becomes of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use super::{
    PlanTest,
    performance::{Became, Performed, perform},
    plan,
    schedule::Mishap,
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
    support::words,
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
    state: PathBuf,
    progress: Progress,
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
    let world = World::new().and_then(|world| Ok((world.state_directory("state")?, world)));
    let (state, world) = world.unwrap_or_else(|error| panic!("cannot make a simulated world: {error}"));
    let jobs = &test.pipeline.jobs;
    let upstream = jobs.iter().map(|job| (job.name.clone(), upstream(&test.pipeline, &job.name))).collect();
    Simulation {
        test,
        world: Arc::new(world),
        upstream: Arc::new(upstream),
        claims: Vec::new(),
        fails: BTreeSet::new(),
        faults: BTreeMap::new(),
        state,
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

    /// Runs it.
    ///
    /// # Panics
    /// When something does not hold that always must: what is promoted passed everything, no set is mixed, what is live was
    /// promoted, the journal tells of no effect that did not happen.
    #[track_caller]
    pub fn run(mut self) -> Self {
        self.progress = Progress::default();
        self.progress.generation = self.world.store.current().map(|current| current.number).unwrap_or_default();
        self.perform(None)
    }

    /// Goes on with the latest run, as `resume` does; nothing fails any more that is not told to again.
    ///
    /// # Panics
    /// As [`run`](Self::run) does, and when nothing has run yet.
    #[track_caller]
    pub fn resume(self) -> Self {
        let run = self.last().run.clone();
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
        let act = Arc::new(self.act(&lowered, &context, progress, None));
        let performed = perform(&act, &lowered, &context, &self.state, earlier.ok_or(&[]), 1);
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

    pub(super) fn act(&self, lowered: &Arc<Lowered>, context: &Context, progress: Progress, seed: Option<u64>) -> Act {
        Act {
            world: self.world.clone(),
            upstream: self.upstream.clone(),
            lowered: lowered.clone(),
            channel: context.channel.clone(),
            rehearsal: Arc::new(Rehearsal::new(seed)),
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
    fn last(&self) -> &Performed {
        self.last.as_ref().unwrap_or_else(|| panic!("nothing has run yet: `.run()`"))
    }

    fn seen(&self) -> (String, String) {
        (self.test.context().channel, self.last.as_ref().map(|last| last.run.clone()).unwrap_or_default())
    }

    /// What is in the world now.
    fn with_seen<R>(&self, ask: impl FnOnce(&Seen<'_>) -> R) -> R {
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

    /// Claims that a step passed in the latest run, or was found done.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn passes(self, step: &str) -> Self {
        self.claim_outcome(step, &[StepOutcome::Passed, StepOutcome::Cached], "passed")
    }

    /// Claims that a step was found done in the latest run, and was not done again.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn finds_done(self, step: &str) -> Self {
        self.claim_outcome(step, &[StepOutcome::Cached], "was found done")
    }

    /// Claims that a step was done in the latest run, and not found done.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn does(self, step: &str) -> Self {
        self.claim_outcome(step, &[StepOutcome::Passed], "was done")
    }

    /// Claims that a step failed in the latest run.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn has_failed(self, step: &str) -> Self {
        self.claim_outcome(step, &[StepOutcome::Failed], "failed")
    }

    /// Claims that a step of the plan was not begun in the latest run.
    ///
    /// # Panics
    /// When it was.
    #[track_caller]
    pub fn does_not_begin(self, step: &str) -> Self {
        self.test.find_step(step);
        let began = self.progress.began.iter().any(|began| began == step);
        assert!(!began, "`{step}` began\n\n{}", self.story());
        self
    }

    /// Claims why a step ran in the latest run, or why it did not: some of the words of the reason.
    /// `.because("catalog/tox", "money")` claims that it names `money`.
    ///
    /// # Panics
    /// When these words are no part of the reason.
    #[track_caller]
    pub fn because(self, step: &str, words: &str) -> Self {
        self.test.find_step(step);
        let reason = self.last().steps.get(step).map(|became| became.reason.as_str()).unwrap_or_default();
        assert!(reason.contains(words), "the reason of `{step}` is `{reason}`\n\n{}", self.story());
        self
    }

    #[track_caller]
    fn claim_outcome(self, step: &str, wanted: &[StepOutcome], verb: &str) -> Self {
        self.test.find_step(step);
        let found = self.last().steps.get(step).and_then(|became| became.outcome);
        assert!(found.is_some_and(|found| wanted.contains(&found)), "not so: `{step}` {verb}\n\n{}", self.story());
        self
    }

    /// Claims that nothing was promoted in the latest run.
    ///
    /// # Panics
    /// When something was.
    #[track_caller]
    pub fn promotes_nothing(self) -> Self {
        let run = self.last().run.clone();
        let promoted = self.world.store.promoted(&run).ok().flatten();
        assert!(promoted.is_none(), "a set was promoted\n\n{}", self.story());
        self
    }

    /// Claims that the latest run promoted these packages, and no others.
    ///
    /// # Panics
    /// When it promoted other ones.
    #[track_caller]
    pub fn promotes<P: Into<String>>(self, packages: impl IntoIterator<Item = P>) -> Self {
        let run = self.last().run.clone();
        let promoted = self.world.store.promoted(&run).ok().flatten();
        let found: BTreeSet<String> = promoted.into_iter().flat_map(|promotion| promotion.set.into_keys()).collect();
        let wanted: BTreeSet<String> = packages.into_iter().map(Into::into).collect();
        let named = |names: &BTreeSet<String>| match names.len() {
            0 => "nothing".to_owned(),
            _ => words::list(&names.iter().collect::<Vec<_>>()),
        };
        assert!(found == wanted, "{} was promoted, not {}\n\n{}", named(&found), named(&wanted), self.story());
        self
    }

    /// Claims that the latest run has staged a package: a wheel, or a Debian package.
    ///
    /// # Panics
    /// When it has not.
    #[track_caller]
    pub fn stages(self, package: &str) -> Self {
        let staged = self.with_seen(|seen| seen.staged(package));
        assert!(staged.is_some(), "`{package}` is not staged\n\n{}", self.story());
        self
    }

    /// Claims which version of a package the channel shows.
    ///
    /// # Panics
    /// When it shows another one, or none.
    #[track_caller]
    pub fn shows(self, package: &str, version: &str) -> Self {
        let found = self.with_seen(|seen| seen.promoted(package));
        let shown = found.clone().unwrap_or_else(|| "none".to_owned());
        assert!(found.as_deref() == Some(version), "the channel shows {shown} of `{package}`\n\n{}", self.story());
        self
    }

    /// Claims which version of an application serves in an environment.
    ///
    /// # Panics
    /// When another one does, or none.
    #[track_caller]
    pub fn is_live(self, application: &str, environment: &str, version: &str) -> Self {
        let found = self.with_seen(|seen| seen.live(application, environment));
        let shown = found.clone().unwrap_or_else(|| "nothing".to_owned());
        assert!(found.as_deref() == Some(version), "{shown} is live in `{environment}`\n\n{}", self.story());
        self
    }

    /// Claims that no version of an application serves in an environment.
    ///
    /// # Panics
    /// When one does.
    #[track_caller]
    pub fn is_not_live(self, application: &str, environment: &str) -> Self {
        let found = self.with_seen(|seen| seen.live(application, environment));
        assert!(found.is_none(), "{} is live in `{environment}`\n\n{}", found.unwrap_or_default(), self.story());
        self
    }

    /// Claims something of the world as it is now: `.holds(|seen| seen.promotions() == 1)`.
    ///
    /// # Panics
    /// When it does not hold.
    #[track_caller]
    pub fn holds(self, claim: impl FnOnce(&Seen<'_>) -> bool) -> Self {
        let holds = self.with_seen(claim);
        assert!(holds, "the claim does not hold\n\n{}", self.story());
        self
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
        RunState::Staged { .. } => "staged",
        RunState::Failed => "failed",
        RunState::Interrupted { .. } => "interrupted",
    }
}
