//! Who uses the cache: runs share it, and whoever clears it away is alone with it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::Path,
};

use super::BUCKET;

/// A run uses the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken;

/// A share of the cache, or all of it, until it is dropped or its holder dies.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // a child that was forked at this moment has the file too, until it executes something
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Waits for whoever clears the cache away, which takes moments.
    pub(super) fn shared(directory: &Path) -> io::Result<Self> {
        let file = open(directory)?;
        file.lock_shared()?;
        Ok(Self { file })
    }

    /// Takes the cache if no run uses it.
    pub(super) fn alone(directory: &Path) -> io::Result<Result<Self, Taken>> {
        let file = open(directory)?;
        match file.try_lock() {
            Ok(()) => Ok(Ok(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(Err(Taken)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn open(directory: &Path) -> io::Result<File> {
    let bucket = directory.join(BUCKET);
    fs::create_dir_all(&bucket)?;
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(bucket.join("lock"))
}
