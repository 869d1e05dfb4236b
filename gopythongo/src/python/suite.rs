//! Running a suite with pytest in an environment of its own: what `pytest` and `integration-tests` share.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Coverage, Lock, Pytest, Toolchain,
    coverage_rc::{CoverageRc, Measured},
    installed,
    junit::Junit,
};
use crate::{
    context::{SourceTree, Survey},
    run::{
        Failure, Key, Work,
        process::{Command, Finished, Status},
    },
    store::Store,
    support::words,
};

/// The longest directory for temporary files that is sure to leave room for the names of Unix sockets (108 bytes).
const SHORT: usize = 40;

/// How many failed tests a message names.
const NAMED: usize = 5;

/// Starts measuring in every process of the environment, the first one included.
const START: &str =
    "import os; os.environ.get('COVERAGE_PROCESS_START') and __import__('coverage').process_startup()\n";

/// Puts the data of all processes together and writes them as JSON.
const REPORT: &str = "import coverage, sys
measured = coverage.Coverage(config_file=sys.argv[1])
measured.combine()
measured.save()
measured.json_report(outfile=sys.argv[2])
";

/// Adds what decides the outcome of a suite: source, wheel, lock, Python.
pub(super) fn key(options: &Pytest, key: &mut Key<'_>) -> Result<(), Failure> {
    key.source()?;
    for (kind, name) in [("wheel", "wheel"), ("resolve", "lock")] {
        let artifact = key.outcome(kind).and_then(|outcome| outcome.artifacts.get(name));
        let digest = artifact.map_or_else(|| "none".to_owned(), |artifact| artifact.digest.to_string());
        key.part(name, digest);
    }
    for name in &options.environment {
        key.part(format!("variable {name}"), std::env::var(name).unwrap_or_default());
    }
    let toolchain = key.service::<Toolchain>()?;
    let python = toolchain.for_source(options.python.as_deref(), &key.job()?.survey)?;
    key.part("Python", format!("{} {}", python.implementation, python.version));
    Ok(())
}

/// Runs the suite in `paths`, or what the project's configuration says if there are none.
pub(super) fn run(options: &Pytest, paths: &[PathBuf], work: &mut Work<'_>) -> Result<(), Failure> {
    let toolchain = work.service::<Toolchain>()?;
    let place = Place::make(work, &toolchain, options)?;
    let coverage = (!options.without_coverage).then(|| Measuring::prepare(work, &place)).transpose()?;
    let junit = work.output("junit", "junit.xml")?;

    let temporary = Temporary::of(work.scratch())?;
    let mut command = Command::new(place.environment.join("bin/python"))
        .args(["-m", "pytest"])
        .args(place.arguments(paths))
        .args(place.adjustments())
        .args(&options.args)
        .arg(format!("--junitxml={}", junit.display()))
        .directory(&place.checkout)
        .envs(place.variables(&toolchain, work, &options.environment))
        .env("TMPDIR", temporary.path())
        .ordinary_user();
    if let Some(coverage) = &coverage {
        command = command.env("COVERAGE_PROCESS_START", &coverage.rc);
    }
    let (finished, tail) = work.observe(&command)?;
    let report = match fs::read_to_string(&junit) {
        Ok(text) => Junit::read(&text, |path| place.checkout.join(path).is_file())
            .map_err(|error| Failure::new(format!("the JUnit report of pytest cannot be read: {error}")))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Junit::default(),
        Err(error) => return Err(Failure::io("cannot read", &junit)(error)),
    };
    work.tests(report.counts);
    if finished.status != Status::Exited(0) {
        let (message, hint) = judged(&report, &finished, &place);
        let failure = work.failed(&command, &finished, tail, message);
        return Err(hint.into_iter().fold(failure, |failure, hint| failure.hint(hint)));
    }
    fs::write(&junit, &report.text).map_err(Failure::io("cannot write", &junit))?;

    if let Some(coverage) = coverage {
        let covered = coverage.collect(work, &toolchain, &place)?.covered();
        work.fact("covered", covered.covered);
        work.fact("total", covered.total);
        work.summary(covered.to_string());
    }
    Ok(())
}

/// Why a suite did not pass, and what to do.
fn judged(report: &Junit, finished: &Finished, place: &Place) -> (String, Option<String>) {
    let counts = report.counts;
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
    match finished.status {
        Status::Exited(5) => {
            let hint = if place.survey.tests.is_empty() {
                "put tests into `tests/`, or name them: `.step(Pytest::new().paths([\"…\"]))`"
            } else {
                "pytest's own configuration may deselect all of them"
            };
            ("pytest found no tests".to_owned(), Some(hint.to_owned()))
        }
        Status::Exited(4) => {
            ("pytest was not used rightly: an argument, its configuration or a plug-in".to_owned(), None)
        }
        Status::Exited(code) => (format!("pytest ended with exit code {code} although no test failed"), None),
        status => (format!("pytest ended with {status}"), None),
    }
}

