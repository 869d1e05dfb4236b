//! A step on its way into the plan: what it says of itself, asked once, and what is decided about it.

use std::path::PathBuf;

use super::{Action, PlannedStep, StepId, StepOptions};
use crate::{
    pipeline::Job,
    run::{AnyStep, Inputs, Manner, Nature},
};

/// A step on its way into the plan; of no job if it is of the whole pipeline.
pub(super) struct Draft<'a> {
    pub(super) job: Option<&'a Job>,
    pub(super) step: AnyStep,
    pub(super) label: Option<String>,
    pub(super) inputs: Inputs,
    pub(super) manner: Manner,
    action: Action,
    pub(super) reason: String,
}

impl<'a> Draft<'a> {
    /// One that runs.
    pub(super) fn new(job: Option<&'a Job>, step: AnyStep, manner: Manner, reason: String) -> Self {
        let (label, inputs) = (step.label(), step.inputs());
        Self { job, step, label, inputs, manner, action: Action::Run, reason }
    }

    /// Puts another step in its place.
    pub(super) fn replace(&mut self, step: AnyStep) {
        (self.label, self.inputs) = (step.label(), step.inputs());
        self.step = step;
    }

    pub(super) fn id(&self) -> StepId {
        let kind = self.step.kind();
        match (self.job, &self.label) {
            (Some(job), Some(label)) => [&job.name, "/", kind, ":", label].concat(),
            (Some(job), None) => [&job.name, "/", kind].concat(),
            (None, Some(label)) => [kind, ":", label].concat(),
            (None, None) => kind.to_owned(),
        }
    }

    pub(super) fn runs(&self) -> bool {
        self.action == Action::Run
    }

    /// Leaves it out of the build, for a reason.
    pub(super) fn skip(&mut self, reason: String) {
        (self.action, self.reason) = (Action::Skip, reason);
    }

    /// The same, left out of the build.
    pub(super) fn skipped(mut self, reason: String) -> Self {
        self.skip(reason);
        self
    }

    pub(super) fn is_effect(&self) -> bool {
        self.step.nature() != Nature::Pure
    }

    /// Whether it is part of a deployment, which the promotion does not wait for.
    pub(super) fn deploys(&self) -> bool {
        self.job.is_some_and(|job| !job.is_built())
    }

    /// The node of the plan, in a pipeline that is called so.
    pub(super) fn planned(
        self,
        id: StepId,
        needs: Vec<StepId>,
        pipeline: &str,
        source: Option<PathBuf>,
    ) -> (PlannedStep, AnyStep) {
        let Self { job, step, inputs, manner, action, reason, .. } = self;
        let planned = PlannedStep {
            id,
            job: job.map_or(pipeline, |job| &job.name).to_owned(),
            kind: step.kind().to_owned(),
            version: step.version(),
            options: StepOptions::of(&step.options()),
            effect: match step.nature() {
                Nature::Pure => None,
                Nature::Effect(class) => Some(class),
            },
            action,
            reason,
            needs,
            inputs,
            outputs: step.outputs(),
            source,
            timeout: step.timeout(),
            manner,
        };
        (planned, step)
    }
}
