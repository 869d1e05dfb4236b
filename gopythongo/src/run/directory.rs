//! A run's directory: `runs/<id>/` with its journal, events, logs and lock.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
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
    /// Makes the directory of a new run. Its id is the time in UTC and four random letters: ids sort by time.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(state: &Path) -> Result<Self, RunError> {
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let stamp: String = now.chars().filter(char::is_ascii_alphanumeric).filter(|c| *c != 'Z').collect();
        let letters: String = std::iter::repeat_with(fastrand::lowercase).take(4).collect();
        Self::hold(state, format!("{}-{letters}", stamp.to_lowercase()))
    }

    /// Takes over the directory of an earlier run, the latest one if none is named.
    ///
    /// # Errors
    /// When there is no such run, or it is still running.
    pub fn open(state: &Path, id: Option<&str>) -> Result<Self, RunError> {
        let runs = Self::list(state)?;
        let id = match id {
            Some(id) if runs.iter().any(|run| run == id) => id.to_owned(),
            Some(id) => {
                let nearest = crate::support::words::nearest(id, runs.iter().map(String::as_str));
                let hint = nearest.map(|run| format!("did you mean `{run}`?"));
                return Err(RunError { hint, ..RunError::usage(format!("there is no run `{id}`")) });
            }
            None => runs.last().cloned().ok_or_else(|| RunError::usage("there is no earlier run".to_owned()))?,
        };
        Self::hold(state, id)
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
            Err(held) => Err(RunError::refused(format!("run `{id}` is still running ({})", held.holder))),
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
