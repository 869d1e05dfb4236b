//! `logs`: what the commands of a step printed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{Error, Exit, Session, place, print};
use crate::{run::RunDirectory, support::words};

/// `logs [STEP]`
#[derive(Debug, Args)]
pub(super) struct Logs {
    /// The step; without it, the logs are listed
    #[arg(value_name = "STEP")]
    step: Option<String>,
    /// The run; the latest one that has a log by default
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

impl Logs {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let state = &session.place.state;
        let latest = RunDirectory::find(state, self.run.as_deref())?;
        match &self.step {
            Some(step) if self.run.is_some() => print_log(state, &[latest], step),
            Some(step) => print_log(state, &RunDirectory::list(state)?, step),
            None => list(state, &latest),
        }
    }
}

/// Prints the log of a step in the latest of `runs` that has one: a step that was cached printed nothing.
fn print_log(state: &Path, runs: &[String], step: &str) -> Result<Exit, Error> {
    for run in runs.iter().rev() {
        let log = RunDirectory::log(&RunDirectory::path_of(state, run), step);
        let mut file = match fs::File::open(&log) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::lacking(format!("cannot read `{}`: {error}", log.display()))),
        };
        if Some(run) != runs.last() {
            print::note(format!("of run {run}, the latest one in which `{step}` ran"));
        }
        // a reader that has gone is no error
        let _ = io::copy(&mut file, &mut io::stdout());
        return Ok(Exit::Done);
    }
    let mut known: Vec<String> = runs.iter().flat_map(|run| steps(&RunDirectory::path_of(state, run))).collect();
    known.sort();
    known.dedup();
    let error = Error::usage(format!("there is no log of a step `{step}`"));
    Err(match words::nearest(step, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`logs` lists those of the latest run"),
    })
}

fn list(state: &Path, run: &str) -> Result<Exit, Error> {
    let directory = RunDirectory::path_of(state, run);
    let steps = steps(&directory);
    if steps.is_empty() {
        print::note(format!("no step of run {run} printed anything"));
    }
    let width = steps.iter().map(String::len).max().unwrap_or(0);
    for step in steps {
        let log = place::shown(&RunDirectory::log(&directory, &step));
        print::result(format!("{step:<width$}  {}", log.display()));
    }
    Ok(Exit::Done)
}

/// Ids of the steps that have a log in a run's directory, sorted.
fn steps(run: &Path) -> Vec<String> {
    let logs: PathBuf = run.join("logs");
    let files = walkdir::WalkDir::new(&logs).sort_by_file_name().into_iter().flatten();
    files
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| entry.path().strip_prefix(&logs).ok()?.to_str()?.strip_suffix(".log").map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_found_by_step() {
        let state = tempfile::tempdir().expect("a temporary directory");
        let run = RunDirectory::path_of(state.path(), "20261123t030102-abcd");
        for step in ["money/pytest:3.12", "promote"] {
            let log = RunDirectory::log(&run, step);
            fs::create_dir_all(log.parent().expect("a directory")).expect("made");
            fs::write(log, "text\n").expect("written");
        }
        assert_eq!(steps(&run), ["money/pytest:3.12", "promote"]);
        let error = print_log(state.path(), &["20261123t030102-abcd".to_owned()], "promoet").expect_err("no such log");
        assert!(error.to_string().ends_with("did you mean `promote`?"), "{error}");
    }
}
