//! `tox`: the project's own configuration against the run's wheel and index.

use std::{collections::BTreeMap, fs, time::Duration};

use serde::{Deserialize, Serialize};

use crate::context::SecretFrom;
use crate::python::{
    ground,
    matrix::{self, Ending, Environment, Verdict},
};
use crate::run::{
    Failure, Inputs, Key, Step, Work,
    process::{Command, Status},
};

/// Runs the project's own tox environments against the run's wheel, without a second build. A Python that is not there makes
/// an environment unknown, never passed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Tox {
    version: Option<String>,
    required: Vec<String>,
    args: Vec<String>,
    timeout: Option<Duration>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    secrets: BTreeMap<String, SecretFrom>,
}

impl Tox {
    /// The environments that tox runs by default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Pins tox's version; by default that of the project's own pins, else GoPythonGo's.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Makes environments required: one of them that is unknown fails the step. None by default.
    pub fn envs<E: Into<String>>(mut self, names: impl IntoIterator<Item = E>) -> Self {
        self.required.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds arguments for the commands (`{posargs}`, `session.posargs`); none by default.
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Gives tox a secret as a variable; none by default. Tests see it if the `pass_env` of their environment names it. It is in no
    /// key (what has passed is not repeated for another value), and `***` wherever it is printed. In a pull request of a fork,
    /// which gets no secrets, tox does not run.
    pub fn secret(mut self, name: impl Into<String>, from: SecretFrom) -> Self {
        self.secrets.insert(name.into(), from);
        self
    }

    /// Ends tox after this time; 30 minutes by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl Step for Tox {
    const KIND: &'static str = "tox";
    const VERSION: u32 = 1;

    fn effort(&self) -> usize {
        8
    }

    fn inputs(&self) -> Inputs {
        Inputs::source().artifact("wheel").index().secrets(&self.secrets)
    }

    fn outputs(&self) -> Vec<String> {
        vec!["junit".to_owned(), "coverage".to_owned()]
    }

    fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(30 * 60))
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        ground::key(key, "tox", self.version.as_ref())
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        if work.job()?.survey.tox.is_none() {
            return Err(Failure::new("there is no configuration of tox")
                .hint("`.pytest()` runs the tests of a project that has none"));
        }
        let place = ground::prepare(work, "tox", self.version.as_ref())?;
        let result = work.scratch().join("tox.json");
        let mut command = Command::new(place.tool.join("bin/tox"))
            .args(["run", "--colored", "no", "--skip-missing-interpreters", "true", "--installpkg"])
            .arg(&place.wheel)
            .arg("--workdir")
            .arg(work.scratch().join("tox"))
            .arg("--result-json")
            .arg(&result)
            .directory(&place.checkout)
            .envs(place.variables.clone())
            .ordinary_user();
        if !self.args.is_empty() {
            command = command.arg("--").args(&self.args);
        }
        let command = work.with_secrets(command)?;
        let (finished, tail) = work.observe(&command)?;
        let environments = match fs::read(&result) {
            Ok(text) => environments(&text)
                .map_err(|error| Failure::new(format!("the result of tox cannot be read: {error}")))?,
            Err(_) => {
                return Err(work.failed(&command, &finished, tail, "tox could not run the project's configuration"));
            }
        };
        let verdict = Verdict { noun: "environment", environments };
        if let Some(failure) = verdict.failure(&self.required) {
            let told = work.failed(&command, &finished, tail, failure.message.clone());
            return Err(Failure { command: told.command, ..failure });
        }
        if finished.status != Status::Exited(0) {
            return Err(work.failed(&command, &finished, tail, "tox failed although no environment did"));
        }
        let coverage = ground::coverage(work, &place)?;
        verdict.leave(work, &coverage)
    }
}

/// Reads what `--result-json` writes: environments that have a result, in their order by name.
fn environments(text: &[u8]) -> serde_json::Result<Vec<Environment>> {
    let report: Report = serde_json::from_slice(text)?;
    let environment = |(name, environment): (String, ReportEnvironment)| {
        let result = environment.result?;
        let ending = match (result.skipped, result.success) {
            (true, _) => Ending::Unknown,
            (false, true) => Ending::Passed,
            (false, false) => Ending::Failed(Some(result.exit_code)),
        };
        let counts = environment.test.iter().rev().find_map(|command| matrix::counts(&command.output));
        Some(Environment { name, ending, counts })
    };
    Ok(report.testenvs.into_iter().filter_map(environment).collect())
}

#[derive(Deserialize)]
struct Report {
    testenvs: BTreeMap<String, ReportEnvironment>,
}

#[derive(Deserialize)]
struct ReportEnvironment {
    /// Absent in environments that tox makes for itself.
    result: Option<ReportResult>,
    #[serde(default)]
    test: Vec<ReportCommand>,
}

#[derive(Deserialize)]
struct ReportResult {
    success: bool,
    exit_code: i32,
    #[serde(default)]
    skipped: bool,
}

#[derive(Deserialize)]
struct ReportCommand {
    #[serde(default)]
    output: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::TestCounts;

    #[test]
    fn a_skipped_environment_is_unknown_although_tox_calls_it_a_success() {
        let text = r#"{"reportversion": "1", "testenvs": {
            "py311": {"result": {"success": true, "exit_code": 0, "duration": 1.4, "skipped": false},
                      "test": [{"command": ["pytest"], "output": "= 3 passed in 0.02s =\n", "retcode": 0}]},
            ".pkg_external": {"setup": []},
            "py36": {"result": {"success": true, "exit_code": 0, "duration": 0.06, "skipped": true}},
            "lint": {"result": {"success": false, "exit_code": 3, "duration": 0.5, "skipped": false}, "test": []}}}"#;
        let found = environments(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        let endings: Vec<(&str, &Ending)> = found.iter().map(|one| (one.name.as_str(), &one.ending)).collect();
        assert_eq!(
            endings,
            [("lint", &Ending::Failed(Some(3))), ("py311", &Ending::Passed), ("py36", &Ending::Unknown)]
        );
        assert_eq!(found[1].counts, Some(TestCounts { passed: 3, failed: 0, skipped: 0 }));
    }
}
