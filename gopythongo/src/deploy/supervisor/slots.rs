//! Which slots run: the live one and those that are held. What is not wanted is drained, then ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::watch, time::sleep};

use super::{
    Ask, Record, Report,
    log::Log,
    service::{Service, Setting},
};
use crate::{
    deploy::{
        Slot,
        front::{Backend, Backends},
        in_flight::Counter,
        local::{Installed, Place},
    },
    run::process::Supervisor,
    support::race::race,
};

/// What a service has at least between being told to end and being killed.
const GRACE: Duration = Duration::from_secs(2);
/// The same, when there is nothing left to serve from.
pub(super) const SHORT_GRACE: Duration = Duration::from_millis(500);

/// The slots of an environment.
pub(super) struct Slots {
    place: Place,
    sockets: PathBuf,
    processes: Arc<Supervisor>,
    /// Told when something has changed, or should be looked at.
    pub(super) changed: watch::Sender<()>,
    inner: Mutex<Inner>,
}

struct Inner {
    /// How many connections hold a slot.
    held: BTreeMap<Slot, usize>,
    running: BTreeMap<Slot, Running>,
    end: End,
    unreadable: BTreeSet<Slot>,
    log: Log,
}

struct Running {
    service: Service,
    leaving: Option<Leaving>,
}

/// A service that is not wanted any more.
struct Leaving {
    since: Instant,
    /// How long its requests may take to end.
    drain: Duration,
    /// When it was told to end.
    told: Option<Instant>,
}

/// Whether everything is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// Not now.
    No,
    /// Once requests are answered.
    Drained,
    /// At once.
    Now,
}

