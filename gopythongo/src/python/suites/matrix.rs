//! What tox and nox share: one result an environment, judged together. An environment whose Python is not there is
//! unknown, and unknown is never a pass.

use std::fs;

use quick_xml::{
    Writer,
    events::{BytesEnd, BytesStart, BytesText, Event as Xml},
};

use crate::python::Coverage;
use crate::{
    event::Event,
    run::{Failure, TestCounts, Work},
    support::words,
};

/// How one environment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::python) enum Ending {
    Passed,
    /// With an exit code, where one is known.
    Failed(Option<i32>),
    /// It was not run: there is no such Python, as a rule. Never a pass.
    Unknown,
}

/// One environment of tox, one session of nox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::python) struct Environment {
    pub(in crate::python) name: String,
    pub(in crate::python) ending: Ending,
    /// What its suite counted, where its output says so.
    pub(in crate::python) counts: Option<TestCounts>,
}

/// All of them.
#[derive(Debug)]
pub(in crate::python) struct Verdict {
    /// `environment`, `session`.
    pub(in crate::python) noun: &'static str,
    pub(in crate::python) environments: Vec<Environment>,
}

impl Verdict {
    /// Why they did not pass together, if they did not. `required` must not be unknown.
    pub(in crate::python) fn failure(&self, required: &[String]) -> Option<Failure> {
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
    pub(in crate::python) fn summary(&self) -> String {
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
    pub(in crate::python) fn leave(&self, work: &mut Work<'_>, coverage: &Coverage) -> Result<(), Failure> {
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
pub(in crate::python) fn counts(output: &str) -> Option<TestCounts> {
    output.lines().rev().find_map(|line| {
        let line = line.trim().trim_matches('=').trim();
        let (results, _) = line.rsplit_once(" in ")?;
        let mut counts = TestCounts::default();
        let mut any = false;
        for result in results.split(", ") {
            let (number, word) = result.split_once(' ')?;
            let number: u32 = number.parse().ok()?;
            match word {
                "passed" | "xpassed" => counts.passed += number,
                "failed" | "error" | "errors" => counts.failed += number,
                "skipped" | "xfailed" => counts.skipped += number,
                "warning" | "warnings" | "deselected" | "rerun" | "subtests passed" => {}
                _ => return None,
            }
            any = true;
        }
        any.then_some(counts)
    })
}

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
            Some(TestCounts { passed: 1, failed: 0, skipped: 1 })
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
