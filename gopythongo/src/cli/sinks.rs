//! Which reports a run has: its record always, and one for whoever started it.

use std::{
    fs::File,
    io::{IsTerminal, stderr, stdout},
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
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(Ndjson::new(redactor.clone(), record))];
    if executing.json {
        sinks.push(Box::new(Ndjson::new(redactor.clone(), stdout())));
        return Ok(sinks);
    }
    let (work, directory) = (Some(directory.work()), Some(place::shown(directory.path())));
    let (paint, result_paint) = (Paint::of(&stderr()), Paint::of(&stdout()));
    let telling = Telling { paint, result_paint, quiet: executing.quiet, directory, work };
    sinks.push(if stderr().is_terminal() && !executing.plain {
        Box::new(Live::new(telling, redactor.clone()))
    } else {
        Box::new(Console::new(telling, redactor.clone(), stderr(), stdout()))
    });
    Ok(sinks)
}
