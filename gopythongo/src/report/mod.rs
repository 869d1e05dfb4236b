//! Reports: consumers of the one event stream, and of nothing else; a recorded run replays into the same text.
//!
//! A story turns events into sentences; [`Console`] prints them as plain lines, [`Live`] above moving ones
//! on a terminal, and [`Ndjson`] writes the events themselves for machines.

mod closing;
mod console;
mod elapsed;
mod failures;
mod live;
mod ndjson;
mod paint;
mod quick;
mod story;
#[cfg(test)]
mod tests;

/// How many bytes of lines that say that nothing was done wait for others at most; none waits for longer than a tick.
const HELD: usize = 64 * 1024;

pub use console::Console;
pub use live::Live;
pub use ndjson::{Ndjson, RecordError, read};
pub use paint::Paint;
pub use story::Telling;
