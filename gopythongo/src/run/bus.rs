//! Brings events to their consumers, one at a time, with time and run.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use crate::{
    context::Redactor,
    event::{Event, Sink, Stamped},
};

/// The consumers of a run's events.
pub(super) struct Bus {
    redactor: Redactor,
    is_heard: bool,
    consumers: Mutex<Consumers>,
}

struct Consumers {
    run: String,
    sinks: Vec<Box<dyn Sink>>,
}

impl Bus {
    pub(super) fn new(run: String, redactor: Redactor, sinks: Vec<Box<dyn Sink>>) -> Self {
        let is_heard = !sinks.is_empty();
        Self { redactor, is_heard, consumers: Mutex::new(Consumers { run, sinks }) }
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
        let mut consumers = self.consumers();
        let run = std::mem::take(&mut consumers.run);
        let stamped = Stamped { time: SystemTime::now(), run, event };
        consumers.sinks.iter_mut().for_each(|sink| sink.event(&stamped));
        consumers.run = stamped.run;
    }

    pub(super) fn tick(&self, elapsed: Duration) {
        self.consumers().sinks.iter_mut().for_each(|sink| sink.tick(elapsed));
    }

    fn consumers(&self) -> MutexGuard<'_, Consumers> {
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
