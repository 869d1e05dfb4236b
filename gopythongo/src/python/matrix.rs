//! What tox and nox share: one result an environment, judged together; a copy of the source to run in; coverage that the
//! project's own commands leave behind.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use quick_xml::{
    Writer,
    events::{BytesEnd, BytesStart, BytesText, Event as Xml},
};

use super::{
    Coverage, Resolve, Tool, Toolchain,
    coverage_rc::{CoverageRc, Measured},
    defaults, lint,
    owned::{Owned, requires_dist},
    question::Question,
};
use crate::{
    context::{Context, Interpreter, JobContext, SourceTree},
    event::Event,
    run::{Failure, Key, TestCounts, Work, process::Command},
    store::Store,
    support::words,
};

/// How one environment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    Passed,
    /// With an exit code, where one is known.
    Failed(Option<i32>),
    /// It was not run: there is no such Python, as a rule. Never a pass.
    Unknown,
}

/// One environment of tox, one session of nox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Environment {
    pub(super) name: String,
    pub(super) ending: Ending,
    /// What its suite counted, where its output says so.
    pub(super) counts: Option<TestCounts>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Verdict {
    /// `environment`, `session`.
    pub(super) noun: &'static str,
    pub(super) environments: Vec<Environment>,
}

impl Verdict {
    /// Why they did not pass together, if they did not. `required` must not be unknown.
    pub(super) fn failure(&self, required: &[String]) -> Option<Failure> {
        let named = |wanted: &dyn Fn(&Environment) -> bool| -> Vec<&Environment> {
            self.environments.iter().filter(|environment| wanted(environment)).collect()
        };
        let failed = named(&|environment| matches!(environment.ending, Ending::Failed(_)));
        if !failed.is_empty() {
            let names: Vec<String> = failed.iter().map(|environment| environment.told()).collect();
            let all = words::count(self.environments.len(), self.noun);
            return Some(Failure::new(format!("{} of {all} failed: {}", failed.len(), words::list(&names))));
        }
        let absent = required.iter().find(|name| !self.environments.iter().any(|known| &known.name == *name));
        if let Some(absent) = absent {
            let known: Vec<&str> = self.environments.iter().map(|environment| environment.name.as_str()).collect();
            let failure = Failure::new(format!("the {} `{absent}` is required, but it was not run", self.noun));
            return Some(failure.hint(format!("the project's own configuration runs {}", words::list(&known))));
        }
        let unknown = named(&|environment| environment.ending == Ending::Unknown);
        let names = |environments: &[&Environment]| {
            words::list(&environments.iter().map(|environment| format!("`{}`", environment.name)).collect::<Vec<_>>())
        };
        let needed: Vec<&Environment> =
            unknown.iter().filter(|environment| required.contains(&environment.name)).copied().collect();
        if !needed.is_empty() {
            return Some(
                Failure::lacking(format!("{} is required, but unknown: its Python is not here", names(&needed)))
                    .hint("install that Python, or require less"),
            );
        }
        if unknown.len() == self.environments.len() {
            return Some(if unknown.is_empty() {
                Failure::new(format!("no {} was run", self.noun))
            } else {
                Failure::lacking(format!("nothing was tested: the Pythons of {} are not here", names(&unknown)))
            });
        }
        None
    }

    /// What passed and what is unknown, in a line.
    pub(super) fn summary(&self) -> String {
        let passed = self.environments.iter().filter(|environment| environment.ending == Ending::Passed).count();
        let mut summary = format!("{} passed", words::count(passed, self.noun));
        let unknown = self.unknown();
        if !unknown.is_empty() {
            summary.push_str(&format!(", {} unknown", words::list(&unknown)));
        }
        summary
    }

    fn unknown(&self) -> Vec<&str> {
        let unknown = self.environments.iter().filter(|environment| environment.ending == Ending::Unknown);
        unknown.map(|environment| environment.name.as_str()).collect()
    }