/// Where a suite runs: a copy of the source without the packages that the wheel brings, and an environment with them.
struct Place {
    checkout: PathBuf,
    environment: PathBuf,
    site: PathBuf,
    survey: Survey,
    /// Tests that stand inside the packages, as paths in the environment.
    inside: Vec<PathBuf>,
}

impl Place {
    fn make(work: &mut Work<'_>, toolchain: &Toolchain, options: &Pytest) -> Result<Self, Failure> {
        let python = toolchain.for_source(options.python.as_deref(), &work.job()?.survey)?.clone();
        let lock = match work.outcome("resolve").cloned() {
            Some(outcome) => Lock::of(work, &outcome)?,
            None => Lock::default(),
        };
        let wheels = match work.outcome("wheel") {
            Some(_) => vec![work.artifact("wheel", "wheel")?],
            None => Vec::new(),
        };
        let environment = work.scratch().join("env");
        toolchain.environment(work, &environment, &python, &lock, &wheels)?;
        for wheel in &wheels {
            installed::check(&environment, wheel)?;
        }
        check_owned(work, &lock, &environment)?;
        let site = installed::site_packages(&environment)?;
        let checkout = work.scratch().join("checkout");
        let tree = work.tree()?;
        tree.copy_to(&checkout).map_err(Failure::io("cannot copy the source to", &checkout))?;
        let survey = work.job()?.survey.clone();
        let mut place = Self { checkout, environment, site, survey, inside: Vec::new() };
        if !wheels.is_empty() {
            place.uncover(&tree)?;
        }
        Ok(place)
    }

    /// Takes the packages out of the copy, so that `import` finds the installed ones. Tests inside a package that the
    /// wheel leaves out are put beside the installed modules that they belong to.
    fn uncover(&mut self, tree: &SourceTree) -> Result<(), Failure> {
        let packages: Vec<PathBuf> = self.packages().to_vec();
        for package in &packages {
            let parent = package.parent().unwrap_or(Path::new(""));
            for file in tree.files.iter().filter(|file| file.path.starts_with(package)) {
                let test = self.survey.tests.iter().any(|test| file.path.starts_with(test))
                    || file.path.file_name().is_some_and(|name| name == "conftest.py");
                let target = self.site.join(file.path.strip_prefix(parent).unwrap_or(&file.path));
                if test && !target.exists() {
                    let directory = target.parent().unwrap_or(&self.site);
                    fs::create_dir_all(directory).map_err(Failure::io("cannot make", directory))?;
                    let from = tree.directory.join(&file.path);
                    fs::copy(&from, &target).map_err(Failure::io("cannot copy", &from))?;
                }
            }
            let inside = self.survey.tests.iter().filter(|test| test.starts_with(package));
            self.inside.extend(inside.map(|test| self.site.join(test.strip_prefix(parent).unwrap_or(test))));
            let copy = self.checkout.join(package);
            let removed = if copy.is_dir() { fs::remove_dir_all(&copy) } else { fs::remove_file(&copy) };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Failure::io("cannot remove", &copy)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn packages(&self) -> &[PathBuf] {
        self.survey.distribution.as_ref().map_or(&[], |distribution| &distribution.packages)
    }

    /// Tests that stand inside the packages, as paths in the checkout.
    fn tests_inside(&self) -> Vec<String> {
        let inside = |test: &&PathBuf| self.packages().iter().any(|package| test.starts_with(package));
        self.survey.tests.iter().filter(inside).map(|test| test.to_string_lossy().into_owned()).collect()
    }

    /// What pytest is asked to collect.
    fn arguments(&self, paths: &[PathBuf]) -> Vec<PathBuf> {
        if !paths.is_empty() {
            return paths.to_vec();
        }
        if self.inside.is_empty() {
            // the project's configuration knows, or pytest finds them below its directory
            return if self.survey.pytest.is_some() { Vec::new() } else { self.survey.tests.clone() };
        }
        let outside = self.survey.tests.iter().filter(|test| self.checkout.join(test).exists()).cloned();
        let mut arguments: Vec<PathBuf> = outside.chain(self.inside.iter().cloned()).collect();
        let configuration = self.survey.pytest.as_ref().map(|file| format!("--config-file={}", file.display()));
        arguments.extend([Some("--rootdir=.".to_owned()), configuration].into_iter().flatten().map(PathBuf::from));
        arguments
    }

    /// What in the project's `addopts` would fight with this machine or with us.
    fn adjustments(&self) -> Vec<String> {
        let addopts = self.survey.pytest_addopts.as_deref().unwrap_or_default();
        let words: Vec<&str> = addopts.split_whitespace().collect();
        let mut adjustments = Vec::new();
        if words.iter().any(|word| word.starts_with("--cov")) {
            // two measurements in one process take each other's events away
            adjustments.push("--no-cov".to_owned());
        }
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        if let Some(wanted) = workers(&words)
            && wanted > processors
        {
            adjustments.push(format!("-n{processors}"));
        }
        adjustments
    }

    fn variables(
        &self,
        toolchain: &Toolchain,
        work: &Work<'_>,
        names: &[String],
    ) -> std::collections::BTreeMap<std::ffi::OsString, std::ffi::OsString> {
        let mut variables = toolchain.base_env(work);
        let bin = self.environment.join("bin").into_os_string();
        let path = variables.remove(std::ffi::OsStr::new("PATH")).unwrap_or_default();
        let paths = std::iter::once(PathBuf::from(bin)).chain(std::env::split_paths(&path));
        variables.insert("PATH".into(), std::env::join_paths(paths).unwrap_or(path));
        variables.insert("VIRTUAL_ENV".into(), self.environment.clone().into_os_string());
        // the environment is this step's own: processes that the tests start find it compiled
        variables.remove(std::ffi::OsStr::new("PYTHONDONTWRITEBYTECODE"));
        for name in names {
            if let Some(value) = std::env::var_os(name) {
                variables.insert(name.into(), value);
            }
        }
        variables
    }
}

/// How many processes `addopts` asks of pytest-xdist; more than any machine has for a number that it finds itself.
fn workers(words: &[&str]) -> Option<usize> {
    let mut words = words.iter();
    let mut wanted = None;
    while let Some(word) = words.next() {
        let value = match *word {
            "-n" | "--numprocesses" => words.next().copied(),
            word => word.strip_prefix("--numprocesses=").or_else(|| {
                word.strip_prefix("-n")
                    .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == 'a' || c == 'l'))
            }),
        };
        wanted = value.map(|value| value.parse().unwrap_or(0)).or(wanted);
    }
    wanted
}

