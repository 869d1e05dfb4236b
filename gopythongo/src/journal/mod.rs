//! The journal of a run: what must survive a crash, and nothing else. Events are derived, not journaled.

mod fault;
mod file;
#[cfg(test)]
mod loss_tests;
mod record;

pub use fault::Fault;
pub(crate) use file::Beginning;
pub use file::{Journal, JournalError};
pub use record::Record;
