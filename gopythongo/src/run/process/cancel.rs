//! Telling running commands to end.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    time::Duration,
};

/// Tells running commands to end. Cheap to clone; one a run.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// 0: not cancelled; -1: cancelled without a signal.
    signal: AtomicI32,
    hurried: AtomicBool,
    gate: Mutex<()>,
    called: Condvar,
}

impl Cancel {
    /// Nothing is cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends all commands that watch this. `signal` is the reason, 0 for "another step failed"; the first call counts.
    pub fn cancel(&self, signal: i32) {
        let signal = if signal == 0 { -1 } else { signal };
        let _ = self.0.signal.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
        // who has looked and does not wait yet holds the gate
        drop(self.0.gate.lock());
        self.0.called.notify_all();
    }

    /// Waits so long, or until it is called. Whether it was.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let gate = self.0.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let _gate = self.0.called.wait_timeout_while(gate, limit, |()| !self.is_cancelled());
        self.is_cancelled()
    }

    /// Gives commands that are being ended no more time to end by themselves.
    pub fn hurry(&self) {
        self.0.hurried.store(true, Ordering::SeqCst);
    }

    /// Whether it was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.signal.load(Ordering::SeqCst) != 0
    }

    /// The signal that interrupted the run, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        Some(self.0.signal.load(Ordering::SeqCst)).filter(|signal| *signal > 0)
    }

    pub(super) fn is_hurried(&self) -> bool {
        self.0.hurried.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_counts() {
        let cancel = Cancel::new();
        assert!(!cancel.is_cancelled());
        cancel.cancel(0);
        cancel.clone().cancel(15);
        assert!(cancel.is_cancelled());
        assert_eq!(cancel.signal(), None);
    }

    #[test]
    fn who_waits_is_told_at_once() {
        let cancel = Cancel::new();
        assert!(!cancel.wait(Duration::from_millis(1)));
        let waiting = {
            let cancel = cancel.clone();
            std::thread::spawn(move || cancel.wait(Duration::from_secs(600)))
        };
        cancel.cancel(15);
        assert!(waiting.join().expect("it waits"));
    }
}
