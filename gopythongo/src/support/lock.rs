//! Locks between processes: `flock` on an open file, released by the kernel when its holder dies.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How long a lock is waited for whose holder is gone.
const ORPHANED: Duration = Duration::from_secs(2);

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

impl Held {
    /// Whether the holder is no process of this machine any more.
    fn is_gone(&self) -> bool {
        let pid = self.holder.strip_prefix("pid ").and_then(|rest| rest.split_once(':')?.0.parse::<u32>().ok());
        pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
    }
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

    /// Takes the lock if it is free. Where its holder was killed, a child that it had just forked has the file until it
    /// executes something: that is waited for.
    ///
    /// # Errors
    /// When the file cannot be made or locked. Somebody else's lock is `Ok(Err(Held))`.
    pub fn attempt(path: &Path) -> io::Result<Result<Self, Held>> {
        let (mut file, begin) = (open(path)?, Instant::now());
        loop {
            match file.try_lock() {
                Ok(()) => return Self::held(file).map(Ok),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let mut holder = String::new();
            let _ = file.rewind().and_then(|()| file.read_to_string(&mut holder));
            let held = Held { holder: holder.trim().to_owned() };
            if !held.is_gone() || begin.elapsed() >= ORPHANED {
                return Ok(Err(held));
            }
            thread::sleep(Duration::from_millis(5));
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

    #[test]
    fn what_a_killed_holder_forked_is_waited_for_but_not_for_ever() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("lock");
        let forked = FileLock::wait(&path)?;
        // no process has this number (proc(5), pid_max)
        fs::write(&path, "pid 4194305: killed\n")?;
        assert_eq!(FileLock::attempt(&path)?.expect_err("it is taken").holder, "pid 4194305: killed");
        thread::scope(|scope| {
            let taken = scope.spawn(|| FileLock::attempt(&path));
            drop(forked);
            assert!(taken.join().expect("no panic")?.is_ok());
            Ok(())
        })
    }
}