    fn counts(&self) -> Option<TestCounts> {
        self.environments.iter().filter_map(|environment| environment.counts).reduce(|a, b| TestCounts {
            passed: a.passed + b.passed,
            failed: a.failed + b.failed,
            skipped: a.skipped + b.skipped,
        })
    }

    /// A JUnit report with one case an environment.
    fn junit(&self, suite: &str) -> std::io::Result<Vec<u8>> {
        let mut writer = Writer::new(Vec::new());
        let mut testsuite = BytesStart::new("testsuite");
        testsuite.push_attribute(("name", suite));
        testsuite.push_attribute(("tests", self.environments.len().to_string().as_str()));
        testsuite.push_attribute(("skipped", self.unknown().len().to_string().as_str()));
        writer.write_event(Xml::Start(testsuite))?;
        for environment in &self.environments {
            let mut case = BytesStart::new("testcase");
            case.push_attribute(("classname", suite));
            case.push_attribute(("name", environment.name.as_str()));
            writer.write_event(Xml::Start(case))?;
            if environment.ending == Ending::Unknown {
                writer.write_event(Xml::Start(BytesStart::new("skipped")))?;
                writer.write_event(Xml::Text(BytesText::new("its Python is not here")))?;
                writer.write_event(Xml::End(BytesEnd::new("skipped")))?;
            }
            writer.write_event(Xml::End(BytesEnd::new("testcase")))?;
        }
        writer.write_event(Xml::End(BytesEnd::new("testsuite")))?;
        Ok(writer.into_inner())
    }

    /// Leaves counts, warnings, the JUnit report and the summary of a matrix that passed.
    pub(super) fn leave(&self, work: &mut Work<'_>, coverage: &Coverage) -> Result<(), Failure> {
        let (job, kind) = (work.step().job.clone(), work.step().kind.clone());
        let unknown = self.unknown();
        if !unknown.is_empty() {
            let names = words::list(&unknown);
            work.emit(Event::Warning {
                message: format!("{kind} of `{job}`: {names} unknown, its Python is not here"),
            });
        }
        if let Some(counts) = self.counts() {
            work.tests(counts);
        }
        let mut summary = self.summary();
        let covered = coverage.covered();
        if covered.total > 0 {
            work.fact("covered", covered.covered);
            work.fact("total", covered.total);
            summary.push_str(&format!(", {covered}"));
        }
        work.summary(summary);
        let report = self.junit(&kind).map_err(|error| Failure::new(error.to_string()))?;
        let data = serde_json::to_vec(coverage).map_err(|error| Failure::new(error.to_string()))?;
        for (artifact, file, bytes) in [("junit", "junit.xml", report), ("coverage", "coverage.json", data)] {
            let path = work.output(artifact, file)?;
            fs::write(&path, bytes).map_err(Failure::io("cannot write", &path))?;
        }
        Ok(())
    }
}

impl Environment {
    fn told(&self) -> String {
        let failed = self.counts.filter(|counts| counts.failed > 0);
        match (failed, &self.ending) {
            (Some(counts), _) => {
                let all = counts.passed + counts.failed + counts.skipped;
                format!("`{}` ({} of {} failed)", self.name, counts.failed, words::count(all as usize, "test"))
            }
            (None, Ending::Failed(Some(code))) => format!("`{}` (exit code {code})", self.name),
            _ => format!("`{}`", self.name),
        }
    }
}

/// The counts in the last line that pytest prints: `== 2 failed, 76 passed, 1 skipped in 0.12s ==`.
pub(super) fn counts(output: &str) -> Option<TestCounts> {
    output.lines().rev().find_map(|line| {
        let line = line.trim().trim_matches('=').trim();
        let (results, _) = line.rsplit_once(" in ")?;
        let mut counts = TestCounts::default();
        let mut any = false;
        for result in results.split(", ") {
            let (number, word) = result.split_once(' ')?;
            let number: u32 = number.parse().ok()?;
            match word {
                "passed" | "xfailed" | "xpassed" => counts.passed += number,
                "failed" | "error" | "errors" => counts.failed += number,
                "skipped" => counts.skipped += number,
                "warning" | "warnings" | "deselected" | "rerun" | "subtests passed" => {}
                _ => return None,
            }
            any = true;
        }
        any.then_some(counts)
    })
}