/// Checks that the owned packages of the lock are installed with the bytes that the store has.
fn check_owned(work: &Work<'_>, lock: &Lock, environment: &Path) -> Result<(), Failure> {
    for package in lock.owned() {
        let blobs = work.service::<Store>()?.blobs();
        for file in package.files.iter().filter(|file| file.file.ends_with(".whl")) {
            let blob = blobs.path(&file.sha256);
            if blob.exists() {
                installed::check(environment, &blob)?;
            }
        }
    }
    Ok(())
}

/// Coverage of a suite, from its configuration to the artifact.
struct Measuring {
    rc: PathBuf,
    data: PathBuf,
}

impl Measuring {
    fn prepare(work: &Work<'_>, place: &Place) -> Result<Self, Failure> {
        let directory = work.scratch().join("coverage");
        fs::create_dir_all(&directory).map_err(Failure::io("cannot make", &directory))?;
        let rc = match &place.survey.coverage {
            Some(configuration) => {
                let file = work.source().join(&configuration.file);
                let text = fs::read_to_string(&file).map_err(Failure::io("cannot read", &file))?;
                CoverageRc::read(&configuration.file, &text).map_err(|error| {
                    Failure::new(format!("`{}` cannot be read: {error}", configuration.file.display()))
                })?
            }
            None => CoverageRc::default(),
        };
        if let Some(bound) = rc.fail_under() {
            work.say(&format!("`fail_under = {bound}` is left out: a coverage ratchet decides"));
        }
        let names: BTreeSet<String> = place.packages().iter().filter_map(|package| module(package)).collect();
        let parents: BTreeSet<String> = place.packages().iter().map(|package| parent(package)).collect();
        let (names, parents): (Vec<_>, Vec<_>) = (names.into_iter().collect(), parents.into_iter().collect());
        let measured = if names.is_empty() || work.outcome("wheel").is_none() {
            Measured::Directory
        } else {
            Measured::Packages { names: &names, parents: &parents, tests: &place.tests_inside() }
        };
        let version = work.outcome("resolve").cloned().map(|outcome| Lock::of(work, &outcome)).transpose()?;
        let version = version.and_then(|lock| lock.package("coverage")?.version.parse::<pep440_rs::Version>().ok());
        let exits = version.is_some_and(|version| version.release() >= &[7, 10][..]);
        let measuring = Self { rc: directory.join("coveragerc"), data: directory.join("data") };
        let text = rc.text(&measured, &measuring.data, exits);
        fs::write(&measuring.rc, text).map_err(Failure::io("cannot write", &measuring.rc))?;
        let start = place.site.join("gopythongo_coverage.pth");
        fs::write(&start, START).map_err(Failure::io("cannot write", &start))?;
        Ok(measuring)
    }

