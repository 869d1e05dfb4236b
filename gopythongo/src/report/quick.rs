//! The lines of events that are many or large, written without a tree of values in between: the run's beginning with its plan,
//! and a step that found its outcome in the cache. Their fields stand as those of all lines do.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use super::ndjson::VERSION;
use crate::{
    event::{Event, Stamped, StepOutcome},
    plan::Plan,
    run::{Outcome, TestCounts},
    support::Written,
};

/// A line, to be serialised.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Quick<'a> {
    RunStarted {
        version: u32,
        time: &'a str,
        run: &'a str,
        r#type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        commit: Option<&'a str>,
        plan: &'a Written<Plan>,
        resumed: bool,
    },
    StepFinished {
        version: u32,
        time: &'a str,
        run: &'a str,
        r#type: &'static str,
        step: &'a str,
        outcome: StepOutcome,
        commands_ms: u64,
        cpu_ms: u64,
        ms: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<Left<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tests: Option<&'a TestCounts>,
    },
}

/// An outcome without its counts, which stand at the top.
pub(super) struct Left<'a>(&'a Outcome);

impl Serialize for Left<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.tests {
            None => self.0.serialize(serializer),
            Some(_) => Outcome { tests: None, ..self.0.clone() }.serialize(serializer),
        }
    }
}

impl<'a> Quick<'a> {
    /// The line of an event, if it is one of these; `clock` is the same for all lines.
    pub(super) fn of(stamped: &'a Stamped, clock: &'a mut Clock) -> Option<Self> {
        if !matches!(stamped.event, Event::RunStarted { .. } | Event::StepFinished { .. }) {
            return None;
        }
        let (version, time, run) = (VERSION, clock.text(stamped.time), stamped.run.as_str());
        Some(match &stamped.event {
            Event::RunStarted { plan, resumed, commit } => {
                let (r#type, commit) = ("run-started", commit.as_deref());
                Self::RunStarted { version, time, run, r#type, commit, plan, resumed: *resumed }
            }
            Event::StepFinished { step, outcome, reason, ms, cpu_ms, commands_ms, result, failure: None } => {
                Self::StepFinished {
                    version,
                    time,
                    run,
                    r#type: "step-finished",
                    step,
                    outcome: *outcome,
                    commands_ms: *commands_ms,
                    cpu_ms: *cpu_ms,
                    ms: *ms,
                    reason: reason.as_deref(),
                    result: result.as_deref().map(Left),
                    tests: result.as_deref().and_then(|outcome| outcome.tests.as_ref()),
                }
            }
            _ => return None,
        })
    }
}

/// The text of the time of the latest event: many are of one millisecond.
#[derive(Default)]
pub(super) struct Clock {
    millis: u128,
    text: String,
}

impl Clock {
    /// A time as RFC 3339 has it, in milliseconds.
    fn text(&mut self, time: SystemTime) -> &str {
        let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        if self.text.is_empty() || millis != self.millis {
            (self.millis, self.text) = (millis, humantime::format_rfc3339_millis(time).to_string());
        }
        &self.text
    }
}
