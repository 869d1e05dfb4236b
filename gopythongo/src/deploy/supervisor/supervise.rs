//! The supervising process, from its first to its last breath.

use std::{
    fs,
    io::{self, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::{
    net::UnixListener,
    runtime::Builder,
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    Record, answer,
    slots::{self, End, Slots},
};
use crate::{
    deploy::{front, local::Place},
    run::{
        Failure,
        process::{Cancel, Supervisor},
    },
    support::{Durability, FileLock, race::race, write_atomic},
};

/// How often it is looked at what is on disk.
const TICK: Duration = Duration::from_millis(250);
/// The same, while something is on its way out.
const SHORT_TICK: Duration = Duration::from_millis(20);
/// How long a port is waited for that a supervisor before this one may still hold.
const PORT_PATIENCE: Duration = Duration::from_secs(3);
/// How long answers have to reach their readers when all services have ended.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long anything of an environment may outlive its directory.
const OUTLIVES: Duration = Duration::from_secs(2);
const _: () = assert!(
    TICK.as_millis() + slots::SHORT_GRACE.as_millis() + FAREWELL.as_millis() <= OUTLIVES.as_millis(),
    "what has lost its directory ends in time"
);

/// What a supervisor says first, in a line of JSON on its standard output. It never says anything else there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Greeting {
    /// It serves.
    Serving,
    /// Another process has this port.
    PortTaken(u16),
    /// Something else is wrong.
    Failed(String),
}

/// Supervises the environment of a directory until it is told to end, with a front on a port of 127.0.0.1 or on a free one.
/// Whoever started it is told how that went.
///
/// # Errors
/// When it cannot begin.
pub(crate) fn supervise(directory: &Path, port: Option<u16>) -> Result<(), Failure> {
    // Nobody's terminal, nobody's group: it outlives who started it. It fails for a leader of a group, which is as good.
    let _ = rustix::process::setsid();
    let begun = Running::begin(Place::new(directory.to_owned()), port);
    let greeting = match &begun {
        Ok(_) => Greeting::Serving,
        Err(Obstacle::PortTaken(port)) => Greeting::PortTaken(*port),
        Err(Obstacle::Other(error)) => Greeting::Failed(error.to_string()),
    };
    let line = serde_json::to_string(&greeting).unwrap_or_default();
    // who started it may be gone already
    let _ = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
    match begun {
        Ok(running) => running.run().map_err(|error| Failure::lacking(format!("the supervisor failed: {error}"))),
        Err(Obstacle::PortTaken(port)) => Err(Failure::lacking(format!("port {port} of 127.0.0.1 is taken"))),
        Err(Obstacle::Other(error)) => Err(Failure::lacking(error.to_string())),
    }
}

/// Why it cannot begin.
enum Obstacle {
    PortTaken(u16),
    Other(io::Error),
}

impl From<io::Error> for Obstacle {
    fn from(error: io::Error) -> Self {
        Self::Other(error)
    }
}

/// A supervisor that has everything it needs.
struct Running {
    place: Place,
    sockets: PathBuf,
    /// Told by signals.
    cancel: Cancel,
    processes: Arc<Supervisor>,
    front: TcpListener,
    control: std::os::unix::net::UnixListener,
    /// The device and inode of the record: another one there is another supervisor's.
    identity: Option<(u64, u64)>,
    _lock: FileLock,
}

impl Running {
    fn begin(place: Place, port: Option<u16>) -> Result<Self, Obstacle> {
        let lock = FileLock::attempt(&place.supervisor_lock())?
            .map_err(|held| io::Error::other(format!("another one supervises already: {}", held.holder)))?;
        let front = bind(port.unwrap_or(0))?;
        let port = front.local_addr()?.port();
        let sockets = sockets()?;
        let control = std::os::unix::net::UnixListener::bind(sockets.join("control"))?;
        let processes = Arc::new(Supervisor::start()?);
        processes.set_run(&place.id());
        let cancel = Cancel::new();
        processes.handle_signals(&cancel)?;
        front.set_nonblocking(true)?;
        control.set_nonblocking(true)?;
        write_atomic(&place.port(), format!("{port}\n").as_bytes(), Durability::Cached)?;
        Record::own(port, &sockets).write(&place)?;
        let identity = identity(&place);
        Ok(Self { place, sockets, cancel, processes, front, control, identity, _lock: lock })
    }

    fn run(self) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let slots = Arc::new(Slots::new(self.place.clone(), self.sockets.clone(), Arc::clone(&self.processes)));
        runtime.block_on(self.until_over(&slots))?;
        runtime.shutdown_background();
        let _ = fs::remove_dir_all(&self.sockets);
        if identity(&self.place) == self.identity {
            let _ = fs::remove_file(self.place.supervisor());
        }
        slots.note("has ended");
        Ok(())
    }

    async fn until_over(&self, slots: &Arc<Slots>) -> io::Result<()> {
        let front = tokio::net::TcpListener::from_std(self.front.try_clone()?)?;
        let control = UnixListener::from_std(self.control.try_clone()?)?;
        let (stop, stopped) = watch::channel(());
        let mut stop = Some(stop);
        let mut changed = slots.changed.subscribe();
        let mut served = tokio::spawn(front::serve(front, Arc::clone(slots) as _, stopped, FAREWELL));
        tokio::spawn(answer::answer(control, Arc::clone(slots)));
        loop {
            if identity(&self.place) != self.identity {
                slots.end(End::Now);
            } else if self.cancel.is_cancelled() {
                slots.end(End::Drained);
            }
            if slots.is_ending() {
                // no new requests: those that are being answered are waited for with their services
                stop = None;
            }
            slots.reconcile();
            if stop.is_none() && slots.is_empty() {
                let _ = timeout(FAREWELL, &mut served).await;
                return Ok(());
            }
            let pause = if slots.is_unsettled() { SHORT_TICK } else { TICK };
            race(changed.changed(), sleep(pause)).await;
        }
    }
}

fn identity(place: &Place) -> Option<(u64, u64)> {
    fs::metadata(place.supervisor()).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

fn bind(port: u16) -> Result<TcpListener, Obstacle> {
    let start = Instant::now();
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => return Err(error.into()),
            Err(_) if start.elapsed() >= PORT_PATIENCE => return Err(Obstacle::PortTaken(port)),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Makes a directory for sockets that only this user enters, with a short path: that of a Unix socket has 107 bytes at most.
fn sockets() -> io::Result<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let runtime = runtime.filter(|path| path.is_absolute() && path.as_os_str().len() < 48);
    let candidates = runtime.into_iter().chain(["/tmp".into(), "/var/tmp".into()]);
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for base in candidates {
        // its owner's only, as temporary directories are
        match tempfile::Builder::new().prefix("gopythongo-live-").tempdir_in(&base) {
            Ok(directory) => return Ok(directory.keep()),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
