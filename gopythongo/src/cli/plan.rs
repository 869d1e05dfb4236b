//! `plan`: what would run, what would not, and why.

use clap::{Args, ValueEnum};

use super::{Error, Exit, Session, arguments::Wanted, print};
use crate::plan::{self, GraphFormat, Plan};

/// `plan [JOB…]`
#[derive(Debug, Args)]
pub(super) struct PlanCommand {
    /// Jobs to plan; all by default
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// Plan the jobs downstream of the named ones too
    #[arg(long, visible_alias = "combine")]
    downstream: bool,
    #[command(flatten)]
    wanted: Wanted,
    /// Show skipped steps too, and which steps run in which kinds of builds
    #[arg(long)]
    all: bool,
    /// Print the plan as JSON
    #[arg(long, conflicts_with = "graph")]
    json: bool,
    /// Print the plan as a graph
    #[arg(long, value_name = "FORMAT")]
    graph: Option<Picture>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Picture {
    Mermaid,
    Dot,
}

impl PlanCommand {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let selection = session.selection(&self.jobs, self.downstream)?;
        let context = session.context(&self.wanted)?;
        let lowered = session.plan(&context, &selection);
        context.doubts.iter().for_each(print::warning);
        let plan = &lowered.plan;
        match self.graph {
            Some(Picture::Mermaid) => print::result(plan::graph(plan, GraphFormat::Mermaid)),
            Some(Picture::Dot) => print::result(plan::graph(plan, GraphFormat::Dot)),
            None => {
                show(plan, self.json, self.all);
                if self.all && !self.json {
                    print::result(format!("\n{}", plan::matrix(&session.pipeline, &context, &selection)));
                }
            }
        }
        // what `run` would refuse has a plan all the same
        Session::show_problems(&context, &lowered);
        Ok(Exit::Done)
    }
}

/// Prints a plan for people or as JSON.
pub(super) fn show(plan: &Plan, json: bool, all: bool) {
    print::result(if json { plan::json(plan).to_string() } else { plan::tree(plan, all) });
}
