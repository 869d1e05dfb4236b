//! `resume`: goes on with a run where it was.

use std::collections::BTreeMap;

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
    plan::{Lowered, Plan, Selection},
    run::{Options, RunDirectory},
    support::words,
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
    #[command(flatten)]
    executing: Executing,
}

impl Resume {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let directory = RunDirectory::open(&session.place.state, self.run.as_deref())?;
        let earlier = Earlier::read(&directory)?;
        let lowered = earlier.lower(session, false)?;
        same_plan(&earlier.plan, &lowered.plan, directory.id())?;
        let assume = verdicts(&self.assume)?;
        for step in assume.keys() {
            known(&lowered.plan, step)?;
        }
        earlier.same_sources(session, directory.id())?;
        let options = Options { assume, ..engine::options(&self.executing) };
        engine::execute(session, directory, &lowered, earlier.context, &self.executing, options)
    }
}

/// What the journal of a run says of its beginning.
pub(super) struct Earlier {
    pub(super) plan: Plan,
    pub(super) context: Context,
}

impl Earlier {
    /// Reads the beginning of a run.
    ///
    /// # Errors
    /// When its journal cannot be read, or the run never began.
    pub(super) fn read(directory: &RunDirectory) -> Result<Self, Error> {
        let records = Journal::read(&directory.path().join("journal.ndjson"))?;
        let started = records.into_iter().find_map(|record| match record {
            Record::Started { plan, context, .. } => Some(Self { plan: *plan, context: *context }),
            _ => None,
        });
        started.ok_or_else(|| {
            Error::refused(format!("run `{}` ended before it began a step", directory.id())).hint("start a new run")
        })
    }

    /// Plans the stored context with today's pipeline: the same jobs, and what is downstream of them if that is wanted.
    ///
    /// # Errors
    /// When the pipeline lacks a job of the run.
    pub(super) fn lower(&self, session: &Session, downstream: bool) -> Result<Lowered, Error> {
        let mut jobs: Vec<String> = self.plan.steps.iter().map(|step| step.job.clone()).collect();
        jobs.retain(|job| *job != self.plan.pipeline);
        jobs.dedup();
        jobs.sort();
        jobs.dedup();
        let all = session.pipeline.jobs.iter().all(|job| jobs.contains(&job.name));
        let selection = if all { Selection::default() } else { session.selection(&jobs, downstream)? };
        Ok(session.plan(&self.context, &selection))
    }

    /// Refuses to go on with sources that are not those that the run began with.
    ///
    /// # Errors
    /// When a job's version or description changed.
    pub(super) fn same_sources(&self, session: &Session, run: &str) -> Result<(), Error> {
        let wanted = Wanted { branch: self.context.branch.clone(), kind: Some(self.context.kind) };
        let today = session.context(&wanted)?;
        let planned = |job: &&String| self.plan.steps.iter().any(|step| step.job == **job);
        let changed: Vec<&String> = self
            .context
            .jobs
            .iter()
            .filter(|(job, then)| today.jobs.get(*job) != Some(*then))
            .map(|(job, _)| job)
            .filter(planned)
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let error = Error::refused(format!("{} changed since run `{run}` began", words::list(&changed)));
        Err(error.hint("start a new run: what has not changed comes from the cache"))
    }
}

/// Refuses to go on when today's program plans something else.
fn same_plan(then: &Plan, today: &Plan, run: &str) -> Result<(), Error> {
    if then == today {
        return Ok(());
    }
    let lacks = then.steps.iter().filter(|step| today.step(&step.id).is_none()).map(|step| format!("-{}", step.id));
    let news = today.steps.iter().filter(|step| then.step(&step.id).is_none()).map(|step| format!("+{}", step.id));
    let others = then
        .steps
        .iter()
        .filter(|step| today.step(&step.id).is_some_and(|other| other != *step))
        .map(|step| format!("~{}", step.id));
    let difference: Vec<String> = lacks.chain(news).chain(others).collect();
    let difference = if difference.is_empty() { "their order".to_owned() } else { difference.join(" ") };
    let error = Error::refused(format!("the pipeline plans something else than run `{run}`: {difference}"));
    Err(error.hint("start a new run: what has not changed comes from the cache"))
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
