//! `rerun`: repeats a recorded run here: the same commit, the same context, the same decisions.

use std::{collections::BTreeSet, path::PathBuf};

use clap::Args;

use super::{
    Error, Exit, Session,
    arguments::{Executing, Wanted},
    engine,
    replay::record,
    resume::{difference, jobs_of},
};
use crate::{
    event::{Event, Stamped},
    pipeline::Pipeline,
    plan::{Plan, Selection, StepId},
    run::{Options, RunDirectory},
    support::Written,
};

/// `rerun FILE`
#[derive(Debug, Args)]
pub(super) struct Rerun {
    /// The record of a build server's run: what `run --json` printed there; the id of a run of this state does too
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    executing: Executing,
}

impl Rerun {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let (_, events) = record(&session.place.state, &self.file)?;
        let recorded = Recorded::of(&events)?;
        let context = session.context(&recorded.wanted())?;
        recorded.same_commit(context.commit.as_deref())?;
        let lowered = session.plan(&context, &recorded.selection(&session.pipeline)?);
        recorded.same_plan(&lowered.plan)?;
        session.sources(&context, &lowered)?;
        session.place.make_state()?;
        let directory = RunDirectory::create(&session.place.state)?;
        let options = Options { rerun: recorded.executed, ..engine::options(&self.executing) };
        engine::execute(session, directory, &lowered, std::sync::Arc::new(context), &self.executing, options)
    }
}

/// What a record says of the decisions of its run.
#[derive(Debug)]
struct Recorded {
    run: String,
    plan: Written<Plan>,
    commit: Option<String>,
    /// Pure steps that were done, rather than found in the cache.
    executed: Vec<StepId>,
}

impl Recorded {
    /// Reads the decisions of the last plan that was executed.
    ///
    /// # Errors
    /// When the record does not begin with a run.
    fn of(events: &[Stamped]) -> Result<Self, Error> {
        let started = events.iter().rev().find_map(|stamped| match &stamped.event {
            Event::RunStarted { plan, commit, .. } => Some((stamped.run.clone(), plan.clone(), commit.clone())),
            _ => None,
        });
        let (run, plan, commit) = started
            .ok_or_else(|| Error::usage("the record does not say what its run planned: its beginning is missing"))?;
        let begun: BTreeSet<&StepId> = events
            .iter()
            .filter_map(|stamped| match &stamped.event {
                Event::StepStarted { step, .. } => Some(step),
                _ => None,
            })
            .collect();
        let pure = plan.steps.iter().filter(|step| step.effect.is_none() && begun.contains(&step.id));
        let executed = pure.map(|step| step.id.clone()).collect();
        Ok(Self { run, plan, commit, executed })
    }

    /// The context's choices.
    fn wanted(&self) -> Wanted {
        Wanted { branch: self.plan.context.branch.clone(), kind: Some(self.plan.context.kind) }
    }

    /// The jobs that the run was asked for: the plan has no others.
    ///
    /// # Errors
    /// When today's pipeline has not all of them.
    fn selection(&self, pipeline: &Pipeline) -> Result<Selection, Error> {
        let jobs = jobs_of(&self.plan, pipeline);
        let gone = self.plan.jobs().into_iter().filter(|planned| !jobs.iter().any(|job| job == planned));
        let gone: Vec<String> = gone.map(str::to_owned).collect();
        if gone.is_empty() && jobs.len() == pipeline.jobs.len() {
            return Ok(Selection::default());
        }
        let selection = Selection { jobs: [jobs, gone].concat(), downstream: false };
        match selection.check(pipeline) {
            Ok(()) => Ok(selection),
            Err(unknown) => {
                Err(Error::refused(format!("{unknown}, which run `{}` had", self.run)).hint(unknown.hint()))
            }
        }
    }

    /// Refuses another commit.
    fn same_commit(&self, here: Option<&str>) -> Result<(), Error> {
        match (self.commit.as_deref(), here) {
            (Some(then), Some(here)) if then != here => {
                let error =
                    Error::refused(format!("run `{}` was of commit {then:.12}, and this is {here:.12}", self.run));
                Err(error.hint(format!("check it out first: `git checkout {then}`")))
            }
            (Some(then), None) => {
                Err(Error::refused(format!("run `{}` was of commit {then:.12}, and there is none here", self.run)))
            }
            _ => Ok(()),
        }
    }

    /// Refuses another plan. Where the sources are may differ: they are on another machine.
    fn same_plan(&self, today: &Plan) -> Result<(), Error> {
        let difference = difference(&placeless(&self.plan), &placeless(today));
        if difference.is_empty() {
            return Ok(());
        }
        let message = format!("this pipeline plans something else than run `{}`: {}", self.run, difference.join("; "));
        Err(Error::refused(message).hint("is this the same checkout of `pipeline.rs`, and are the same Pythons here?"))
    }
}