    fn collect(&self, work: &mut Work<'_>, toolchain: &Toolchain, place: &Place) -> Result<Coverage, Failure> {
        let written = self.data.parent().and_then(|directory| fs::read_dir(directory).ok());
        let written = written
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("data."));
        if !written {
            return Err(Failure::new("the suite passed, but coverage measured nothing")
                .hint("do the tests import the package? `.step(Pytest::new().without_coverage())` does without"));
        }
        let json = work.scratch().join("coverage.json");
        let script = self.rc.with_file_name("report.py");
        fs::write(&script, REPORT).map_err(Failure::io("cannot write", &script))?;
        let command = Command::new(place.environment.join("bin/python"))
            .arg(script)
            .arg(&self.rc)
            .arg(&json)
            .directory(&place.checkout)
            .envs(toolchain.base_env(work));
        work.run(&command).map_err(|mut failure| {
            failure.message = format!("coverage cannot report: {}", failure.message);
            failure
        })?;
        let text = fs::read(&json).map_err(Failure::io("cannot read", &json))?;
        let tree = work.tree()?;
        let parents: BTreeSet<String> = place.packages().iter().map(|package| parent(package)).collect();
        let coverage = Coverage::read(&text, |path| Some(in_checkout(path, &parents, &tree)))
            .map_err(|error| Failure::new(format!("coverage's report cannot be read: {error}")))?;
        let bytes = serde_json::to_vec(&coverage).map_err(|error| Failure::new(error.to_string()))?;
        let output = work.output("coverage", "coverage.json")?;
        fs::write(&output, bytes).map_err(Failure::io("cannot write", &output))?;
        Ok(coverage)
    }
}

/// The path in the checkout of a measured file: installed files stand below one of the packages' parents there.
pub(super) fn in_checkout(path: &str, parents: &BTreeSet<String>, tree: &SourceTree) -> String {
    let Some((_, inner)) = path.rsplit_once("site-packages/") else {
        return path.split_once("/checkout/").map_or(path, |(_, inner)| inner).to_owned();
    };
    let places =
        parents.iter().map(|parent| if parent.is_empty() { inner.to_owned() } else { format!("{parent}/{inner}") });
    let mut places: Vec<String> = places.collect();
    let there = places.iter().position(|place| tree.files.iter().any(|file| file.path == Path::new(place)));
    // a generated file is in no checkout: it belongs beside the others
    if places.is_empty() { inner.to_owned() } else { places.swap_remove(there.unwrap_or(0)) }
}

/// The name that a package or module is imported by.
fn module(package: &Path) -> Option<String> {
    Some(package.file_stem()?.to_str()?.to_owned())
}

pub(super) fn parent(package: &Path) -> String {
    package.parent().map(|parent| parent.to_string_lossy().into_owned()).unwrap_or_default()
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

    #[test]
    fn the_number_of_workers_is_read_from_addopts() {
        let read = |text: &str| workers(&text.split_whitespace().collect::<Vec<_>>());
        assert_eq!(read("-ra -n 8 --strict"), Some(8));
        assert_eq!(read("-n4"), Some(4));
        assert_eq!(read("--numprocesses=2"), Some(2));
        assert_eq!(read("-n auto"), Some(0));
        assert_eq!(read("-ra --no-header"), None);
    }

    #[test]
    fn measured_files_are_named_as_in_the_checkout() {
        let file = |path: &str| crate::context::SourceFile {
            path: path.into(),
            executable: false,
            digest: crate::support::Digest::of(""),
        };
        let tree = SourceTree { directory: PathBuf::new(), files: vec![file("src/money/x.py"), file("six.py")] };
        let parents: BTreeSet<String> = [String::new(), "src".to_owned()].into();
        let name = |path: &str| in_checkout(path, &parents, &tree);
        assert_eq!(name("../env/lib/python3.11/site-packages/money/x.py"), "src/money/x.py");
        assert_eq!(name("/s/env/lib/python3.11/site-packages/six.py"), "six.py");
        assert_eq!(name("/s/checkout/shop/views.py"), "shop/views.py");
        assert_eq!(name("shop/views.py"), "shop/views.py");
    }
}
