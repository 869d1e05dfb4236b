//! What was done to the files below a directory, and faults at any of it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    MakeDirectory(PathBuf),
    Create(PathBuf),
    /// At the end.
    Write(PathBuf, Vec<u8>),
    Cut(PathBuf, u64),
    /// Of a file or a directory.
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    /// What it says, and where.
    Symlink(PathBuf, PathBuf),
    Remove(PathBuf),
    /// The test was told that something is done.
    Told(String),
}

impl Operation {
    /// Whether a full disk refuses it.
    fn needs_space(&self) -> bool {
        !matches!(self, Self::Cut(..) | Self::Remove(_) | Self::Told(_))
    }
}

/// When a disk is full: operations that need space are counted from 0.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Full {
    /// Once.
    At(usize),
    /// And it stays so.
    From(usize),
}

/// Records, while it lives, what is done below a directory.
#[derive(Debug)]
pub(crate) struct Tape {
    reel: Arc<Mutex<Reel>>,
}

#[derive(Debug, Default)]
struct Reel {
    operations: Vec<Operation>,
    full: Option<Full>,
    needed: usize,
    refused: usize,
}

/// The tapes of all tests that run.
static RUNNING: Mutex<Vec<(PathBuf, Arc<Mutex<Reel>>)>> = Mutex::new(Vec::new());

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tape {
    pub(crate) fn of(directory: &Path) -> Self {
        Self::full(directory, None)
    }

    /// With a fault.
    pub(crate) fn full(directory: &Path, full: impl Into<Option<Full>>) -> Self {
        let reel = Arc::new(Mutex::new(Reel { full: full.into(), ..Reel::default() }));
        locked(&RUNNING).push((directory.to_owned(), reel.clone()));
        Self { reel }
    }

    /// Notes that somebody was told that this is done.
    pub(crate) fn told(&self, what: &str) {
        locked(&self.reel).operations.push(Operation::Told(what.to_owned()));
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        locked(&self.reel).operations.clone()
    }

    /// How many operations were refused.
    pub(crate) fn refused(&self) -> usize {
        locked(&self.reel).refused
    }
}

/// Does something below a new directory whose disk is full as the first of `faults` says, then as the second does, until
/// nothing is refused any more; `after` looks at what is left, with room again, and at how far it came. Gives how many disks
/// were full.
pub(crate) fn on_full_disks<T>(
    faults: impl Iterator<Item = Full>,
    directory: impl Fn() -> tempfile::TempDir,
    act: impl Fn(&Path, Full) -> T,
    mut after: impl FnMut(&Path, Full, T),
) -> usize {
    let mut disks = 0;
    for full in faults {
        let directory = directory();
        let tape = Tape::full(directory.path(), full);
        let came = act(directory.path(), full);
        if tape.refused() == 0 {
            break;
        }
        drop(tape);
        after(directory.path(), full, came);
        disks += 1;
    }
    disks
}

impl Drop for Tape {
    fn drop(&mut self) {
        locked(&RUNNING).retain(|(_, reel)| !Arc::ptr_eq(reel, &self.reel));
    }
}

/// Something is about to be done to a path.
pub(super) fn at(path: &Path, operation: impl FnOnce() -> Operation) -> io::Result<()> {
    let Some((top, reel)) = locked(&RUNNING).iter().find(|(top, _)| path.starts_with(top)).cloned() else {
        return Ok(());
    };
    let operation = operation();
    let mut reel = locked(&reel);
    if operation.needs_space() {
        reel.needed += 1;
        let number = reel.needed - 1;
        if matches!(reel.full, Some(Full::At(at)) if number == at)
            || matches!(reel.full, Some(Full::From(from)) if number >= from)
        {
            reel.refused += 1;
            if let Operation::Write(path, bytes) = &operation {
                // what had room is written
                OpenOptions::new().append(true).create(true).open(path)?.write_all(&bytes[..bytes.len() / 2])?;
            }
            return Err(io::Error::from(rustix::io::Errno::NOSPC));
        }
    }
    match operation {
        // it comes from elsewhere: with what is in it
        Operation::Rename(from, to) if !from.starts_with(&top) => {
            let bytes = fs::read(&from)?;
            reel.operations.extend([Operation::Create(to.clone()), Operation::Write(to, bytes)]);
        }
        other => reel.operations.push(other),
    }
    Ok(())
}