/// Owned packages that the project's environments must take, as constraints: `name==version`.
fn owned_pins(
    store: &Store,
    run: &str,
    context: &Context,
    job: (&str, &JobContext),
    python: &Interpreter,
    metadata: Option<&Path>,
) -> Result<Vec<String>, Failure> {
    let requires = metadata.map(|file| {
        let bytes = fs::read(file).map_err(Failure::io("cannot read", file))?;
        requires_dist(bytes).map_err(|error| Failure::new(format!("the wheel of `{}`: {error}", job.0)))
    });
    let question = Question::new(&Resolve::default(), job.1, job.0, python, requires.transpose()?, "")?;
    let owned = Owned::seen(store, run, context)?;
    let needs = question.reached(&owned, python);
    match owned.conflict(&needs, &context.channel) {
        Some(conflict) => Err(conflict),
        None => Ok(question.owned_pins(&owned, &needs)),
    }
}

/// Adds what decides the outcome: source, wheel, the tool, the Pythons there are, owned packages.
pub(super) fn key(key: &mut Key<'_>, tool: &str, version: Option<&String>) -> Result<(), Failure> {
    key.source()?;
    let wheel = key.outcome("wheel").and_then(|outcome| outcome.artifacts.get("wheel"));
    let wheel = wheel.map_or_else(|| "none".to_owned(), |artifact| artifact.digest.to_string());
    key.part("wheel", wheel);
    let toolchain = key.service::<Toolchain>()?;
    let python = toolchain.interpreter(None)?;
    key.part(tool, lint::version(tool, version, &key.job()?.survey, &python.version)?);
    let pythons: Vec<String> =
        toolchain.pythons().iter().map(|python| format!("{} {}", python.implementation, python.version)).collect();
    key.part("Pythons", pythons.join(", "));
    let metadata = key.outcome("wheel").and_then(|outcome| outcome.artifacts.get("metadata"));
    let metadata = metadata.map(|artifact| key.blob(&artifact.digest));
    let store = key.service::<Store>()?;
    let job = (key.step().job.as_str(), key.job()?);
    let pins = owned_pins(&store, key.run_id(), key.context(), job, python, metadata.as_deref())?;
    key.part("owned packages", pins.join(", "));
    Ok(())
}

/// Where the project's own commands run.
pub(super) struct Ground {
    pub(super) checkout: PathBuf,
    pub(super) wheel: PathBuf,
    /// The environment of the tool.
    pub(super) tool: PathBuf,
    pub(super) variables: BTreeMap<OsString, OsString>,
}

