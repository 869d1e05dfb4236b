//! The one vocabulary of what happens in a run; every report is a consumer of it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::{
    deploy::Live,
    plan::{Plan, StepId},
    run::{Failure, Outcome, Receipt},
    support::Written,
};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// It ran and passed.
    Passed,
    /// It passed before with the same key.
    Cached,
    /// It ran and failed.
    Failed,
    /// The plan skips it, or something that it needs did not pass.
    Skipped,
    /// The run was interrupted, or ended after another step's failure.
    Cancelled,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum RunState {
    /// Everything passed; nothing was there to promote.
    Checked,
    /// The set is in its channel.
    Promoted {
        /// The generation.
        generation: u64,
    },
    /// The set is in its channel, and live where this build is deployed to.
    Live {
        /// The generation; `None` if nothing but a deployment was asked for.
        generation: Option<u64>,
        /// URLs by environment and application: `testing/shop`.
        urls: BTreeMap<String, String>,
    },
    /// The set is in its channel, and a deployment failed: what was live before is.
    NotLive {
        /// The generation; `None` if nothing but deployments was asked for.
        generation: Option<u64>,
    },
    /// The set is in its channel, and deployments wait until somebody approves: what was live before is.
    Waiting {
        /// The generation; `None` if nothing but deployments was asked for.
        generation: Option<u64>,
        /// The steps that wait.
        steps: Vec<StepId>,
    },
    /// The set is staged: downstream jobs were left out.
    Staged {
        /// The jobs that were left out.
        left_out: Vec<String>,
    },
    /// A step failed; nothing was promoted.
    Failed,
    /// Interrupted by a signal.
    Interrupted {
        /// The signal's number.
        signal: i32,
    },
}

/// Something that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum Event {
    /// The run begins.
    RunStarted {
        /// The plan that it executes.
        plan: Written<Plan>,
        /// Whether an earlier run with this id goes on.
        resumed: bool,
        /// The commit of the pipeline's checkout, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
    },
    /// A step begins.
    StepStarted {
        /// The step.
        step: StepId,
        /// Why it must run: the first input that differs from the last time.
        reason: String,
    },
    /// A step's command printed a line. Secrets are taken out.
    Output {
        /// The step.
        step: StepId,
        /// The line, without its end.
        line: String,
    },
    /// Something broke that a step does not answer for, and it is tried again.
    StepRetried {
        /// The step.
        step: StepId,
        /// How often it was tried again with this time, from 1.
        retry: u32,
        /// What broke.
        failure: Box<Failure>,
    },
    /// A step ended.
    StepFinished {
        /// The step.
        step: StepId,
        /// How.
        outcome: StepOutcome,
        /// Why, for a step that was cached, skipped or cancelled.
        reason: Option<String>,
        /// Wall time in milliseconds.
        ms: u64,
        /// CPU time of its commands in milliseconds.
        cpu_ms: u64,
        /// Wall time of its commands in milliseconds; what is left of the step's was our own.
        #[serde(default)]
        commands_ms: u64,
        /// What it left, if it passed.
        #[serde(default, with = "crate::support::shared::option")]
        result: Option<Arc<Outcome>>,
        /// Why it failed.
        failure: Option<Box<Failure>>,
    },
    /// An effect was done, or found done.
    Effect {
        /// The step.
        step: StepId,
        /// What it left.
        receipt: Receipt,
    },
    /// A set became public.
    Promoted {
        /// The channel.
        channel: String,
        /// The generation.
        generation: u64,
        /// Versions by name.
        set: BTreeMap<String, String>,
    },
    /// A version serves in an environment.
    Live {
        /// The application.
        application: String,
        /// The environment.
        environment: String,
        /// What serves there.
        live: Box<Live>,
        /// Whether it did before this run looked.
        found: bool,
    },
    /// What the run was based on changed; steps whose keys changed run again.
    Rebased {
        /// From 1.
        round: u32,
        /// What changed, in one sentence.
        why: String,
    },
    /// Something that the reader should know.
    Warning {
        /// One sentence.
        message: String,
    },
    /// The run ends.
    RunFinished {
        /// How.
        state: RunState,
        /// Wall time in milliseconds.
        ms: u64,
    },
}

impl Event {
    /// Whether it says that a step did nothing: ten thousand of them may come at once, and nobody waits for one.
    pub(crate) fn is_of_nothing(&self) -> bool {
        matches!(self, Self::StepFinished { outcome: StepOutcome::Cached | StepOutcome::Skipped, .. })
    }
}

/// An event with its time and its run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stamped {
    /// When.
    pub time: SystemTime,
    /// The run's id.
    pub run: String,
    /// What happened.
    pub event: Event,
}

/// A consumer of events. Called from one thread at a time, in order.
pub trait Sink: Send {
    /// Takes an event.
    fn event(&mut self, event: &Stamped);
    /// Called about ten times a second while steps run, so that a live view can move.
    fn tick(&mut self, _elapsed: Duration) {}
}
