//! Where the files of one environment are.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::{deploy::Slot, support::Digest};

/// The directory of one application's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::deploy) struct Place {
    directory: PathBuf,
}

impl Place {
    pub(in crate::deploy) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    pub(in crate::deploy) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Tells this environment's processes from all others: `live-1f3a5b7c9d0e`.
    pub(in crate::deploy) fn id(&self) -> String {
        use std::os::unix::ffi::OsStrExt;
        format!("live-{}", Digest::of(self.directory.as_os_str().as_bytes()).short(12))
    }

    /// Held while the environment is being changed.
    pub(in crate::deploy) fn lock(&self) -> PathBuf {
        self.directory.join("lock")
    }

    /// The directory of a slot.
    pub(in crate::deploy) fn slot(&self, slot: Slot) -> PathBuf {
        self.directory.join(slot.word())
    }

    /// What a slot held before what is on trial there; missing where nothing is.
    pub(in crate::deploy) fn before(&self, slot: Slot) -> PathBuf {
        self.directory.join(format!("{slot}.before"))
    }

    /// Where a slot's package is unpacked.
    pub(in crate::deploy) fn root(&self, slot: Slot) -> PathBuf {
        self.slot(slot).join("root")
    }

    /// Where the directories are that services write to; both slots share them.
    pub(in crate::deploy) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Where the configuration files are, which may be edited.
    pub(in crate::deploy) fn configuration(&self) -> PathBuf {
        self.directory.join("configuration")
    }

    /// Who supervises: its pid, port and sockets.
    pub(in crate::deploy) fn supervisor(&self) -> PathBuf {
        self.directory.join("supervisor.json")
    }

    /// Held by the supervisor as long as it lives.
    pub(in crate::deploy) fn supervisor_lock(&self) -> PathBuf {
        self.directory.join("supervisor.lock")
    }

    /// The front's port.
    pub(in crate::deploy) fn port(&self) -> PathBuf {
        self.directory.join("port")
    }

    /// What was rolled back from.
    pub(in crate::deploy) fn pin(&self) -> PathBuf {
        self.directory.join("pin")
    }

    /// Who let what in, and what waits.
    pub(in crate::deploy) fn approvals(&self) -> PathBuf {
        self.directory.join("approvals.json")
    }

    /// What was live when.
    pub(in crate::deploy) fn history(&self) -> PathBuf {
        self.directory.join("history.json")
    }

    /// The log of a slot, or of the `supervisor`.
    pub(in crate::deploy) fn log(&self, name: &str) -> PathBuf {
        self.directory.join("logs").join(format!("{name}.log"))
    }

    /// The slot that is live.
    pub(in crate::deploy) fn live(&self) -> Option<Slot> {
        let target = fs::read_link(self.link()).ok()?;
        Slot::BOTH.into_iter().find(|slot| target == Path::new(slot.word()))
    }

    /// Makes a slot the live one, by one rename.
    pub(in crate::deploy) fn set_live(&self, slot: Slot) -> io::Result<()> {
        let new = self.directory.join("live.new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        symlink(slot.word(), &new)?;
        fs::rename(&new, self.link())?;
        File::open(&self.directory)?.sync_all()
    }

    fn link(&self) -> PathBuf {
        self.directory.join("live")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rename_changes_what_is_live() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = Place::new(directory.path().to_owned());
        assert_eq!(place.live(), None);
        for slot in [Slot::Blue, Slot::Green, Slot::Green] {
            place.set_live(slot).expect("a link can be made");
            assert_eq!(place.live(), Some(slot));
        }
    }
}
