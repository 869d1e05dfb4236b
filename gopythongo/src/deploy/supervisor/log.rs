//! A log that does not grow without end: when it is too long, it becomes `NAME.log.1`, and a new one begins.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// How long a log may become, in bytes; twice that is kept.
const LIMIT: u64 = 8 << 20;

/// How much of its end is looked at for the last lines.
const TAIL: u64 = 64 << 10;

/// A file to which lines are added.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: Option<File>,
    length: u64,
    limit: u64,
}

impl Log {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None, length: 0, limit: LIMIT }
    }

    /// Adds a line. A log that cannot be written is no reason to end a service.
    pub(super) fn line(&mut self, line: &str) {
        let _ = self.write(line);
    }

    /// Adds a line of the supervisor's own, with the time.
    pub(super) fn note(&mut self, line: &str) {
        let time = humantime::format_rfc3339_seconds(SystemTime::now());
        self.line(&format!("[{time}] {line}"));
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        if self.length >= self.limit {
            self.file = None;
            fs::rename(&self.path, self.path.with_extension("log.1"))?;
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                // only where the environment still is: nothing comes back that was deleted
                let directory = self.path.parent().filter(|directory| directory.parent().is_some_and(Path::is_dir));
                fs::create_dir_all(directory.ok_or(io::ErrorKind::NotFound)?)?;
                let file = OpenOptions::new().append(true).create(true).open(&self.path)?;
                self.length = file.metadata()?.len();
                self.file.insert(file)
            }
        };
        file.write_all(format!("{line}\n").as_bytes())?;
        self.length += line.len() as u64 + 1;
        Ok(())
    }
}

/// The last lines of a log, `count` at most.
pub(in crate::deploy) fn tail(path: &Path, count: usize) -> Vec<String> {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_begins_anew() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("logs/blue.log");
        let mut log = Log { limit: 10, ..Log::new(path.clone()) };
        for line in ["123456789", "second", "third", "fourth"] {
            log.line(line);
        }
        assert_eq!(fs::read_to_string(path.with_extension("log.1")).expect("rotated"), "second\nthird\n");
        assert_eq!(tail(&path, 5), ["fourth"]);
    }

    #[test]
    fn a_log_does_not_bring_back_a_deleted_environment() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("gone/logs/blue.log");
        Log::new(path.clone()).line("hello");
        assert!(!directory.path().join("gone").exists());
    }
}
