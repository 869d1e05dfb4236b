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
//! | nothing has changed | 0.14 | ninja 0.09 | 1.6 | at most 2 |
//! | | | make without its own rules 0.24 | 0.6 | below 1 |
//! | | | doit 3.25 | 0.04 | at most 0.05 |
//! | the first run: 10,000 × `true` | 10.6 | ninja 7.7 | 1.4 | at most 2 |
//!
//! By wall, where nothing has changed: 0.13 s, ninja 0.10 s, make 0.24 s, doit 3.27 s. That takes 42 MiB. A run of `examples/pallets`
//! that finds everything done takes 0.03 s and two processes of git.
//!
//! Where nothing has changed, git is asked for its commit and its configuration alone: each of 20,000 files and of the
//! directories that they are in is asked for its state once, and as long as nothing else is seen than when git looked at them,
//! what it said, what projects say of themselves and the digests of sources are taken over. In the first run, each command has a
//! copy of its source, which ninja's have not: one that its command has left untouched goes to the next command of the job.
//!
//! `cargo xtask bench changed`: one library of the Pallets set has changed, which takes 15.3 s, 1.05 times the commands on its critical
//! path (at most 1.15). `cargo xtask bench shared`: 1,000 steps that another machine did take 0.26 s (at most 3).
//!
//! `cargo xtask test live` kills a run from cached steps to a live shop at both halves of each of its 11 journal writes, 22 moments.
//!
//! `cargo xtask bench micro` measures single operations, of ten thousand (microseconds): the digest of a key 0.2, an outcome
//! found in the cache 1.3, missed with the reason 18, and remembered 37; the digest of a file that has not changed 5, a step
//! of a plan 1.3, a record in the journal 1.4. A plan of a thousand libraries takes 16 ms.

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
