//! How long steps took, so that the longest way through a run is begun first. Losing it costs order, never truth.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{
    shared::SharedState,
    support::{Durability, write_atomic},
};

/// Where they are in shared state.
const SHARED: &str = "v2/durations";

/// Milliseconds of steps by their ids: of those that ran, the mean of the latest time and of what was known before.
#[derive(Debug)]
pub(super) struct Durations {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    millis: HashMap<String, u64>,
    changed: bool,
}

impl Durations {
    /// What a file holds: a line `MILLISECONDS STEP` each; if it is missing, what other machines know. Lines that are none are
    /// left out.
    pub(super) fn open(path: &Path, shared: Option<&SharedState>) -> Self {
        let elsewhere = || String::from_utf8(shared?.read(SHARED)?).ok();
        let text = fs::read_to_string(path).ok().or_else(elsewhere).unwrap_or_default();
        Self { path: path.to_owned(), known: Mutex::new(Known { millis: read(&text), changed: false }) }
    }

    /// How long a step took, if it ever ran.
    pub(super) fn get(&self, step: &str) -> Option<u64> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).millis.get(step).copied()
    }

    /// A step ran.
    pub(super) fn ran(&self, step: &str, millis: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mean = known.millis.get(step).map_or(millis, |before| before.midpoint(millis));
        known.changed |= known.millis.insert(step.to_owned(), mean) != Some(mean);
    }

    /// Writes the file back, if there is something new, and tells other machines.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn save(&self, shared: Option<&SharedState>) -> io::Result<()> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.changed {
            return Ok(());
        }
        if let Some(shared) = shared {
            shared.change(SHARED, |found| {
                let mut all = read(&String::from_utf8_lossy(found.unwrap_or_default()));
                all.extend(known.millis.clone());
                Some(written(&all).into_bytes())
            });
        }
        write_atomic(&self.path, written(&known.millis).as_bytes(), Durability::Cached)
    }
}

fn read(text: &str) -> HashMap<String, u64> {
    let line = |line: &str| {
        let (millis, step) = line.split_once(' ')?;
        Some((step.to_owned(), millis.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

fn written(millis: &HashMap<String, u64>) -> String {
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
