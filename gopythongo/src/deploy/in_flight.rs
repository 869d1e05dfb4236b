//! How many requests a service is answering.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::watch;

/// Counts the requests of one service.
#[derive(Debug, Clone)]
pub(super) struct Counter {
    count: Arc<AtomicUsize>,
    /// Told when there is none left.
    idle: watch::Sender<()>,
}

/// One request; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct InFlight(Counter);

impl Counter {
    /// A counter that tells `idle` when its last request has ended.
    pub(super) fn new(idle: watch::Sender<()>) -> Self {
        Self { count: Arc::default(), idle }
    }

    /// Counts a request.
    pub(super) fn begin(&self) -> InFlight {
        self.count.fetch_add(1, Ordering::SeqCst);
        InFlight(self.clone())
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.send_replace(());
        }
    }
}
