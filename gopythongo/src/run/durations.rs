//! How long steps took, so that the longest way through a run is begun first. Losing it costs order, never truth.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{
    shared::SharedState,
    support::{Durability, Lines, write_atomic},
};

/// Where they are in shared state.
const SHARED: &str = "v2/durations";

/// Milliseconds of steps by their ids: of those that ran, the mean of the latest time and of what was known before.
#[derive(Debug)]
pub(super) struct Durations {
    path: PathBuf,
    known: Lines,
    /// Of those that ran in this run, if they are others than what was known.
    ran: Mutex<HashMap<String, u64>>,
}

impl Durations {
    /// What a file holds: a line `MILLISECONDS STEP` each; if it is missing, what other machines know. Lines that are none are
    /// left out.
    pub(super) fn open(path: &Path, shared: Option<&SharedState>) -> Self {
        let elsewhere = || String::from_utf8(shared?.read(SHARED)?).ok();
        let text = fs::read_to_string(path).ok().or_else(elsewhere).unwrap_or_default();
        Self { path: path.to_owned(), known: Lines::of(text, |line| Some(parse(line)?.0)), ran: Mutex::default() }
    }

    /// How long a step took, if it ever ran.
    pub(super) fn get(&self, step: &str) -> Option<u64> {
        let ran = self.ran.lock().unwrap_or_else(PoisonError::into_inner).get(step).copied();
        ran.or_else(|| self.known.get(step, parse))
    }

    /// A step ran.
    pub(super) fn ran(&self, step: &str, millis: u64) {
        let before = self.get(step);
        let mean = before.map_or(millis, |before| before.midpoint(millis));
        if before != Some(mean) {
            self.ran.lock().unwrap_or_else(PoisonError::into_inner).insert(step.to_owned(), mean);
        }
    }

    /// Writes the file back, if there is something new, and tells other machines.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn save(&self, shared: Option<&SharedState>) -> io::Result<()> {
        let ran = self.ran.lock().unwrap_or_else(PoisonError::into_inner);
        if ran.is_empty() {
            return Ok(());
        }
        let mut known: HashMap<&str, u64> = read(self.known.counting());
        known.extend(ran.iter().map(|(step, millis)| (step.as_str(), *millis)));
        if let Some(shared) = shared {
            shared.change(SHARED, |found| {
                let found = String::from_utf8_lossy(found.unwrap_or_default());
                let mut all = read(found.lines());
                all.extend(&known);
                Some(written(&all).into_bytes())
            });
        }
        write_atomic(&self.path, written(&known).as_bytes(), Durability::Cached)
    }
}

/// The step of a line, and its milliseconds.
fn parse(line: &str) -> Option<(&str, u64)> {
    let (millis, step) = line.trim_end_matches('\n').split_once(' ')?;
    Some((step, millis.parse().ok()?))
}

fn read<'a>(lines: impl Iterator<Item = &'a str>) -> HashMap<&'a str, u64> {
    lines.filter_map(parse).collect()
}

fn written(millis: &HashMap<&str, u64>) -> String {
    let mut lines: Vec<String> = millis.iter().map(|(step, millis)| format!("{millis} {step}\n")).collect();
    lines.sort();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_outlive_the_program_and_nonsense_is_none() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("durations");
        let durations = Durations::open(&path, None);
        durations.save(None)?;
        assert!(!path.exists(), "there is nothing to say");
        durations.ran("money/pytest", 1000);
        durations.ran("money/pytest", 2000);
        durations.ran("money/flake8", 10);
        durations.save(None)?;
        fs::write(&path, format!("nonsense\n{}", fs::read_to_string(&path)?))?;
        let durations = Durations::open(&path, None);
        assert_eq!(durations.get("money/pytest"), Some(1500));
        assert_eq!((durations.get("money/flake8"), durations.get("nonsense")), (Some(10), None));
        Ok(())
    }
}
