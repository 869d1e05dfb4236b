//! The latest outcome of every step, in one file: a run that finds everything done reads nothing else.
//!
//! A line is `SUM ENTRY DAY STEP JSON`, divided by tabs: the beginning of the digest of the rest, the digest of the entry with its
//! key, the day of its latest use after the epoch, the step, and run and outcome. The last line of a step counts.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::entry::Reuse;
use crate::{
    run::Outcome,
    support::{Digest, Durability, Lines, operations, write_atomic},
};

/// A file with so many times the lines that count is written anew.
const BLOATED: usize = 4;

/// What is known of the latest outcome of a step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Latest {
    pub(super) run: String,
    pub(super) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Reuse::is_everywhere")]
    pub(super) reuse: Reuse,
    /// The day of its latest use after the epoch.
    #[serde(skip, default = "today")]
    pub(super) day: u64,
}

impl Latest {
    /// What a step left, used today.
    pub(super) fn new(run: String, outcome: Outcome, reuse: Reuse) -> Self {
        Self { run, outcome, reuse, day: today() }
    }
}

/// The lines of the file that count, by step, and those that were added.
#[derive(Debug)]
pub(super) struct LatestFile {
    path: PathBuf,
    lines: Lines,
    added: Mutex<Added>,
}

#[derive(Debug, Default)]
struct Added {
    lines: HashMap<String, String>,
    file: Option<File>,
    /// Lines that only say that an outcome was used: they are written at the end.
    uses: String,
}

/// A line, taken apart.
struct Line<'a> {
    sum: &'a str,
    rest: &'a str,
    entry: &'a str,
    day: u64,
    step: &'a str,
    json: &'a str,
}

impl LatestFile {
    pub(super) fn open(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_default();
        let text = String::from_utf8(bytes).unwrap_or_default();
        let lines = Lines::of(text, |line| Some(parse(line)?.step));
        Self { path: path.to_owned(), lines, added: Mutex::default() }
    }

    /// The entry of a step's latest outcome.
    pub(super) fn entry(&self, step: &str) -> Option<Digest> {
        self.with(step, |line| line.entry.parse().ok())?
    }

    /// What a step left, if the latest was left with this entry; `None` too for what is damaged.
    pub(super) fn get(&self, step: &str, entry: &Digest) -> Option<Latest> {
        self.with(step, |line| {
            let sound = line.entry.as_bytes() == entry.hexadecimal() && line.sum.as_bytes() == sum(line.rest);
            let latest = serde_json::from_str(line.json).ok().filter(|_| sound)?;
            Some(Latest { day: line.day, ..latest })
        })?
    }

    /// The entries that are the latest of their steps, with the moments of their latest uses.
    pub(super) fn uses(&self) -> HashMap<Digest, SystemTime> {
        let lines = self.lines.counting().filter_map(parse);
        let day = |day: u64| UNIX_EPOCH + std::time::Duration::from_secs((day + 1) * 86_400);
        lines.filter_map(|line| Some((line.entry.parse().ok()?, day(line.day)))).collect()
    }

    /// A step left something.
    pub(super) fn add(&self, step: &str, entry: &Digest, latest: &Latest) -> io::Result<()> {
        let line = made(step, entry, &serde_json::to_string(latest)?);
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        if added.file.is_none() {
            added.file = Some(operations::open(&self.path, File::options().create(true).append(true))?);
        }
        if let Some(file) = &mut added.file {
            operations::write(file, &self.path, line.as_bytes())?;
        }
        added.lines.insert(step.to_owned(), line);
        Ok(())
    }

    /// A step's latest outcome was used, for the first time since a day: that is written down once a day.
    pub(super) fn used(&self, step: &str, entry: &Digest, day: u64) {
        if day >= today() {
            return;
        }
        if let Some(line) = self.with(step, |line| made(step, entry, line.json)) {
            let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
            added.uses.push_str(&line);
            added.lines.insert(step.to_owned(), line);
        }
    }

    /// Writes down what was used, and the whole file anew if most of its lines count no more.
    pub(super) fn save(&self) -> io::Result<()> {
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        let uses = std::mem::take(&mut added.uses);
        if !uses.is_empty() {
            let mut file = operations::open(&self.path, File::options().create(true).append(true))?;
            operations::write(&mut file, &self.path, uses.as_bytes())?;
        }
        Ok(())
    }

    /// Writes the file anew, without lines that count no more. Nobody else may use it meanwhile.
    pub(super) fn compact(path: &Path) -> io::Result<()> {
        let file = Self::open(path);
        let text: String = file.lines.counting().collect();
        if file.lines.length() <= text.len() * BLOATED {
            return Ok(());
        }
        write_atomic(path, text.as_bytes(), Durability::Cached)
    }

    fn with<T>(&self, step: &str, read: impl FnOnce(Line<'_>) -> T) -> Option<T> {
        let added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = added.lines.get(step) {
            return parse(line).map(read);
        }
        drop(added);
        self.lines.get(step, |line| parse(line).map(|line| (line.step, line))).map(read)
    }
}

fn made(step: &str, entry: &Digest, json: &str) -> String {
    let rest = format!("{entry}\t{}\t{step}\t{json}", today());
    format!("{}\t{rest}\n", String::from_utf8_lossy(&sum(&rest)))
}

fn parse(line: &str) -> Option<Line<'_>> {
    let (sum, rest) = line.strip_suffix('\n')?.split_once('\t')?;
    let mut words = rest.splitn(4, '\t');
    let (entry, day, step, json) = (words.next()?, words.next()?, words.next()?, words.next()?);
    Some(Line { sum, rest, entry, day: day.parse().ok()?, step, json })
}

/// The first digits of a digest.
fn sum(text: &str) -> [u8; 8] {
    *Digest::of(text).hexadecimal().first_chunk().unwrap_or(&[0; 8])
}

/// The day after the epoch.
pub(super) fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latest(run: &str) -> Latest {
        Latest::new(run.to_owned(), Outcome::default(), Reuse::Everywhere)
    }

    #[test]
    fn the_last_sound_line_of_a_step_counts() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("latest");
        let (one, two) = (Digest::of("1"), Digest::of("2"));
        let file = LatestFile::open(&path);
        file.add("a/b", &one, &latest("r1"))?;
        file.add("a/c", &one, &latest("r1"))?;
        file.add("a/b", &two, &latest("r2"))?;
        for file in [&file, &LatestFile::open(&path)] {
            assert_eq!(file.entry("a/b"), Some(two));
            assert!(file.get("a/b", &one).is_none());
            assert_eq!(file.get("a/b", &two).map(|latest| latest.run), Some("r2".to_owned()));
            assert_eq!(file.get("a/d", &two).map(|latest| latest.run), None);
        }
        let text = fs::read_to_string(&path)?;
        fs::write(&path, format!("{}{}", text.replace("\"r2\"", "\"r9\""), "half a li"))?;
        let file = LatestFile::open(&path);
        assert!(file.get("a/b", &two).is_none(), "its sum is wrong");
        assert_eq!(file.get("a/c", &one).map(|latest| latest.run), Some("r1".to_owned()));
        Ok(())
    }

    #[test]
    fn a_file_of_lines_that_count_no_more_is_written_anew() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("latest");
        for number in 0..10 {
            LatestFile::open(&path).add("a/b", &Digest::of([number]), &latest("r1"))?;
        }
        LatestFile::compact(&path)?;
        assert_eq!(fs::read_to_string(&path)?.lines().count(), 1);
        assert_eq!(LatestFile::open(&path).entry("a/b"), Some(Digest::of([9])));
        Ok(())
    }
}
