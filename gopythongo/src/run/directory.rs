//! A run's directory: `runs/<id>/` with its journal, events, logs and lock.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::RunError;
use crate::support::FileLock;

/// A run's directory, held by its lock.
#[derive(Debug)]
pub struct RunDirectory {
    id: String,
    path: PathBuf,
    state: PathBuf,
    _lock: FileLock,
}

impl RunDirectory {
    /// Makes the directory of a new run. Its id is the time in UTC: seconds, and their fraction in four letters, so that ids
    /// sort by time also where two runs begin within a second. Where the clock went back, the id is the next one after the
    /// latest run's: the order of ids is that of the runs.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(state: &Path) -> Result<Self, RunError> {
        Self::create_at(state, SystemTime::now())
    }

    fn create_at(state: &Path, now: SystemTime) -> Result<Self, RunError> {
        let runs = state.join("runs");
        fs::create_dir_all(&runs).map_err(|error| RunError::io("cannot make", &runs, &error))?;
        let latest = Self::list(state)?.into_iter().rev().find(|run| Self::begun(run).is_some());
        let mut id = match latest.filter(|latest| *latest >= id(now)) {
            Some(latest) => after(&latest),
            None => id(now),
        };
        loop {
            let path = runs.join(&id);
            match fs::create_dir(&path) {
                Ok(()) => return Self::hold(state, id),
                // another run began meanwhile
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => id = after(&id),
                Err(error) => return Err(RunError::io("cannot make", &path, &error)),
            }
        }
    }

    /// Takes over the directory of an earlier run, the latest one if none is named.
    ///
    /// # Errors
    /// When there is no such run, or it is still running.
    pub fn open(state: &Path, id: Option<&str>) -> Result<Self, RunError> {
        Self::hold(state, Self::find(state, id)?)
    }

    /// The id of an earlier run, the latest one if none is named.
    ///
    /// # Errors
    /// When there is no such run.
    pub fn find(state: &Path, id: Option<&str>) -> Result<String, RunError> {
        let mut runs = Self::list(state)?;
        if runs.is_empty() {
            let hint = Some("`run` makes the first one; `--state DIR` looks elsewhere".to_owned());
            return Err(RunError { hint, ..RunError::usage(format!("there is no run in `{}`", state.display())) });
        }
        match id {
            Some(id) if !runs.iter().any(|run| run == id) => {
                let nearest = crate::support::words::nearest(id, runs.iter().map(String::as_str));
                let nearest = nearest.map(|run| format!("did you mean `{run}`?"));
                let hint = nearest.or_else(|| Some(format!("the latest one is `{}`", runs.last()?)));
                Err(RunError { hint, ..RunError::usage(format!("there is no run `{id}`")) })
            }
            Some(id) => Ok(id.to_owned()),
            None => Ok(runs.pop().unwrap_or_default()),
        }
    }

    /// The ids of all runs, oldest first.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(state: &Path) -> Result<Vec<String>, RunError> {
        let directory = state.join("runs");
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(RunError::io("cannot read", &directory, &error)),
        };
        let mut runs: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        runs.sort();
        Ok(runs)
    }

    /// When a run began, by its id.
    #[must_use]
    pub fn begun(id: &str) -> Option<SystemTime> {
        let stamp = id.split('-').next().filter(|stamp| stamp.len() == 15 && stamp.is_ascii())?;
        let mut time = *b"0000-00-00T00:00:00Z";
        for (place, digits) in [(0, 0..4), (5, 4..6), (8, 6..8), (11, 9..11), (14, 11..13), (17, 13..15)] {
            time[place..place + digits.len()].copy_from_slice(&stamp.as_bytes()[digits]);
        }
        humantime::parse_rfc3339(str::from_utf8(&time).ok()?).ok()
    }

    /// Where a run's directory is.
    #[must_use]
    pub fn path_of(state: &Path, id: &str) -> PathBuf {
        state.join("runs").join(id)
    }

    fn hold(state: &Path, id: String) -> Result<Self, RunError> {
        let path = Self::path_of(state, &id);
        let lock = path.join("lock");
        match FileLock::attempt(&lock).map_err(|error| RunError::io("cannot lock", &lock, &error))? {
            Ok(lock) => Ok(Self { id, path, state: state.to_owned(), _lock: lock }),
            Err(held) => {
                let hint = Some("wait for its end, or interrupt it and go on with `resume`".to_owned());
                Err(RunError { hint, ..RunError::refused(format!("run `{id}` is still running ({})", held.holder)) })
            }
        }
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The state directory that it is in.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The log of a step: `logs/money/pytest.log`.
    #[must_use]
    pub fn log(run: &Path, step: &str) -> PathBuf {
        run.join("logs").join(format!("{step}.log"))
    }

    /// Where the steps of this run work.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.state.join("work").join(&self.id)
    }

    /// Where a step of the run works, below [`work`](Self::work).
    #[must_use]
    pub fn scratch(work: &Path, step: &str) -> PathBuf {
        // Python refuses to make environments below a path with a colon
        work.join(step.replace(':', "@"))
    }

    /// Where a step that works in a scratch directory puts what it leaves: a directory an artifact.
    #[must_use]
    pub fn outputs(scratch: &Path) -> PathBuf {
        scratch.join(".outputs")
    }

    /// Removes what the work directories of dead runs still hold.
    pub(super) fn sweep(&self) {
        let Ok(entries) = fs::read_dir(self.state.join("work")) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let lock = self.state.join("runs").join(&name).join("lock");
            if name != self.id.as_str() && !matches!(FileLock::attempt(&lock), Ok(Err(_))) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// How many ids a second has.
const LETTERS: u64 = 26u64.pow(4);

/// `20261123t041605-cyva`: the letters count 456,976ths of a second (26⁴).
fn id(time: SystemTime) -> String {
    let fraction = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    numbered(time, u64::from(fraction) * LETTERS / 1_000_000_000)
}

/// The id after this one, and before all later ones.
fn after(id: &str) -> String {
    let second = RunDirectory::begun(id).unwrap_or(SystemTime::UNIX_EPOCH);
    let letters = id.rsplit('-').next().unwrap_or_default().bytes();
    let part = letters.fold(0, |part, letter| part * 26 + u64::from(letter.saturating_sub(b'a'))) + 1;
    numbered(second + Duration::from_secs(part / LETTERS), part % LETTERS)
}

/// The id of a part of a second.
fn numbered(second: SystemTime, part: u64) -> String {
    let seconds = humantime::format_rfc3339_seconds(second).to_string();
    let stamp: String = seconds.chars().filter(char::is_ascii_alphanumeric).filter(|c| *c != 'Z').collect();
    let letter = |place: u32| char::from(b'a' + u8::try_from(part / 26u64.pow(place) % 26).unwrap_or_default());
    let letters: String = (0..4).rev().map(letter).collect();
    format!("{}-{letters}", stamp.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_within_a_second_too() {
        let begin = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_406_400);
        let ids: Vec<String> =
            [0, 3, 999, 400_000, 999_999].map(|micros| id(begin + Duration::from_micros(micros))).into();
        assert_eq!(ids[0], "20261123t040000-aaaa");
        assert_eq!(ids[4], "20261123t040000-zzzz");
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }

    #[test]
    fn a_clock_that_jumps_back_changes_no_order_of_runs() -> Result<(), RunError> {
        let state = tempfile::tempdir().expect("a directory");
        let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_435_200);
        let hour = Duration::from_secs(3600);
        let mut begun = Vec::new();
        // forth, back beyond the first run, the same moment again, and on
        for now in [noon, noon + hour, noon - 9_000 * hour, SystemTime::UNIX_EPOCH, noon + hour, noon + 2 * hour] {
            begun.push(RunDirectory::create_at(state.path(), now)?.id().to_owned());
            assert_eq!(RunDirectory::open(state.path(), None)?.id(), begun[begun.len() - 1], "it is the latest");
        }
        assert_eq!(RunDirectory::list(state.path())?, begun);
        assert_eq!(
            begun[1..5].iter().map(|id| &id[11..]).collect::<Vec<_>>(),
            ["0000-aaaa", "0000-aaab", "0000-aaac", "0000-aaad"]
        );
        assert_eq!(after("20261123t125959-zzzz"), "20261123t130000-aaaa");
        Ok(())
    }

    #[test]
    fn runs_that_begin_at_one_moment_are_several() {
        let state = tempfile::tempdir().expect("a directory");
        let begin = || RunDirectory::create_at(state.path(), SystemTime::UNIX_EPOCH).map(|run| run.id().to_owned());
        let mut ids: Vec<String> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
            runs.into_iter().map(|run| run.join().expect("no panic").expect("a run")).collect()
        });
        ids.sort();
        assert_eq!(RunDirectory::list(state.path()).expect("readable"), ids);
        ids.dedup();
        assert_eq!(ids.len(), 8);
    }
}
