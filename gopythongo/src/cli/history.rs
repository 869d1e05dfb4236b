//! What earlier runs left: read from their journals and records, without taking a lock.

use std::{fs, path::Path};

use crate::{
    event::RunState,
    journal::{Journal, JournalError, Record},
    plan::Plan,
    run::RunDirectory,
    support::Written,
};

/// An earlier run, or one that is running.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) id: String,
    /// What it executes; `None` if it ended before it began a step.
    pub(super) plan: Option<Written<Plan>>,
    /// How it ended; `None` if it runs, or was killed.
    pub(super) state: Option<RunState>,
    /// Who runs it, if somebody does: `pid 123: pipeline run`.
    pub(super) holder: Option<String>,
}

impl Past {
    /// Reads a run's journal.
    ///
    /// # Errors
    /// When the journal is damaged.
    pub(super) fn read(state: &Path, id: &str) -> Result<Self, JournalError> {
        let directory = RunDirectory::path_of(state, id);
        let journal = directory.join("journal.ndjson");
        let records = if journal.exists() { Journal::read(&journal)? } else { Vec::new() };
        let mut past = Self { id: id.to_owned(), plan: None, state: None, holder: holder(&directory) };
        for record in records {
            match record {
                Record::Started { plan, .. } => past.plan = Some(plan),
                Record::Finished { state } => past.state = Some(state),
                // it went on after its end
                _ => past.state = None,
            }
        }
        Ok(past)
    }

    /// Its state in words, and how to go on.
    pub(super) fn sentence(&self) -> String {
        let id = &self.id;
        if let Some(holder) = &self.holder {
            return format!("running ({holder})");
        }
        match &self.state {
            None if self.plan.is_none() => "ended before it began a step".to_owned(),
            None => format!("ended without a result; go on with `resume {id}`"),
            Some(RunState::Checked) => "passed; nothing was there to promote".to_owned(),
            Some(RunState::Promoted { generation }) => format!("promoted in generation {generation}"),
            Some(RunState::Live { generation, urls }) => {
                let urls: Vec<String> = urls.iter().map(|(place, url)| format!("{place} at {url}")).collect();
                let live = format!("live: {}", crate::support::words::list(&urls));
                generation.map_or(live.clone(), |generation| format!("promoted in generation {generation}, {live}"))
            }
            Some(RunState::NotLive { generation }) => {
                let promoted = generation.map(|generation| format!("promoted in generation {generation}, "));
                format!("{}not live; look at `logs`, go on with `resume {id}`", promoted.unwrap_or_default())
            }
            Some(RunState::Waiting { generation, steps }) => {
                let promoted = generation.map(|generation| format!("promoted in generation {generation}, "));
                let steps = crate::support::words::list(steps);
                format!("{}waits for approval at {steps}: `approve {id}`", promoted.unwrap_or_default())
            }
            Some(RunState::Staged { left_out }) => {
                let jobs = crate::support::words::list(left_out);
                format!("staged without {jobs}; go on with `promote {id}`")
            }
            Some(RunState::Failed) => format!("failed; look at `logs`, go on with `resume {id}`"),
            Some(RunState::Interrupted { signal }) => {
                format!("interrupted by signal {signal}; go on with `resume {id}`")
            }
        }
    }
}

/// What the lock's file says of its holder, if that process still lives. The lock itself is not touched.
fn holder(directory: &Path) -> Option<String> {
    let text = fs::read_to_string(directory.join("lock")).ok()?;
    let pid = text.strip_prefix("pid ")?.split(':').next()?;
    is_alive(pid).then(|| text.trim().to_owned())
}

/// Whether a process is there, and not dead with nobody having waited for it yet (proc_pid_stat(5)).
fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(state: Option<RunState>, holder: Option<&str>) -> Past {
        Past { id: "r1".to_owned(), plan: None, state, holder: holder.map(str::to_owned) }
    }

    fn plan() -> Written<Plan> {
        crate::testing::plan(crate::pipeline::Pipeline::new("p")).plan()
    }

    #[test]
    fn every_state_says_how_to_go_on() {
        let staged = RunState::Staged { left_out: vec!["shop".to_owned()] };
        assert_eq!(past(Some(staged), None).sentence(), "staged without shop; go on with `promote r1`");
        let urls = [("testing/shop".to_owned(), "http://127.0.0.1:8000/".to_owned())].into();
        let live = RunState::Live { generation: Some(3), urls };
        assert_eq!(
            past(Some(live), None).sentence(),
            "promoted in generation 3, live: testing/shop at http://127.0.0.1:8000/"
        );
        let red = RunState::NotLive { generation: Some(3) };
        assert_eq!(
            past(Some(red), None).sentence(),
            "promoted in generation 3, not live; look at `logs`, go on with `resume r1`"
        );
        let waiting = RunState::Waiting { generation: Some(3), steps: vec!["shop-live/switch:production".to_owned()] };
        assert_eq!(
            past(Some(waiting), None).sentence(),
            "promoted in generation 3, waits for approval at shop-live/switch:production: `approve r1`"
        );
        let begun = Past { plan: Some(plan()), ..past(None, None) };
        assert_eq!(begun.sentence(), "ended without a result; go on with `resume r1`");
        assert_eq!(past(None, None).sentence(), "ended before it began a step");
        assert_eq!(past(None, Some("pid 1: x")).sentence(), "running (pid 1: x)");
    }

    #[test]
    fn a_dead_holder_holds_nothing() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::write(directory.path().join("lock"), format!("pid {}: me\n", std::process::id())).expect("written");
        assert_eq!(holder(directory.path()), Some(format!("pid {}: me", std::process::id())));
        fs::write(directory.path().join("lock"), "pid 4194305: nobody\n").expect("written");
        assert_eq!(holder(directory.path()), None);
    }
}
