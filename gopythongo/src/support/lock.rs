//! Locks between processes: `flock` on an open file, released by the kernel when its holder dies.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::Path,
};

/// An exclusive lock, held until it is dropped. The file's text (pid and command) is only for the message.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // a child that was forked at this moment has the file too, until it executes something: closing ours is not enough
        let _ = self.file.unlock();
    }
}

/// Somebody else holds the lock.
#[derive(Debug)]
pub struct Held {
    /// What the holder wrote into the file: `pid 123: cargo run`; empty if nothing could be read.
    pub holder: String,
}

impl FileLock {
    /// Waits for the lock.
    ///
    /// # Errors
    /// When the file cannot be made or locked.
    pub fn wait(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        file.lock()?;
        Self::held(file)
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// When the file cannot be made or locked. Somebody else's lock is `Ok(Err(Held))`.
    pub fn attempt(path: &Path) -> io::Result<Result<Self, Held>> {
        let mut file = open(path)?;
        match file.try_lock() {
            Ok(()) => Self::held(file).map(Ok),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                Ok(Err(Held { holder: holder.trim().to_owned() }))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn held(mut file: File) -> io::Result<Self> {
        file.set_len(0)?;
        let command = std::env::args().collect::<Vec<_>>().join(" ");
        writeln!(file, "pid {}: {command}", std::process::id())?;
        Ok(Self { file })
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_told_who_holds_it() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("lock");
        let first = FileLock::wait(&path)?;
        let held = FileLock::attempt(&path)?.expect_err("the lock is taken");
        assert!(held.holder.starts_with(&format!("pid {}:", std::process::id())), "{held:?}");
        drop(first);
        assert!(FileLock::attempt(&path)?.is_ok());
        Ok(())
    }
}
