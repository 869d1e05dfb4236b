//! Hosts that exist in memory alone: what they are told is live, and healthy.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Approvals, Approved, BlueGreen, Candidate, Live, Package, Slot, hosted::Hosted};
use crate::{
    run::{Failure, process::Cancel},
    support::Digest,
};

/// The port that the first environment's front would have.
const PORT: u16 = 20_000;

/// All simulated environments, by environment and application.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimulatedHosts(Arc<Mutex<Hosts>>);

/// What is where at some moment.
pub(crate) type Hosts = BTreeMap<(String, String), Held>;

/// One environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Held {
    live: Option<Slot>,
    slots: BTreeMap<Slot, (String, Digest)>,
    /// What it was said to be run by.
    how: Option<BlueGreen>,
    /// What was rolled back from.
    pin: Option<Digest>,
    /// Nothing runs, although something is live.
    down: bool,
    port: u16,
    /// What waits here, and what was approved.
    approvals: Approvals,
    /// How often another version became live.
    pub(crate) switches: usize,
}

impl SimulatedHosts {
    /// An application's environment.
    pub(super) fn host(&self, environment: &str, application: &str) -> SimulatedHost {
        let place = (environment.to_owned(), application.to_owned());
        SimulatedHost { hosts: self.clone(), place }
    }

    /// What serves in an environment.
    pub(crate) fn live(&self, environment: &str, application: &str) -> Option<Live> {
        self.get().get(&(environment.to_owned(), application.to_owned())).and_then(Held::live)
    }

    /// What waits in an environment, and what was approved there.
    pub(crate) fn approvals(&self, environment: &str, application: &str) -> Approvals {
        self.host(environment, application).with(|held| held.approvals.clone())
    }

    /// Somebody approves what was asked for last in an environment; gives its digest.
    pub(crate) fn approve(&self, environment: &str, application: &str) -> Option<Digest> {
        let candidate = self.approvals(environment, application).waiting.pop()?;
        let (digest, by) = (candidate.digest, "somebody".to_owned());
        let approved = Approved { candidate, by, at: "1970-01-01T00:00:00Z".to_owned(), signature: String::new() };
        self.host(environment, application).approve(approved).ok()?;
        Some(digest)
    }

    /// What is where now.
    pub(crate) fn kept(&self) -> Hosts {
        self.get().clone()
    }

    /// Puts back what was where at another moment.
    pub(crate) fn put_back(&self, hosts: Hosts) {
        *self.get() = hosts;
    }

    fn get(&self) -> MutexGuard<'_, Hosts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One simulated environment.
#[derive(Debug, Clone)]
pub(crate) struct SimulatedHost {
    hosts: SimulatedHosts,
    place: (String, String),
}

impl SimulatedHost {
    fn with<R>(&self, act: impl FnOnce(&mut Held) -> R) -> R {
        let mut hosts = self.hosts.get();
        let port = PORT + u16::try_from(hosts.len()).unwrap_or_default();
        act(hosts.entry(self.place.clone()).or_insert_with(|| Held { port, ..Held::default() }))
    }

    /// Makes the other slot's version live, and pins it.
    #[cfg(test)]
    pub(super) fn rollback(&self) -> Result<Live, Failure> {
        let nothing =
            || Failure::refused(format!("{} in {} has no version to roll back to", self.place.1, self.place.0));
        self.with(|held| {
            let from = held.live.and_then(|slot| Some((slot, held.slots.get(&slot)?.1)));
            let (slot, digest) = from.ok_or_else(nothing)?;
            held.slots.get(&slot.other()).ok_or_else(nothing)?;
            (held.live, held.pin, held.down) = (Some(slot.other()), Some(digest), false);
            held.switches += 1;
            held.live().ok_or_else(nothing)
        })
    }

    /// Takes the pin of a rollback away; gives whether there was one.
    #[cfg(test)]
    pub(super) fn unpin(&self) -> bool {
        self.with(|held| held.pin.take().is_some())
    }

    /// Ends everything that runs here; gives whether anything did.
    #[cfg(test)]
    pub(super) fn down(&self) -> bool {
        self.with(|held| held.live.is_some() && !std::mem::replace(&mut held.down, true))
    }
}

impl Hosted for SimulatedHost {
    fn status(&self) -> Result<Option<Live>, Failure> {
        Ok(self.with(|held| held.live()))
    }

    fn is_run_by(&self, how: &BlueGreen) -> Result<bool, Failure> {
        Ok(self.with(|held| held.live.is_some() && held.how.as_ref() == Some(how)))
    }

    fn approvals(&self) -> Result<Approvals, Failure> {
        Ok(self.with(|held| held.approvals.clone()))
    }

    fn request(&self, candidate: Candidate) -> Result<(), Failure> {
        self.with(|held| held.approvals.ask(candidate));
        Ok(())
    }

    fn approve(&self, approved: Approved) -> Result<(), Failure> {
        self.with(|held| held.approvals.approve(approved));
        Ok(())
    }

    fn switch(
        &self,
        package: &Package,
        how: &BlueGreen,
        port: Option<u16>,
        _cancel: &Cancel,
        _say: &dyn Fn(&str),
    ) -> Result<Live, Failure> {
        self.with(|held| {
            held.port = port.unwrap_or(held.port);
            (held.down, held.how) = (false, Some(how.clone()));
            let live = held.live.and_then(|slot| Some(held.slots.get(&slot)?.1));
            let stays = live.is_some_and(|live| live == package.digest || held.pin == Some(package.digest));
            if !stays {
                let slot = held.live.map_or(Slot::Blue, Slot::other);
                held.slots.insert(slot, (package.version.clone(), package.digest));
                (held.live, held.pin) = (Some(slot), None);
                held.switches += 1;
            }
            held.live().ok_or_else(|| Failure::new("nothing is live"))
        })
    }
}

impl Held {
    pub(crate) fn live(&self) -> Option<Live> {
        let slot = self.live?;
        let (version, digest) = self.slots.get(&slot)?.clone();
        Some(Live {
            slot,
            version,
            digest,
            url: format!("http://127.0.0.1:{}/", self.port),
            healthy: !self.down,
            pinned: self.pin.is_some(),
            previous: self.slots.get(&slot.other()).map(|(version, _)| version.clone()),
            since: None,
            approved: self.approvals.of(&digest).cloned(),
        })
    }
}