impl Slots {
    pub(super) fn new(place: Place, sockets: PathBuf, processes: Arc<Supervisor>) -> Self {
        let log = Log::new(place.log("supervisor"));
        let (held, running, unreadable) = Default::default();
        let inner = Mutex::new(Inner { held, running, end: End::No, unreadable, log });
        Self { place, sockets, processes, changed: watch::Sender::new(()), inner }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes to the supervisor's log.
    pub(super) fn note(&self, line: &str) {
        self.inner().log.note(line);
    }

    /// Does what is asked; `held` are the slots that the asker holds.
    pub(super) fn ask(&self, ask: Ask, held: &mut BTreeSet<Slot>) {
        match ask {
            Ask::Report | Ask::Change(_) => return,
            Ask::Hold(slot) => {
                if held.insert(slot) {
                    *self.inner().held.entry(slot).or_default() += 1;
                }
            }
            Ask::Release(slot) => {
                if held.remove(&slot) {
                    self.release(slot);
                }
            }
            Ask::Restart(slot) => {
                if let Some(running) = self.inner().running.get(&slot) {
                    running.service.restart();
                }
            }
            Ask::End => self.end(End::Drained),
        }
        self.reconcile();
    }

    /// One holder less.
    pub(super) fn release(&self, slot: Slot) {
        if let Some(count) = self.inner().held.get_mut(&slot) {
            *count = count.saturating_sub(1);
        }
        self.changed.send_replace(());
    }

    /// Ends everything.
    pub(super) fn end(&self, end: End) {
        let mut inner = self.inner();
        if end > inner.end {
            let how =
                if end == End::Now { "at once: the environment's directory is gone" } else { "as it was told to" };
            inner.log.note(&format!("ends {how}"));
            inner.end = end;
            self.changed.send_replace(());
        }
    }

    pub(super) fn is_ending(&self) -> bool {
        self.inner().end > End::No
    }

    /// Whether nothing runs any more.
    pub(super) fn is_empty(&self) -> bool {
        self.inner().running.is_empty()
    }

    /// Whether something is on its way out, and should be looked at soon.
    pub(super) fn is_unsettled(&self) -> bool {
        let inner = self.inner();
        inner.end > End::No || inner.running.values().any(|running| running.leaving.is_some())
    }

    pub(super) fn report(&self) -> Report {
        let inner = self.inner();
        Report {
            slots: inner.running.values().map(|running| running.service.report(running.leaving.is_some())).collect(),
        }
    }

    /// Waits until things are other than they were, but not longer than that.
    pub(super) async fn changed(&self, last: &Report, limit: Duration) {
        let mut changes = self.changed.subscribe();
        let last = self.without_traffic(last.clone());
        let differ = async { while self.without_traffic(self.report()) == last && changes.changed().await.is_ok() {} };
        race(differ, sleep(limit)).await;
    }

    /// A report that does not change with every request.
    fn without_traffic(&self, mut report: Report) -> Report {
        let live = self.place.live();
        for slot in &mut report.slots {
            slot.in_flight = if Some(slot.slot) == live { 0 } else { slot.in_flight.min(1) };
        }
        report
    }

    /// Brings what runs nearer to what is wanted. Waits for nothing.
    pub(super) fn reconcile(&self) {
        let live = self.place.live();
        let mut inner = self.inner();
        for slot in Slot::BOTH {
            let held = inner.held.get(&slot).is_some_and(|count| *count > 0);
            let wanted = inner.end == End::No && (held || live == Some(slot));
            let hurried = inner.end == End::Now;
            match inner.running.get_mut(&slot) {
                Some(running) => {
                    running.reconcile(wanted, hurried, || self.drain(slot));
                    if running.service.is_over() {
                        inner.running.remove(&slot);
                        self.changed.send_replace(());
                    }
                }
                None if wanted => self.start(slot, &mut inner),
                None => {}
            }
        }
    }

    /// How long what is in a slot may drain: that may be other than when it was started.
    fn drain(&self, slot: Slot) -> Option<Duration> {
        Some(Installed::read(&self.place, slot).ok()??.how.drain)
    }

    fn start(&self, slot: Slot, inner: &mut Inner) {
        let started = Installed::read(&self.place, slot).and_then(|installed| {
            let installed = installed.ok_or(std::io::ErrorKind::NotFound)?;
            Service::start(Setting {
                place: self.place.clone(),
                slot,
                installed,
                sockets: self.sockets.clone(),
                processes: Arc::clone(&self.processes),
                changed: self.changed.clone(),
            })
        });
        match started {
            Ok(service) => {
                inner.unreadable.remove(&slot);
                inner.log.note(&format!("starts {slot}: {} {}", service.installed.name, service.installed.version));
                inner.running.insert(slot, Running { service, leaving: None });
            }
            Err(error) => {
                if inner.unreadable.insert(slot) {
                    inner.log.note(&format!("cannot start {slot}: {error}"));
                }
            }
        }
    }
}

impl Running {
    fn reconcile(&mut self, wanted: bool, hurried: bool, drain: impl FnOnce() -> Option<Duration>) {
        if wanted && self.leaving.as_ref().is_none_or(|leaving| leaving.told.is_none()) {
            self.leaving = None;
            return;
        }
        let now = Instant::now();
        let leaving = self.leaving.get_or_insert_with(|| Leaving {
            since: now,
            drain: drain().unwrap_or(self.service.installed.how.drain),
            told: None,
        });
        let drained = hurried || now - leaving.since >= leaving.drain;
        match leaving.told {
            None if drained || self.service.requests.count() == 0 => {
                self.service.end();
                leaving.told = Some(now);
            }
            Some(told) if drained && now - told >= if hurried { SHORT_GRACE } else { GRACE } => self.service.hurry(),
            _ => {}
        }
    }
}

impl Backends for Slots {
    fn live(&self) -> Option<Backend> {
        let slot = self.place.live()?;
        let inner = self.inner();
        let running = inner.running.get(&slot);
        let is_told = |running: &Running| running.leaving.as_ref().is_some_and(|leaving| leaving.told.is_some());
        if inner.end > End::No && running.is_none_or(is_told) {
            // nothing is started again for it
            return None;
        }
        let Some(running) = running else {
            // it will be: its request waits
            return Some(Backend {
                socket: Record::socket(&self.sockets, slot),
                ticket: Counter::new(self.changed.clone()).begin(),
            });
        };
        Some(Backend { socket: running.service.socket.clone(), ticket: running.service.requests.begin() })
    }
}
