//! Running a command: its own process group, all descendants ended with it, its lines, its usage. Knows nothing of steps.
//!
//! [`Supervisor`] starts and ends commands; `family` tells whose descendant a process is, from the `table` of all of
//! them; `leftovers` ends what a killed run left behind.

mod busy;
mod cancel;
mod command;
mod error;
mod family;
mod leftovers;
mod lines;
mod ordinary;
mod streams;
mod supervisor;
pub(crate) mod table;
mod watched;

pub(crate) use busy::once_written;
pub use cancel::Cancel;
pub(crate) use command::Spent;
pub use command::{Command, Finished, Status, Usage};
pub use error::ProcessError;
pub use leftovers::end_leftovers;
pub use supervisor::Supervisor;
pub(crate) use watched::Watched;
