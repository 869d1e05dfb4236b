//! The journal of a run: what must survive a crash, and nothing else. Events are derived, not journaled.

mod file;
mod record;

pub use file::{Journal, JournalError};
pub use record::Record;
