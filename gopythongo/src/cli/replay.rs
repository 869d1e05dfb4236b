//! `replay`: shows a recorded run in the reports of a live one. Nothing is done, and no lock is taken.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Error, Exit, Session, arguments::Executing, sinks::reports};
use crate::{
    context::Redactor,
    event::{Event, RunState, Stamped},
    plan::StepId,
    report,
    run::{Ended, Failure, RunDirectory},
};

/// `replay FILE`
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The record, `events.ndjson` or what `run --json` printed; the id of a run of this state does too
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the events as they are
    #[arg(long)]
    json: bool,
    /// Leave out that steps start and what their commands print
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
}

impl Replay {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let (file, events) = record(&session.place.state, &self.file)?;
        // the record of a run of ours lies in its directory, beside its logs
        let directory = file.parent().filter(|directory| directory.join("journal.ndjson").exists());
        let work = events.first().filter(|_| directory.is_some());
        let work = work.map(|first| session.place.state.join("work").join(&first.run));
        let executing = Executing { json: self.json, quiet: self.quiet, plain: true, ..Executing::default() };
        let mut reports = reports(&executing, directory.map(Path::to_owned), work, &Redactor::default());
        for event in &events {
            reports.iter_mut().for_each(|report| report.event(event));
        }
        Ok(ended(&events).as_ref().map_or(Exit::Done, Exit::from))
    }
}

/// Reads a record by its path, or by the id of the run.
///
/// # Errors
/// When there is no such file, it is no record, or it holds nothing.
pub(super) fn record(state: &Path, file: &Path) -> Result<(PathBuf, Vec<Stamped>), Error> {
    let of_run = RunDirectory::path_of(state, &file.to_string_lossy()).join("events.ndjson");
    let path = if !file.exists() && of_run.exists() { of_run } else { file.to_owned() };
    let events = report::read(&path).map_err(|error| {
        let error = Error::usage(error.to_string());
        error.hint("a record is what `run --json` prints, and `events.ndjson` in a run's directory")
    })?;
    if events.is_empty() {
        return Err(Error::usage(format!("`{}` records nothing", path.display())));
    }
    Ok((path, events))
}

/// How a recorded run ended; `None` for one that was killed.
fn ended(events: &[Stamped]) -> Option<Ended> {
    let mut failures: Vec<(StepId, Failure)> = Vec::new();
    let mut state: Option<RunState> = None;
    for stamped in events {
        match &stamped.event {
            Event::RunStarted { .. } | Event::Rebased { .. } => {
                failures.clear();
                state = None;
            }
            Event::StepFinished { step, failure: Some(failure), .. } => {
                failures.push((step.clone(), (**failure).clone()));
            }
            Event::RunFinished { state: ended, .. } => state = Some(ended.clone()),
            _ => {}
        }
    }
    Some(Ended { state: state?, failures })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::event::StepOutcome;

    fn stamped(events: Vec<Event>) -> Vec<Stamped> {
        let stamp = |event| Stamped { time: SystemTime::UNIX_EPOCH, run: "r1".to_owned(), event };
        events.into_iter().map(stamp).collect()
    }

    #[test]
    fn a_replay_ends_as_its_run_did() {
        let failed = Event::StepFinished {
            step: "money/pytest".to_owned(),
            outcome: StepOutcome::Failed,
            reason: None,
            ms: 1,
            cpu_ms: 1,
            commands_ms: 1,
            result: None,
            failure: Some(Box::new(Failure::lacking("no connection"))),
        };
        let finished = |state| Event::RunFinished { state, ms: 1 };
        let exit = |events| ended(&stamped(events)).as_ref().map(Exit::from);
        assert_eq!(exit(vec![failed.clone(), finished(RunState::Failed)]), Some(Exit::Lacking));
        assert_eq!(exit(vec![finished(RunState::Checked)]), Some(Exit::Done));
        assert_eq!(exit(vec![failed]), None, "it was killed");
    }

    #[test]
    fn what_is_no_record_is_said() {
        let state = tempfile::tempdir().expect("a temporary directory");
        let file = state.path().join("notes.txt");
        std::fs::write(&file, "not JSON\nat all\n").expect("written");
        let error = record(state.path(), &file).expect_err("no record").to_string();
        assert!(error.contains("notes.txt` line 1:"), "{error}");
        std::fs::write(&file, "").expect("written");
        let error = record(state.path(), &file).expect_err("empty").to_string();
        assert!(error.contains("records nothing"), "{error}");
    }
}
