//! Running a plan: steps, the order they run in, processes, signals. Knows steps, knows no domains.
//!
//! [`step`] is what a step is, [`work`] what it is given while it runs, [`key`] what decides whether it must.

pub mod failure;
pub mod key;
pub mod outcome;
pub mod process;
pub mod services;
pub mod step;
pub mod work;

mod bus;
mod directory;
mod durations;
mod error;
mod executor;
mod foresee;
mod log;
mod machine;
mod manner;
mod pure;
mod rehearsal;
mod scheduler;
mod trees;
mod worker;

pub use directory::RunDirectory;
pub use error::{RunError, RunErrorKind};
pub use executor::{Ended, Options, Setting, execute};
pub use failure::{FailedCommand, Failure, FailureKind};
pub use foresee::{Foreseen, foresee};
pub use key::Key;
pub use manner::{InManner, Manner, Mannered};
pub use outcome::{Artifact, Outcome, TestCounts};
pub(crate) use rehearsal::Rehearsal;
pub use services::Services;
pub use step::{AnyStep, EffectClass, Inputs, Nature, Probe, Receipt, Step};
pub use work::Work;