/// Prepares a copy of the source, the tool, and an environment in which pip and uv see the run's index alone.
pub(super) fn prepare(work: &mut Work<'_>, tool: &str, version: Option<&String>) -> Result<Ground, Failure> {
    let toolchain = work.service::<Toolchain>()?;
    let python = toolchain.interpreter(None)?.clone();
    let version = lint::version(tool, version, &work.job()?.survey, &python.version)?;
    let wheel = work.artifact("wheel", "wheel")?;
    let metadata = work.artifact("wheel", "metadata")?;
    let name = work.step().job.clone();
    let store = work.service::<Store>()?;
    let job = (name.as_str(), work.job()?);
    let pins = owned_pins(&store, work.run_id(), work.context(), job, &python, Some(&metadata))?;
    let constraints = work.scratch().join("constraints.txt");
    fs::write(&constraints, format!("{}\n", pins.join("\n"))).map_err(Failure::io("cannot write", &constraints))?;
    let checkout = work.scratch().join("checkout");
    work.tree()?.copy_to(&checkout).map_err(Failure::io("cannot copy the source to", &checkout))?;

    let uv = match toolchain.installer(work)? {
        super::Installer::Uv(program) => Some(program),
        super::Installer::Pip => None,
    };
    let mut wanted = Tool::new(tool, &version).python(&python);
    if uv.is_some() && tool == "tox" {
        let plugin = defaults::version("tox-uv").map_or_else(|| "tox-uv".to_owned(), |v| format!("tox-uv=={v}"));
        wanted = wanted.with([plugin]);
    }
    let tool = toolchain.tool(work, &wanted)?;
    let mut variables = toolchain.installer_env(work);
    // every Python is found by its name: `python3.9`
    let own = uv.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let pythons = toolchain.pythons().iter().filter_map(|python| python.path.parent().map(Path::to_path_buf));
    let path = variables.remove(std::ffi::OsStr::new("PATH")).unwrap_or_default();
    let mut directories: Vec<PathBuf> = Vec::new();
    for directory in own.into_iter().chain(pythons).chain(std::env::split_paths(&path)) {
        if !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    variables.insert("PATH".into(), std::env::join_paths(directories).unwrap_or(path));
    let index = toolchain.urls().run.clone();
    for (variable, value) in [
        ("PIP_INDEX_URL", index.clone().into()),
        ("UV_DEFAULT_INDEX", index.clone().into()),
        ("UV_INDEX_URL", index.into()),
        ("PIP_CONSTRAINT", constraints.clone().into_os_string()),
        ("UV_CONSTRAINT", constraints.into_os_string()),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1".into()),
        ("UV_NO_CONFIG", "1".into()),
    ] {
        variables.insert(variable.into(), value);
    }
    Ok(Ground { checkout, wheel, tool, variables })
}

/// Reads the coverage data that the project's own commands left in the copy, as far as there are some.
pub(super) fn coverage(work: &mut Work<'_>, ground: &Ground) -> Result<Coverage, Failure> {
    let mut data: Vec<PathBuf> = fs::read_dir(&ground.checkout)
        .map_err(Failure::io("cannot list", &ground.checkout))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_data(path))
        .collect();
    data.sort();
    if data.is_empty() {
        return Ok(Coverage::default());
    }
    let survey = work.job()?.survey.clone();
    let rc = match &survey.coverage {
        Some(configuration) => {
            let file = ground.checkout.join(&configuration.file);
            let text = fs::read_to_string(&file).map_err(Failure::io("cannot read", &file))?;
            CoverageRc::read(&configuration.file, &text).unwrap_or_default()
        }
        None => CoverageRc::default(),
    };
    let toolchain = work.service::<Toolchain>()?;
    let python = toolchain.interpreter(None)?.clone();
    let version = lint::version("coverage", None, &survey, &python.version)?;
    let tool = toolchain.tool(work, &Tool::new("coverage", &version).python(&python))?;
    let (file, json) = (work.scratch().join("coveragerc"), work.scratch().join("coverage.json"));
    let packages: Vec<PathBuf> = survey.distribution.iter().flat_map(|known| known.packages.clone()).collect();
    let parents: std::collections::BTreeSet<String> =
        packages.iter().map(|package| super::suite::parent(package)).collect();
    let listed: Vec<String> = parents.iter().cloned().collect();
    let measured = Measured::Packages { names: &[], parents: &listed, tests: &[] };
    let text = rc.text(&measured, &work.scratch().join("coverage-data"), false);
    fs::write(&file, text).map_err(Failure::io("cannot write", &file))?;
    let script = work.scratch().join("combine.py");
    fs::write(&script, COMBINE).map_err(Failure::io("cannot write", &script))?;
    let command = Command::new(tool.join("bin/python"))
        .arg(script)
        .arg(&file)
        .arg(&json)
        .args(data)
        .directory(&ground.checkout)
        .envs(toolchain.base_env(work));
    if let Err(failure) = work.run(&command) {
        work.say(&format!("the coverage that was left behind cannot be read: {failure}"));
        return Ok(Coverage::default());
    }
    let text = fs::read(&json).map_err(Failure::io("cannot read", &json))?;
    let tree: std::sync::Arc<SourceTree> = work.tree()?;
    Coverage::read(&text, |path| {
        let path = super::suite::in_checkout(path, &parents, &tree);
        packages.iter().any(|package| Path::new(&path).starts_with(package)).then_some(path)
    })
    .map_err(|error| Failure::new(format!("coverage's report cannot be read: {error}")))
}

