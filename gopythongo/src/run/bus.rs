//! Brings events to their consumers, one at a time, with time and run.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use crate::{
    context::Redactor,
    event::{Event, Sink, Stamped},
};

/// The consumers of a run's events.
pub(super) struct Bus {
    run: String,
    redactor: Redactor,
    is_heard: bool,
    sinks: Mutex<Vec<Box<dyn Sink>>>,
}

impl Bus {
    pub(super) fn new(run: String, redactor: Redactor, sinks: Vec<Box<dyn Sink>>) -> Self {
        Self { run, redactor, is_heard: !sinks.is_empty(), sinks: Mutex::new(sinks) }
    }

    pub(super) fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    /// Whether anybody hears what is emitted.
    pub(super) fn is_heard(&self) -> bool {
        self.is_heard
    }

    pub(super) fn emit(&self, event: Event) {
        if !self.is_heard {
            return;
        }
        let stamped = Stamped { time: SystemTime::now(), run: self.run.clone(), event };
        for sink in self.sinks.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            sink.event(&stamped);
        }
    }

    pub(super) fn tick(&self, elapsed: Duration) {
        for sink in self.sinks.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            sink.tick(elapsed);
        }
    }
}
