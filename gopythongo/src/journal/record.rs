//! What is journaled.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    plan::{Plan, StepId},
    run::{Failure, Outcome, Receipt},
    support::Written,
};

/// One record. Order is by sequence number, never by clock. All are synced but results of pure steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// The run: its plan and the context that it was made from. Where there are several, the run went on with another plan:
    /// the last one counts.
    Started {
        /// The plan.
        plan: Written<Plan>,
        /// The context.
        #[serde(with = "crate::support::shared")]
        context: Arc<Context>,
        /// Options that change what runs, as they were given: `--keep-going`.
        arguments: Vec<String>,
    },
    /// A version number was allocated.
    Allocated {
        /// The package.
        name: String,
        /// The version.
        version: String,
    },
    /// A pure step ended.
    Result {
        /// The step.
        step: StepId,
        /// The key that it passed with.
        key: crate::support::Digest,
        /// What it left.
        outcome: Result<Outcome, Failure>,
    },
    /// An effect is about to be done.
    Intent {
        /// The step.
        step: StepId,
        /// The target and digests that it is about.
        about: String,
    },
    /// An effect was done.
    Receipt {
        /// The step.
        step: StepId,
        /// What it left.
        receipt: Receipt,
    },
    /// Something was decided that a resumed run must not decide again.
    Decision {
        /// What: `promote`, `assume`.
        subject: String,
        /// How.
        decision: String,
    },
    /// The run ended by itself.
    Finished {
        /// How.
        state: crate::event::RunState,
    },
}
