//! The plan: a pure function of pipeline and context. No I/O, no clock, no environment.

mod dependents;
mod draft;
mod graph;
mod json;
mod lower;
mod matrix;
mod needs;
mod options;
mod selection;
mod tree;
mod trust;

#[cfg(test)]
pub(crate) mod example;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use dependents::{cycles, doubts};
pub use graph::{GraphFormat, graph};
pub use json::json;
pub use lower::{Lowered, lower};
pub use matrix::matrix;
pub use options::StepOptions;
pub use selection::{Selection, UnknownJobs};
pub use tree::tree;
pub(crate) use trust::distrust;

use crate::run::{EffectClass, Inputs, Manner};

/// `money/pytest`, `promote`.
pub type StepId = String;

/// All steps that will run or be skipped, each with its reason; in an order in which they could run one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The pipeline's name.
    pub pipeline: String,
    /// The build kind, the branch and the channel that the plan was made for.
    pub context: PlanContext,
    /// The steps, needs before those who need them.
    pub steps: Vec<PlannedStep>,
    /// Names of jobs that the selection left out although they are downstream of a job in it: the run then ends staged.
    pub left_out: Vec<String>,
}

/// What of the context a reader of the plan wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanContext {
    /// The branch; `None` where there is none.
    pub branch: Option<String>,
    /// The build kind.
    pub kind: crate::context::BuildKind,
    /// The channel that the run promotes into.
    pub channel: String,
}

/// Whether a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It runs, or is found in the cache.
    Run,
    /// It is not run.
    Skip,
}

/// How the reason of a step begins that is skipped because the machine lacks what it needs.
const UNKNOWN: &str = "unknown, not a pass";

/// One node of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// `job/kind`, `job/kind:label`, or the bare kind for a step of the whole pipeline.
    pub id: StepId,
    /// The job; the pipeline's name for a step of the whole pipeline.
    pub job: String,
    /// The step's kind.
    pub kind: String,
    /// The step's version.
    pub version: u32,
    /// The step's options.
    pub options: StepOptions,
    /// The class, if the step is an effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectClass>,
    /// Whether it runs.
    pub action: Action,
    /// Why it runs or is skipped.
    pub reason: String,
    /// Steps that must have passed first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<StepId>,
    /// What it reads.
    pub inputs: Inputs,
    /// Artifacts that it leaves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// The job's source directory, relative to the pipeline's root or absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<std::path::PathBuf>,
    /// After which it is ended.
    pub timeout: Duration,
    /// How it is run beside others.
    #[serde(default, skip_serializing_if = "Manner::is_ordinary")]
    pub manner: Manner,
}

impl PlannedStep {
    /// Whether it is skipped because the machine lacks what it needs: then nobody knows whether it would pass.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.action == Action::Skip && self.reason.starts_with(UNKNOWN)
    }
}

impl Plan {
    /// The step with an id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| step.id == id)
    }
    /// The jobs that have steps, each once, in the order of the plan.
    #[must_use]
    pub fn jobs(&self) -> Vec<&str> {
        let mut jobs: Vec<&str> = Vec::new();
        for step in self.steps.iter().filter(|step| step.id.contains('/')) {
            if !jobs.contains(&step.job.as_str()) {
                jobs.push(&step.job);
            }
        }
        jobs
    }
}
