//! Running a suite in an environment of its own: what `pytest` and `integration-tests` share.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::python::{
    Pytest, Toolchain, junit::Junit, measuring::Measuring, quarantine, runner::Runner, suite_place::SuitePlace, wheel,
};
use crate::{
    event::Event,
    run::{
        Failure, Key, Outcome, Work,
        process::{Command, Status},
    },
    support::words,
};

/// The longest directory for temporary files that is sure to leave room for the names of Unix sockets (108 bytes).
const SHORT: usize = 40;

/// How many failed tests a message names.
const NAMED: usize = 5;

/// Adds what decides the outcome of a suite: source, wheel, lock, Python.
pub(in crate::python) fn key(options: &Pytest, key: &mut Key<'_>) -> Result<(), Failure> {
    key.source()?;
    let own = |wheel: &Outcome| wheel::artifact_for(wheel, options.python.as_deref());
    let wheel = key.outcome("wheel").map_or_else(String::new, own);
    for (kind, name) in [("wheel", wheel.as_str()), ("resolve", "lock")] {
        let artifact = key.outcome(kind).and_then(|outcome| outcome.artifacts.get(name));
        let name = if kind == "wheel" { kind } else { name };
        let digest = artifact.map_or_else(|| "none".to_owned(), |artifact| artifact.digest.to_string());
        key.part(name, digest);
    }
    for name in options.environment.iter().filter(|name| !options.secrets.contains_key(*name)) {
        key.part(format!("variable {name}"), std::env::var(name).unwrap_or_default());
    }
    let toolchain = key.service::<Toolchain>()?;
    let python = toolchain.pythons().for_source(options.python.as_deref(), &key.job()?.survey)?;
    key.part("Python", format!("{} {}", python.implementation, python.version));
    key.program("the interpreter", &python.path)?;
    Ok(())
}

