//! `resume`: goes on with a run where it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use clap::Args;

use super::{
    Error, Exit, Session,
    arguments::{Executing, Wanted},
    engine,
    run::known,
};
use crate::{
    context::Context,
    journal::{Journal, Record},
    pipeline::{Job, Pipeline},
    plan::{Action, Lowered, Plan, PlannedStep, Selection},
    run::{Options, RunDirectory},
    support::{Written, words},
};

/// `resume [RUN]`
#[derive(Debug, Args)]
pub(super) struct Resume {
    /// The run; the latest one by default
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Decide whether an effect that left no trace happened: `--assume done STEP`, `--assume undone STEP`
    #[arg(long, num_args = 2, value_names = ["VERDICT", "STEP"])]
    assume: Vec<String>,
    /// Go on with what today's pipeline plans, if that is something else; what was done stays done
    #[arg(long)]
    replan: bool,
    #[command(flatten)]
    executing: Executing,
}

impl Resume {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let directory = RunDirectory::open(&session.place.state, self.run.as_deref())?;
        let mut earlier = Earlier::read(&directory)?;
        let mut lowered = earlier.lower(session, false)?;
        let difference = difference(&earlier.plan, &lowered.plan);
        if !difference.is_empty() && !self.replan {
            let difference = difference.join("; ");
            let error = Error::refused(format!(
                "the pipeline plans something else than run `{}`: {difference}",
                directory.id()
            ));
            return Err(
                error.hint("`resume --replan` goes on with that; a new run takes from the cache what is as it was")
            );
        }
        let today = earlier.same_sources(session, directory.id())?;
        if !difference.is_empty() {
            // jobs that are new are not in the stored context
            earlier.context = Arc::new(today);
            lowered = earlier.lower(session, false)?;
        }
        let assume = verdicts(&self.assume)?;
        for step in assume.keys() {
            known(&lowered.plan, step)?;
        }
        let options = Options { assume, ..engine::options(&self.executing) };
        engine::execute(session, directory, &lowered, earlier.context, &self.executing, options)
    }
}

/// What the journal of a run says of its plan.
pub(super) struct Earlier {
    pub(super) plan: Written<Plan>,
    pub(super) context: Arc<Context>,
}

impl Earlier {
    /// Reads what a run planned last.
    ///
    /// # Errors
    /// When its journal cannot be read, or the run never began.
    pub(super) fn read(directory: &RunDirectory) -> Result<Self, Error> {
        let records = Journal::read(&directory.path().join("journal.ndjson"))?;
        let started = records.into_iter().rev().find_map(|record| match record {
            Record::Started { plan, context, .. } => Some(Self { plan, context }),
            _ => None,
        });
        started.ok_or_else(|| {
            Error::refused(format!("run `{}` ended before it began a step", directory.id())).hint("start a new run")
        })
    }

    /// Plans the stored context with today's pipeline: the same jobs as far as there are still such, and what is downstream
    /// of them if that is wanted.
    ///
    /// # Errors
    /// When the pipeline lacks a job of the run.
    pub(super) fn lower(&self, session: &Session, downstream: bool) -> Result<Lowered, Error> {
        let jobs = jobs_of(&self.plan, &session.pipeline);
        let all = session.pipeline.jobs.iter().all(|job| jobs.contains(&job.name));
        let selection = if all { Selection::default() } else { session.selection(&jobs, downstream)? };
        Ok(session.plan(&self.context, &selection))
    }

    /// Refuses to go on with sources that are not those that the run began with; gives today's context.
    ///
    /// # Errors
    /// When a job's version or description changed.
    pub(super) fn same_sources(&self, session: &Session, run: &str) -> Result<Context, Error> {
        let wanted = Wanted { branch: self.context.branch.clone(), kind: Some(self.context.kind) };
        let today = session.context(&wanted)?;
        let goes_on = |job: &str| session.pipeline.jobs.iter().any(|known| known.name == job);
        let planned = |job: &&String| goes_on(job) && self.plan.steps.iter().any(|step| step.job == **job);
        let changed: Vec<&String> = self
            .context
            .jobs
            .iter()
            .filter(|(job, then)| today.jobs.get(*job) != Some(*then))
            .map(|(job, _)| job)
            .filter(planned)
            .collect();
        if changed.is_empty() {
            return Ok(today);
        }
        let error = Error::refused(format!("{} changed since run `{run}` began", words::list(&changed)));
        Err(error.hint("start a new run: what has not changed comes from the cache"))
    }
}