fn is_data(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name == ".coverage" || name.starts_with(".coverage.")
}

/// Puts data files together, which stay, and writes them as JSON.
const COMBINE: &str = "import coverage, sys
measured = coverage.Coverage(config_file=sys.argv[1])
measured.combine(sys.argv[3:], keep=True)
measured.save()
measured.json_report(outfile=sys.argv[2])
";

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(endings: &[(&str, Ending)]) -> Verdict {
        let environments = endings
            .iter()
            .map(|(name, ending)| Environment { name: (*name).to_owned(), ending: ending.clone(), counts: None })
            .collect();
        Verdict { noun: "environment", environments }
    }

    fn told(verdict: &Verdict, required: &[&str]) -> Option<String> {
        let required: Vec<String> = required.iter().map(|&name| name.to_owned()).collect();
        verdict.failure(&required).map(|failure| failure.message)
    }

    #[test]
    fn an_unknown_environment_is_no_pass_and_no_failure_unless_it_is_required() {
        let some = verdict(&[("py311", Ending::Passed), ("py36", Ending::Unknown)]);
        assert_eq!(told(&some, &["py311"]), None);
        assert_eq!(some.summary(), "1 environment passed, py36 unknown");
        assert_eq!(told(&some, &["py36"]), Some("`py36` is required, but unknown: its Python is not here".to_owned()));
        assert_eq!(told(&some, &["py39"]), Some("the environment `py39` is required, but it was not run".to_owned()));
        assert_eq!(
            told(&verdict(&[("py36", Ending::Unknown)]), &[]),
            Some("nothing was tested: the Pythons of `py36` are not here".to_owned())
        );
        assert_eq!(told(&verdict(&[]), &[]), Some("no environment was run".to_owned()));
    }

    #[test]
    fn failed_environments_are_named() {
        let mut bad = verdict(&[
            ("py311", Ending::Failed(Some(1))),
            ("lint", Ending::Failed(Some(3))),
            ("py36", Ending::Unknown),
        ]);
        bad.environments[0].counts = Some(TestCounts { passed: 76, failed: 2, skipped: 0 });
        assert_eq!(
            told(&bad, &[]),
            Some("2 of 3 environments failed: `py311` (2 of 78 tests failed) and `lint` (exit code 3)".to_owned())
        );
    }

    #[test]
    fn pytest_is_counted_by_its_last_line() {
        let output = "collected 3 items\n\n======== 2 failed, 76 passed, 1 skipped, 3 warnings in 0.12s ========\n";
        assert_eq!(counts(output), Some(TestCounts { passed: 76, failed: 2, skipped: 1 }));
        assert_eq!(
            counts("1 passed, 1 xfailed in 61.02s (0:01:01)"),
            Some(TestCounts { passed: 2, failed: 0, skipped: 0 })
        );
        assert_eq!(counts("Success: no issues found in 42 source files\n"), None);
    }

    #[test]
    fn an_unknown_environment_is_skipped_in_the_report() {
        let some = verdict(&[("py311", Ending::Passed), ("py36", Ending::Unknown)]);
        assert_eq!(
            String::from_utf8_lossy(&some.junit("tox").unwrap_or_default()),
            "<testsuite name=\"tox\" tests=\"2\" skipped=\"1\"><testcase classname=\"tox\" name=\"py311\"></testcase>\
             <testcase classname=\"tox\" name=\"py36\"><skipped>its Python is not here</skipped></testcase></testsuite>"
        );
    }
}
