//! `run`: executes the pipeline.

use std::sync::Arc;

use clap::Args;

use super::{
    Error, Exit, Session,
    arguments::{Executing, Wanted},
    engine,
    plan::show,
    print,
    session::kept,
};
use crate::{
    plan::Plan,
    python::Resolve,
    run::{Options, RunDirectory, Step},
    support::words,
};

/// `run [JOB…]`
#[derive(Debug, Args)]
pub(super) struct RunCommand {
    /// Jobs to run; all by default. What is downstream of them is left out, and the run ends staged
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// Run the jobs downstream of the named ones too, all in this one run: for build servers without downstream builds
    #[arg(long, visible_alias = "combine")]
    downstream: bool,
    #[command(flatten)]
    wanted: Wanted,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Run a step although its outcome is known; may be given again
    #[arg(long, value_name = "STEP")]
    rerun: Vec<String>,
    /// Resolve again what tests need, for newer versions; otherwise after 7 days, and never on release branches
    #[arg(long)]
    refresh: bool,
    /// Use no outcomes of earlier runs
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    executing: Executing,
}

impl RunCommand {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let selection = session.selection(&self.jobs, self.downstream)?;
        let context = session.context(&self.wanted)?;
        let lowered = kept(session.plan(&context, &selection));
        for step in &self.rerun {
            known(&lowered.plan, step)?;
            if let Some(class) = lowered.plan.step(step).and_then(|step| step.effect) {
                let error = Error::usage(format!("`{step}` is an effect ({class}): what is done is not done again"));
                return Err(error.hint("`--rerun` is for steps that only read"));
            }
        }
        context.doubts.iter().for_each(print::warning);
        if self.dry_run {
            show(&lowered.plan, self.executing.json, true);
            Session::show_problems(&context, lowered);
            return Ok(Exit::Done);
        }
        session.sources(&context, lowered)?;
        session.place.make_state()?;
        let directory = RunDirectory::create(&session.place.state)?;
        let resolutions = lowered.plan.steps.iter().filter(|step| self.refresh && step.kind == Resolve::KIND);
        let rerun = self.rerun.into_iter().chain(resolutions.map(|step| step.id.clone())).collect();
        let options = Options { no_cache: self.no_cache, rerun, ..engine::options(&self.executing) };
        let context = kept(Arc::new(context)).clone();
        engine::execute(session, directory, lowered, context, &self.executing, options)
    }
}

/// Refuses a step that the plan does not have.
///
/// # Errors
/// When there is no such step; names the nearest one.
pub(super) fn known(plan: &Plan, step: &str) -> Result<(), Error> {
    if plan.step(step).is_some() {
        return Ok(());
    }
    let ids = plan.steps.iter().map(|step| step.id.as_str());
    let error = Error::usage(format!("the plan has no step `{step}`"));
    Err(match words::nearest(step, ids) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`plan --all` shows all steps"),
    })
}