/// A plan without the places of its sources.
fn placeless(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.steps.iter_mut().for_each(|step| step.source = None);
    plan
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::{
        context::{BuildKind, Redactor},
        event::{Sink, StepOutcome},
        pipeline::{Application, JobBuilder, Library, application, library},
        report::{self, Ndjson},
        testing,
    };

    /// A pipeline of some libraries and applications, which differs from seed to seed.
    fn generated(random: &mut fastrand::Rng) -> Pipeline {
        let count = random.usize(1..6);
        let checked = |library: Library, random: &mut fastrand::Rng| {
            let library = if random.bool() { library.flake8() } else { library };
            let library = if random.bool() { library.mypy() } else { library };
            let library = if random.bool() { library.pytest().coverage_ratchet() } else { library };
            if random.bool() { library.on(BuildKind::Master, |job| job.command("docs", ["true"])) } else { library }
        };
        let mut pipeline = Pipeline::new("generated").default_kind(BuildKind::Develop);
        for number in 0..count {
            let name = format!("lib{number}");
            let downstream: Vec<String> =
                (number + 1..count).filter(|_| random.bool()).map(|n| format!("lib{n}")).collect();
            let library = checked(library(&name).source(format!("libs/{name}")), random);
            let uploads = !downstream.is_empty() || random.bool();
            pipeline = pipeline.job(if uploads { library.upload().downstream(downstream) } else { library });
        }
        if random.bool() {
            let shop: Application = application("shop").source("apps/shop").integration_tests("tests");
            pipeline = pipeline.job(shop);
        }
        pipeline
    }

    fn planned(pipeline: &Pipeline, kind: BuildKind, selection: &Selection) -> Written<Plan> {
        let plan = testing::plan(pipeline.clone()).kind(kind).only(selection.jobs.clone());
        if selection.downstream { plan.with_downstream().plan() } else { plan.plan() }
    }

    /// What a run of the plan would record: some steps done, the others cached.
    fn recorded(plan: &Plan, root: &str, random: &mut fastrand::Rng) -> (Vec<Stamped>, Vec<StepId>) {
        let mut there = plan.clone();
        for step in &mut there.steps {
            step.source = step.source.as_ref().map(|_| root.into());
        }
        let mut events =
            vec![Event::RunStarted { plan: Written::new(there), resumed: false, commit: Some("0".repeat(40)) }];
        let mut executed = Vec::new();
        for step in plan.steps.iter().filter(|step| step.action == crate::plan::Action::Run) {
            let outcome = if random.bool() { StepOutcome::Passed } else { StepOutcome::Cached };
            if outcome == StepOutcome::Passed {
                events.push(Event::StepStarted { step: step.id.clone(), reason: "never ran before".to_owned() });
                executed.extend(step.effect.is_none().then(|| step.id.clone()));
            }
            let step = step.id.clone();
            events.push(Event::StepFinished {
                step,
                outcome,
                reason: None,
                ms: 1,
                cpu_ms: 1,
                commands_ms: 1,
                result: None,
                failure: None,
            });
        }
        let stamp = |event| Stamped { time: SystemTime::UNIX_EPOCH, run: "r1".to_owned(), event };
        (events.into_iter().map(stamp).collect(), executed)
    }

    #[test]
    fn a_thousand_generated_runs_are_repeated_decision_for_decision() {
        let seed = 20_261_123;
        let mut random = fastrand::Rng::with_seed(seed);
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("events.ndjson");
        for number in 0..1000 {
            let pipeline = generated(&mut random);
            let kind = BuildKind::ALL[random.usize(0..BuildKind::ALL.len())];
            let jobs = pipeline.jobs.iter().filter(|_| random.bool()).map(|job| job.name.clone()).collect();
            let selection = Selection { jobs, downstream: random.bool() };
            let there = planned(&pipeline, kind, &selection);
            let (events, executed) = recorded(&there, "/build/server", &mut random);
            std::fs::write(&file, "").expect("written");
            let mut ndjson = Ndjson::new(Redactor::default(), std::fs::File::create(&file).expect("made"));
            events.iter().for_each(|event| ndjson.event(event));
            drop(ndjson);

            let events = report::read(&file).expect("read");
            let recorded = Recorded::of(&events).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(recorded.wanted().kind, Some(kind));
            let selection = recorded.selection(&pipeline).unwrap_or_else(|error| panic!("{error}"));
            let same = recorded.same_plan(&planned(&pipeline, kind, &selection));
            assert!(same.is_ok(), "run {number} of seed {seed}: {same:?}");
            assert_eq!(recorded.executed, executed, "run {number} of seed {seed}");
        }
    }

    #[test]
    fn another_commit_is_refused_with_the_one_to_check_out() {
        let plan = testing::plan(Pipeline::new("p").job(library("money").flake8())).plan();
        let (events, _) = recorded(&plan, "/x", &mut fastrand::Rng::with_seed(1));
        let recorded = Recorded::of(&events).expect("a record");
        assert!(recorded.same_commit(Some(&"0".repeat(40))).is_ok());
        let error = recorded.same_commit(Some(&"1".repeat(40))).expect_err("another commit").to_string();
        assert!(error.contains("was of commit 000000000000, and this is 111111111111"), "{error}");
    }
}
