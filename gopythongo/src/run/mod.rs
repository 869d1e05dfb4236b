//! Running a plan: steps, the order they run in, processes, signals. Knows steps, knows no domains.
//!
//! [`step`] is what a step is, [`work`] what it is given while it runs, [`key`] what decides whether it must.
//!
//! # What it costs
//!
//! `cargo xtask bench noop` runs a thousand libraries of twenty files with ten commands each, on two processors (CPU seconds,
//! of ourselves and of all that we start):
//!
//! | | ours | peer | ratio | meant to be |
//! |---|---|---|---|---|
//! | nothing has changed | 0.33 | ninja 0.09 | 3.7 | at most 2 |
//! | | | make without its own rules 0.24 | 1.4 | below 1 |
//! | | | doit 3.31 | 0.10 | at most 0.05 |
//! | the first run: 10,000 × `true` | 11.4 | ninja 8.6 | 1.3 | at most 2 |
//!
//! By wall, where nothing has changed: 0.23 s, ninja 0.10 s. That takes 54 MiB. A run of `examples/pallets` that finds everything done takes 0.03 s and one process of git.
//!
//! Where nothing has changed, a sixth of the time is git's, which looks for files that are new; the rest is spread over the state
//! of 20,000 files, what each project says of itself, the plan and what is written of it. In the first run, each command has
//! a copy of its source, which ninja's have not: one that its command has left untouched goes to the next command of the job.
//!
//! `cargo xtask bench micro` measures single operations, of ten thousand (microseconds): the digest of a key 0.4, an outcome
//! found in the cache 2, missed with the reason 20, and remembered 350; the digest of a file that has not changed 5, a step
//! of a plan 3, a record in the journal 5. A plan of a thousand libraries takes 31 ms.

pub mod failure;
pub mod key;
pub mod needed;
pub mod outcome;
pub mod process;
pub mod services;
pub mod step;
pub mod work;

mod bus;
mod copies;
mod directory;
mod durations;
mod edges;
mod error;
mod executor;
mod foresee;
mod log;
mod machine;
mod manner;
mod pure;
mod receipts;
mod rehearsal;
mod scheduler;
mod scratch;
mod sealed;
mod trees;
mod worker;

pub use directory::RunDirectory;
pub use error::{RunError, RunErrorKind};
pub use executor::{Ended, Options, Setting, execute};
pub use failure::{FailedCommand, Failure, FailureKind};
pub use foresee::{Foreseen, foresee};
pub use key::Key;
pub use manner::{InManner, Manner, Mannered};
pub use needed::Needed;
pub use outcome::{Artifact, Outcome, TestCounts};
pub use receipts::{DoneElsewhere, done_elsewhere};
pub(crate) use rehearsal::Rehearsal;
pub use services::Services;
pub use step::{AnyStep, EffectClass, Inputs, Nature, Probe, Receipt, Step};
pub use work::Work;