/// The jobs of today's pipeline that a plan was made of. One that declares no step is in no plan: it was, unless it was left out.
pub(super) fn jobs_of(plan: &Plan, pipeline: &Pipeline) -> Vec<String> {
    let planned: BTreeSet<&str> = plan.steps.iter().map(|step| step.job.as_str()).collect();
    let was_there = |job: &&Job| {
        planned.contains(job.name.as_str()) || (job.steps.is_empty() && !plan.left_out.contains(&job.name))
    };
    pipeline.jobs.iter().filter(was_there).map(|job| job.name.clone()).collect()
}

/// What today's program plans otherwise, in clauses.
pub(super) fn difference(then: &Plan, today: &Plan) -> Vec<String> {
    let names = |steps: Vec<&PlannedStep>| {
        let names: Vec<String> = steps.into_iter().map(|step| format!("`{}`", step.id)).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        (!names.is_empty()).then(|| format!("{} {verb}", words::list(&names)))
    };
    let gone = names(then.steps.iter().filter(|step| today.step(&step.id).is_none()).collect());
    let new = names(today.steps.iter().filter(|step| then.step(&step.id).is_none()).collect());
    let both = then.steps.iter().filter_map(|step| Some((step, today.step(&step.id)?)));
    let changed: Vec<String> =
        both.filter(|(then, today)| then != today).map(|(then, today)| changed(then, today)).collect();
    let gone = gone.map(|names| format!("{names} gone"));
    let mut clauses: Vec<String> =
        gone.into_iter().chain(new.map(|names| format!("{names} new"))).chain(changed).collect();
    if clauses.is_empty() && then != today {
        clauses.push("the order of its steps, or what it leaves out".to_owned());
    }
    clauses
}

/// `money/pytest` has other options.
fn changed(then: &PlannedStep, today: &PlannedStep) -> String {
    let id = &then.id;
    match (then.action, today.action) {
        (Action::Run, Action::Skip) => return format!("`{id}` is skipped: {}", today.reason),
        (Action::Skip, Action::Run) => return format!("`{id}` runs {}", today.reason),
        _ => {}
    }
    let what = [
        (then.version != today.version, "another version"),
        (then.options != today.options, "other options"),
        (then.effect != today.effect, "another class of effect"),
        (then.inputs != today.inputs || then.outputs != today.outputs, "other inputs or outputs"),
        (then.needs != today.needs, "other needs"),
        (then.timeout != today.timeout, "another timeout"),
        (then.manner != today.manner, "another weight, or another manner of being run"),
        (then.reason != today.reason, "another reason"),
    ];
    let what: Vec<&str> = what.into_iter().filter_map(|(differs, what)| differs.then_some(what)).collect();
    let what = if what.is_empty() { "another source".to_owned() } else { words::list(&what) };
    format!("`{id}` has {what}")
}

/// Pairs of `done` or `undone` and a step.
fn verdicts(words: &[String]) -> Result<BTreeMap<String, bool>, Error> {
    words
        .chunks(2)
        .map(|pair| match pair {
            [verdict, step] if verdict == "done" => Ok((step.clone(), true)),
            [verdict, step] if verdict == "undone" => Ok((step.clone(), false)),
            _ => Err(Error::usage(format!("`--assume {}`: `done STEP` or `undone STEP` is expected", pair.join(" ")))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pipeline::{JobBuilder, Library, Pipeline, library},
        python::Flake8,
        testing,
    };

    #[track_caller]
    fn check(then: Library, today: Library, expect: &[&str]) {
        let plan = |job| testing::plan(Pipeline::new("p").job(job)).plan();
        assert_eq!(difference(&plan(then), &plan(today)), expect);
    }

    #[test]
    fn a_difference_is_told_step_by_step() {
        let money = || library("money").flake8();
        check(money(), money(), &[]);
        check(money(), money().ruff(), &["`money/ruff` is new"]);
        check(money().mypy(), money(), &["`money/sdist`, `money/wheel`, `money/resolve` and `money/mypy` are gone"]);
        check(money(), library("money").step(Flake8::new().ignore(["E501"])), &["`money/flake8` has other options"]);
        check(
            money(),
            library("money").on(crate::context::BuildKind::Master, |job| job.flake8()),
            &["`money/flake8` is skipped: not on develop builds, only on master ones"],
        );
    }
}
