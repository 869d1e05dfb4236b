//! Effects in a simulated world: GoPythonGo's own run as they are, on a store and hosts that are simulated; a team's own
//! are counted.

use std::collections::BTreeMap;

use super::{schedule::Mishap, simulated::Simulated};
use crate::run::{EffectClass, Failure, Nature, Probe, Receipt, Work};

impl Simulated {
    pub(super) fn probe_elsewhere(&self, work: &Work<'_>) -> Probe {
        let id = work.step().id.clone();
        match self.inner.nature() {
            Nature::Effect(EffectClass::Blind) => Probe::Unknown("nobody can be asked".to_owned()),
            _ if self.act.world.state().elsewhere.contains_key(&id) => Probe::Done(elsewhere(&id, true)),
            _ => Probe::NotDone,
        }
    }

    pub(super) fn act(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let id = work.step().id.clone();
        let fault = self.act.begin(&id)?;
        if fault == Some(Mishap::DiesBefore) {
            return Err(self.act.kill());
        }
        if self.has_own_code() {
            self.inner.run(work)?;
        } else {
            self.elsewhere(work);
        }
        self.act.happened(&id);
        match fault {
            Some(Mishap::DiesAfter) => Err(self.act.kill()),
            Some(Mishap::LosesAnswer) => Err(Failure::lacking(format!("the answer to `{id}` was lost"))),
            _ => self.act.pause(),
        }
    }
    /// An effect of the team's, on a server that counts it.
    fn elsewhere(&self, work: &mut Work<'_>) {
        let id = work.step().id.clone();
        let mut state = self.act.world.state();
        let count = state.elsewhere.entry(id.clone()).or_default();
        if *count == 0 || self.inner.nature() == Nature::Effect(EffectClass::Blind) {
            *count += 1;
        }
        drop(state);
        work.receipt(elsewhere(&id, false));
    }
}

fn elsewhere(step: &str, found: bool) -> Receipt {
    Receipt { target: step.to_owned(), identifier: "simulated".to_owned(), digests: BTreeMap::new(), found }
}
