//! Which reports a run has: its record always, and one for whoever started it.

use std::{
    fs::File,
    io::{IsTerminal, stderr, stdout},
    path::PathBuf,
};

use super::{arguments::Executing, error::Error, place};
use crate::{
    context::Redactor,
    event::Sink,
    report::{Console, Live, Ndjson, Paint, Telling},
    run::RunDirectory,
};

/// The reports of a run in `directory`.
///
/// # Errors
/// When the record cannot be written.
pub(super) fn sinks(
    executing: &Executing,
    directory: &RunDirectory,
    redactor: &Redactor,
) -> Result<Vec<Box<dyn Sink>>, Error> {
    let path = directory.path().join("events.ndjson");
    let record = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(|error| Error::lacking(format!("cannot write `{}`: {error}", path.display())))?;
    let record = Ndjson::new(redactor.clone(), record);
    if executing.json {
        // the record, line by line
        return Ok(vec![Box::new(record.and(stdout()))]);
    }
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(record)];
    sinks.extend(reports(executing, Some(directory.path().to_owned()), Some(directory.work()), redactor));
    Ok(sinks)
}

/// The reports for whoever looks on: of a run in `directory` whose steps work in `work`, if these are known.
pub(super) fn reports(
    executing: &Executing,
    directory: Option<PathBuf>,
    work: Option<PathBuf>,
    redactor: &Redactor,
) -> Vec<Box<dyn Sink>> {
    if executing.json {
        return vec![Box::new(Ndjson::new(redactor.clone(), stdout()))];
    }
    let directory = directory.map(|directory| place::shown(&directory));
    let (paint, result_paint) = (Paint::of(&stderr()), Paint::of(&stdout()));
    let telling = Telling { paint, result_paint, quiet: executing.quiet, directory, work };
    if stderr().is_terminal() && !executing.plain {
        vec![Box::new(Live::new(telling, redactor.clone()))]
    } else {
        vec![Box::new(Console::new(telling, redactor.clone(), stderr(), stdout()))]
    }
}
