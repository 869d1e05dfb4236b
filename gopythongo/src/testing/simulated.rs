//! A step whose world is simulated.

use std::{sync::Arc, time::Duration};

use super::world::Act;
use crate::{
    context::Kinds,
    deploy::Switch,
    python::CoverageRatchet,
    run::{AnyStep, Failure, Inputs, Key, Nature, Outcome, Probe, Step, Work, step::DynStep},
    store::{Promote, Publish, Upload},
};

/// Steps whose own code needs nothing but what is simulated, so that it runs as it is.
const OWN_CODE: [&str; 5] = [Upload::KIND, Publish::KIND, Promote::KIND, Switch::KIND, CoverageRatchet::KIND];

/// A step of a plan, in a simulated world: a pure one [pretends](Self::pretend), an effect [acts](Self::act) on what is
/// simulated.
#[derive(Debug)]
pub(super) struct Simulated {
    pub(super) inner: AnyStep,
    pub(super) act: Arc<Act>,
}

impl Simulated {
    pub(super) fn has_own_code(&self) -> bool {
        OWN_CODE.contains(&self.inner.kind())
    }
}

impl DynStep for Simulated {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }
    fn version(&self) -> u32 {
        self.inner.version()
    }
    fn options(&self) -> serde_json::Value {
        self.inner.options()
    }
    fn nature(&self) -> Nature {
        self.inner.nature()
    }
    fn stays_in_stage(&self) -> bool {
        self.inner.stays_in_stage()
    }
    fn is_ratchet(&self) -> bool {
        self.inner.is_ratchet()
    }
    fn default_kinds(&self) -> Kinds {
        self.inner.default_kinds()
    }
    fn label(&self) -> Option<String> {
        self.inner.label()
    }
    fn inputs(&self) -> Inputs {
        self.inner.inputs()
    }
    fn outputs(&self) -> Vec<String> {
        self.inner.outputs()
    }
    fn timeout(&self) -> Duration {
        self.inner.timeout()
    }
    fn effort(&self) -> usize {
        self.inner.effort()
    }
    fn on_python(&self, python: &str) -> Option<AnyStep> {
        self.inner.on_python(python)
    }
    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        if self.has_own_code() { self.inner.key(key) } else { self.key_of_inputs(key) }
    }
    fn recall(&self, work: &mut Work<'_>, outcome: &Outcome, run: &str) -> Result<(), Failure> {
        if self.has_own_code() {
            self.inner.recall(work, outcome, run)
        } else {
            self.recall_pretended(work, outcome, run)
        }
    }
    fn probe(&self, work: &mut Work<'_>) -> Probe {
        if self.has_own_code() { self.inner.probe(work) } else { self.probe_elsewhere(work) }
    }
    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        match self.inner.nature() {
            Nature::Pure => self.pretend(work),
            Nature::Effect(_) => self.act(work),
        }
    }
}