/// Runs the suite in `paths`, or what the project's configuration says if there are none.
pub(in crate::python) fn run(options: &Pytest, paths: &[PathBuf], work: &mut Work<'_>) -> Result<(), Failure> {
    let toolchain = work.service::<Toolchain>()?;
    let place = SuitePlace::make(work, &toolchain, options)?;
    let coverage = (!options.without_coverage).then(|| Measuring::prepare(work, &place)).transpose()?;
    let junit = work.output("junit", "junit.xml")?;

    let runner = Runner::of(&place.survey, options);
    let temporary = Temporary::of(work.scratch())?;
    let mut command = Command::new(place.environment.join("bin/python"))
        .args(runner.arguments(&place, paths, options, &junit, work)?)
        .directory(&place.checkout)
        .envs(place.variables(&toolchain, work, &options.environment))
        .env("TMPDIR", temporary.path())
        .ordinary_user();
    if let Some(coverage) = &coverage {
        command = command.env("COVERAGE_PROCESS_START", &coverage.rc);
    }
    let command = work.with_secrets(command)?;
    let (finished, tail) = work.observe(&command)?;
    let report = match fs::read_to_string(&junit) {
        Ok(text) => {
            let text = without_secrets(work, &junit, text)?;
            Junit::read(&text, |path| place.has(path)).map_err(|error| {
                Failure::new(format!("the JUnit report of {} cannot be read: {error}", runner.name()))
            })?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Junit::default(),
        Err(error) => return Err(Failure::io("cannot read", &junit)(error)),
    };
    work.tests(report.counts);
    let sorted = quarantine::sort(&report.failed, &options.quarantines, SystemTime::now());
    let quarantined = sorted.sentence();
    if let Some(sentence) = &quarantined {
        work.emit(Event::Warning { message: format!("`{}`: {sentence}", work.step().id) });
        work.only_for_this_run(format!("{sentence},"));
    }
    let only_held = quarantined.is_some()
        && sorted.free.is_empty()
        && report.broken.is_empty()
        && finished.status == Status::Exited(1);
    if (finished.status != Status::Exited(0) && !only_held) || report.is_empty() {
        let mut report = report;
        report.counts.failed -= u32::try_from(sorted.held.len()).unwrap_or_default();
        report.failed = sorted.free;
        let (message, hint) = judged(&runner, &report, finished.status, !place.survey.tests.is_empty());
        let hint = hint.or_else(|| sorted.ended.first().cloned());
        let failure = work.failed(&command, &finished, tail, message);
        return Err(hint.into_iter().fold(failure, |failure, hint| failure.hint(hint)));
    }
    fs::write(&junit, &report.text).map_err(Failure::io("cannot write", &junit))?;

    if let Some(coverage) = coverage {
        let covered = coverage.collect(work, &toolchain, &place)?.covered();
        work.fact("covered", covered.covered);
        work.fact("total", covered.total);
        work.summary(quarantined.into_iter().chain([covered.to_string()]).collect::<Vec<_>>().join("; "));
    }
    Ok(())
}

/// What a report says but secrets that tests were given, and printed or compared with something.
fn without_secrets(work: &Work<'_>, file: &Path, text: String) -> Result<String, Failure> {
    let redacted = work.redact(&text);
    if redacted != text {
        fs::write(file, &redacted).map_err(Failure::io("cannot write", file))?;
    }
    Ok(redacted)
}

/// Why a suite did not pass, and what to do. `has_tests` tells whether the source has what looks like tests.
fn judged(runner: &Runner, report: &Junit, status: Status, has_tests: bool) -> (String, Option<String>) {
    let (name, counts) = (runner.name(), report.counts);
    let all = counts.passed + counts.failed + counts.skipped;
    let named = |names: &[String]| {
        let more = if names.len() > NAMED { ", …" } else { "" };
        format!("{}{more}", names[..names.len().min(NAMED)].join(", "))
    };
    if !report.broken.is_empty() {
        let files = words::count(report.broken.len(), "test file");
        return (format!("{files} cannot be collected: {}", named(&report.broken)), None);
    }
    if !report.failed.is_empty() {
        let failed = format!("{} of {}", counts.failed, words::count(all as usize, "test"));
        return (format!("{failed} failed: {}", named(&report.failed)), None);
    }
    match status {
        Status::Exited(0) if report.text.is_empty() => {
            let hint = "something in the tests may end the process: `os._exit`, an extension module";
            (format!("{name} ended with exit code 0 before it wrote its report"), Some(hint.to_owned()))
        }
        Status::Exited(0 | 5) => (format!("{name} found no tests"), Some(runner.no_tests(has_tests).to_owned())),
        Status::Exited(4) if *runner == Runner::Pytest => {
            ("pytest was not used rightly: an argument, its configuration or a plug-in".to_owned(), None)
        }
        Status::Exited(code) => (format!("{name} ended with exit code {code} although no test failed"), None),
        status => (format!("{name} ended with {status}"), None),
    }
}

/// A directory for temporary files: in the scratch directory if paths below it are short enough for Unix sockets.
enum Temporary {
    Scratch(PathBuf),
    System(tempfile::TempDir),
}

impl Temporary {
    fn of(scratch: &Path) -> Result<Self, Failure> {
        let directory = scratch.join(".tmp");
        if directory.as_os_str().len() <= SHORT {
            fs::create_dir_all(&directory).map_err(Failure::io("cannot make", &directory))?;
            return Ok(Self::Scratch(directory));
        }
        let made = tempfile::Builder::new().prefix("gopythongo-").tempdir();
        made.map(Self::System).map_err(Failure::io("cannot make a directory in", &std::env::temp_dir()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Scratch(path) => path,
            Self::System(directory) => directory.path(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::TestCounts;

    fn message(report: &Junit, status: Status) -> String {
        judged(&Runner::Pytest, report, status, true).0
    }

    #[test]
    fn a_suite_without_a_test_or_a_report_has_not_passed() {
        let none = Junit { text: b"<testsuites/>".to_vec(), ..Junit::default() };
        assert_eq!(message(&none, Status::Exited(5)), "pytest found no tests");
        assert_eq!(message(&none, Status::Exited(0)), "pytest found no tests");
        let ended = message(&Junit::default(), Status::Exited(0));
        assert_eq!(ended, "pytest ended with exit code 0 before it wrote its report");
    }

    #[test]
    fn a_failure_names_its_tests() {
        let counts = TestCounts { passed: 3, failed: 1, skipped: 0 };
        let report = Junit { counts, failed: vec!["tests/test_x.py::test_y".to_owned()], ..Junit::default() };
        assert_eq!(message(&report, Status::Exited(1)), "1 of 4 tests failed: tests/test_x.py::test_y");
        let green = Junit { counts: TestCounts { failed: 0, ..counts }, ..Junit::default() };
        assert_eq!(message(&green, Status::Signalled(11)), "pytest ended with signal 11 (SIGSEGV)");
    }
}
