//! A slot's process: started, started again when it dies, ended when it is told to.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{Record, SlotReport, log::Log, program::program};
use crate::{
    deploy::{
        Slot,
        in_flight::Counter,
        local::{Installed, Place},
    },
    run::process::{Cancel, Status, Supervisor, table},
};

/// Between a death and the next start: the first, and the longest after several.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// One that lived this long is well: its next death is a first one.
const WELL: Duration = Duration::from_secs(10);

/// What a service is made of.
pub(super) struct Setting {
    pub(super) place: Place,
    pub(super) slot: Slot,
    pub(super) installed: Installed,
    /// The directory of all sockets.
    pub(super) sockets: PathBuf,
    pub(super) processes: Arc<Supervisor>,
    /// Told when something has changed.
    pub(super) changed: watch::Sender<()>,
}

/// The service of a slot.
pub(super) struct Service {
    pub(super) installed: Installed,
    pub(super) socket: PathBuf,
    pub(super) requests: Counter,
    slot: Slot,
    shared: Arc<Shared>,
    wake: Sender<()>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    ended: AtomicBool,
    /// Ends the process of this moment.
    cancel: Mutex<Cancel>,
    /// The process of this moment; it has been waited for when this is 0.
    pid: AtomicI32,
    deaths: AtomicU32,
    last: Mutex<Option<String>>,
    relocated: Mutex<Option<String>>,
}

impl Service {
    /// Starts it, on a thread of its own.
    ///
    /// # Errors
    /// When no thread can be made.
    pub(super) fn start(setting: Setting) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let (wake, woken) = mpsc::channel();
        let (slot, installed) = (setting.slot, setting.installed.clone());
        let socket = Record::socket(&setting.sockets, slot);
        let requests = Counter::new(setting.changed.clone());
        let thread = {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(slot.word().to_owned()).spawn(move || {
                let changed = setting.changed.clone();
                run(&setting, &shared, &woken);
                changed.send_replace(());
            })?
        };
        Ok(Self { installed, socket, requests, slot, shared, wake, thread })
    }

    /// Tells it to end.
    pub(super) fn end(&self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.restart();
    }

    /// Ends its process; it is started again unless the service is to end.
    pub(super) fn restart(&self) {
        lock(&self.shared.cancel).cancel(0);
        let _ = self.wake.send(());
    }

    /// Gives a process that was told to end no more time.
    pub(super) fn hurry(&self) {
        lock(&self.shared.cancel).hurry();
    }

    /// Whether it has ended, with all its processes.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    pub(super) fn report(&self, ending: bool) -> SlotReport {
        SlotReport {
            slot: self.slot,
            digest: self.installed.digest,
            socket: self.socket.clone(),
            deaths: self.shared.deaths.load(Ordering::SeqCst),
            last: lock(&self.shared.last).clone(),
            in_flight: self.requests.count(),
            alive: table::of(self.shared.pid.load(Ordering::SeqCst)).is_some_and(|process| !process.zombie),
            ending,
            relocated: lock(&self.shared.relocated).clone(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(setting: &Setting, shared: &Shared, woken: &Receiver<()>) {
    let mut log = Log::new(setting.place.log(setting.slot.word()));
    let mut backoff = BACKOFF.0;
    loop {
        let cancel = Cancel::new();
        {
            // Under the lock, or else a cancellation could be lost between the look and the change.
            let mut current = lock(&shared.cancel);
            if shared.ended.load(Ordering::SeqCst) {
                return;
            }
            *current = cancel.clone();
        }
        let begin = Instant::now();
        let how = once(setting, shared, &cancel, &mut log);
        if cancel.is_cancelled() {
            log.note(&format!("{} was ended: {how}", setting.installed.name));
            backoff = BACKOFF.0;
            continue;
        }
        if begin.elapsed() >= WELL {
            backoff = BACKOFF.0;
        }
        let pause = humantime::format_duration(backoff);
        log.note(&format!("{} ended by itself: {how}; it is started again in {pause}", setting.installed.name));
        *lock(&shared.last) = Some(how);
        shared.deaths.fetch_add(1, Ordering::SeqCst);
        setting.changed.send_replace(());
        // woken or not: it is looked at what is wanted
        let _ = woken.recv_timeout(backoff);
        backoff = (backoff * 2).min(BACKOFF.1);
    }
}

/// Runs the process until it ends; gives how it did.
fn once(setting: &Setting, shared: &Shared, cancel: &Cancel, log: &mut Log) -> String {
    let Installed { name, version, .. } = &setting.installed;
    // one that was killed leaves its socket behind, and not every server takes it away
    let _ = fs::remove_file(Record::socket(&setting.sockets, setting.slot));
    let program = match program(&setting.place, setting.slot, &setting.installed, &setting.sockets) {
        Ok(program) => program,
        Err(error) => return format!("cannot prepare it: {error}"),
    };
    match &program.relocated {
        None => log.note(&format!("{name} {version} starts")),
        Some(why) => {
            log.note(&format!("{name} {version} starts, relocated, because this machine makes no view: {why}"))
        }
    }
    *lock(&shared.relocated) = program.relocated;
    let finished = setting.processes.run_with_pid(&program.command, cancel, &mut |line| log.line(line), &shared.pid);
    shared.pid.store(0, Ordering::SeqCst);
    match finished {
        Ok(finished) if finished.status == Status::Cancelled => "it was told to".to_owned(),
        Ok(finished) => finished.status.to_string(),
        Err(error) => error.to_string(),
    }
}
