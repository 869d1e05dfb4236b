//! Waiting in tests, for what is known to come: on a busy machine it takes long, and a limit only ends what hangs.

use std::{
    fmt::Debug,
    thread,
    time::{Duration, Instant},
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something holds; gives whether it does in the end.
pub(crate) fn eventually(mut holds: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if begin.elapsed() >= PATIENCE {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// What needs a port that was just given up. Processes that are started meanwhile by other threads of this program hold it
/// too, until they have become another program.
pub(crate) fn once_free<T, E: Debug>(mut attempt: impl FnMut() -> Result<T, E>) -> T {
    let mut last = attempt();
    eventually(|| {
        if last.is_err() {
            last = attempt();
        }
        last.is_ok()
    });
    last.expect("it is free")
}
