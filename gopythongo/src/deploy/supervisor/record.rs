//! Who supervises an environment: `supervisor.json`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::{
    deploy::{Slot, local::Place},
    run::process::{Watched, table},
    support::{Durability, write_atomic},
};

/// The version of the record and of what is spoken on the control socket.
const VERSION: u32 = 2;

/// A supervisor: which process it is, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::deploy) struct Record {
    version: u32,
    pid: i32,
    /// When the process started, in ticks after boot; with the boot it tells a process from a later one of the same pid.
    start: u64,
    boot: String,
    /// The front's port.
    pub(in crate::deploy) port: u16,
    /// The directory of its sockets. Paths of Unix sockets have to be short, those of state directories are not.
    pub(in crate::deploy) sockets: PathBuf,
}

impl Record {
    /// This process.
    pub(super) fn own(port: u16, sockets: &Path) -> Self {
        let pid = rustix::process::getpid().as_raw_pid();
        let start = table::of(pid).map_or(0, |process| process.start);
        Self { version: VERSION, pid, start, boot: boot(), port, sockets: sockets.to_owned() }
    }

    /// The record of an environment; `None` if there is none, or none that can be read: then nobody is there to be asked.
    pub(in crate::deploy) fn read(place: &Place) -> Option<Self> {
        serde_json::from_slice(&fs::read(place.supervisor()).ok()?).ok()
    }

    pub(super) fn write(&self, place: &Place) -> io::Result<()> {
        write_atomic(&place.supervisor(), &serde_json::to_vec_pretty(self)?, Durability::Cached)
    }

    /// Whether the process still lives.
    pub(in crate::deploy) fn is_alive(&self) -> bool {
        self.boot == boot() && table::of(self.pid).is_some_and(|process| process.start == self.start && !process.zombie)
    }

    /// Waits until the process is dead; `false` if it then still lives.
    pub(in crate::deploy) fn until_dead(&self, limit: Duration) -> bool {
        // watched before it is looked at: what has its number is then it, or never was
        let watched = Watched::of(self.pid);
        !self.is_alive() || watched.is_some_and(|process| process.until_dead(limit)) || !self.is_alive()
    }

    /// Whether it speaks as this program does.
    pub(in crate::deploy) fn is_known(&self) -> bool {
        self.version == VERSION
    }

    /// Sends it a signal, if it still lives.
    pub(in crate::deploy) fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.is_alive()) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Where it is asked.
    pub(in crate::deploy) fn control(&self) -> PathBuf {
        self.sockets.join("control")
    }

    /// The directory that a slot's service sees as that of its sockets.
    pub(in crate::deploy) fn sockets_of(sockets: &Path, slot: Slot) -> PathBuf {
        sockets.join(slot.word())
    }

    /// Where the service of a slot listens.
    pub(in crate::deploy) fn socket(sockets: &Path, slot: Slot) -> PathBuf {
        Self::sockets_of(sockets, slot).join("socket")
    }
}

/// Which boot of this machine it is; empty where the kernel does not say.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_another_with_its_pid() {
        let own = Record::own(80, Path::new("/run/x"));
        assert!(own.is_alive());
        assert!(!Record { start: own.start + 1, ..own.clone() }.is_alive());
        assert!(!Record { boot: "an earlier one".to_owned(), ..own }.is_alive());
    }
}
