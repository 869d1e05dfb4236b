//! `nox`: the project's own configuration against the run's wheel and index.

use std::{collections::BTreeMap, fs, time::Duration};

use serde::{Deserialize, Serialize};

use crate::context::SecretFrom;
use crate::python::{
    Installer, Toolchain, ground,
    matrix::{Ending, Environment, Verdict},
};
use crate::run::{
    Failure, Inputs, Key, Step, Work,
    process::{Command, Status},
};

/// Runs the project's own nox sessions against the run's wheel, without a second build. A Python that is not there makes
/// an session unknown, never passed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Nox {
    version: Option<String>,
    required: Vec<String>,
    args: Vec<String>,
    timeout: Option<Duration>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    secrets: BTreeMap<String, SecretFrom>,
}

impl Nox {
    /// The sessions that nox runs by default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Pins nox's version; by default that of the project's own pins, else GoPythonGo's.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Makes sessions required: one of them that is unknown fails the step. None by default.
    pub fn sessions<E: Into<String>>(mut self, names: impl IntoIterator<Item = E>) -> Self {
        self.required.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds arguments for the commands (`{posargs}`, `session.posargs`); none by default.
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Gives nox, and so its sessions, a secret as a variable; none by default. It is in no key (what has passed is not repeated
    /// for another value), and `***` wherever it is printed. In a pull request of a fork, which gets no secrets, nox does not
    /// run.
    pub fn secret(mut self, name: impl Into<String>, from: SecretFrom) -> Self {
        self.secrets.insert(name.into(), from);
        self
    }

    /// Ends nox after this time; 30 minutes by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl Step for Nox {
    const KIND: &'static str = "nox";
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
        ground::key(key, "nox", self.version.as_ref())
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        if work.job()?.survey.nox.is_none() {
            return Err(
                Failure::new("there is no `noxfile.py`").hint("`.pytest()` runs the tests of a project that has none")
            );
        }
        let place = ground::prepare(work, "nox", self.version.as_ref())?;
        let name = work.job()?.survey.distribution.as_ref().map(|distribution| distribution.name.clone());
        let result = work.scratch().join("nox.json");
        let backend = match work.service::<Toolchain>()?.installer(work)? {
            Installer::Uv(_) => "uv",
            Installer::Pip => "venv",
        };
        let script = work.scratch().join("nox_with_wheel.py");
        fs::write(&script, SHIM).map_err(Failure::io("cannot write", &script))?;
        let mut command = Command::new(place.tool.join("bin/python"))
            .arg(script)
            .arg(name.unwrap_or_default())
            .arg(&place.wheel)
            .args(["--nocolor", "--no-error-on-missing-interpreters", "--default-venv-backend", backend, "--envdir"])
            .arg(work.scratch().join("nox"))
            .arg("--report")
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
            Ok(text) => {
                sessions(&text).map_err(|error| Failure::new(format!("the report of nox cannot be read: {error}")))?
            }
            Err(_) => return Err(work.failed(&command, &finished, tail, "nox could not run the project's sessions")),
        };
        let verdict = Verdict { noun: "session", environments };
        if let Some(failure) = verdict.failure(&self.required) {
            let told = work.failed(&command, &finished, tail, failure.message.clone());
            return Err(Failure { command: told.command, ..failure });
        }
        if finished.status != Status::Exited(0) {
            return Err(work.failed(&command, &finished, tail, "nox failed although no session did"));
        }
        let coverage = ground::coverage(work, &place)?;
        verdict.leave(work, &coverage)
    }
}

/// Runs nox so that `session.install(".")`, with extras or editable, takes the run's wheel: nothing is built twice, and
/// what is tested is what will be uploaded.
const SHIM: &str = r#"
import os, re, sys, pathlib
import nox.__main__, nox.sessions
name, wheel = sys.argv[1:3]
del sys.argv[1:3]
own = re.compile(r"^(?:\.|\./|%s)(\[[^\]]*\])?$" % re.escape(os.getcwd()))
install = nox.sessions.Session.install
def install_wheel(self, *args, **options):
    taken = []
    for number, arg in enumerate(args):
        following = args[number + 1] if number + 1 < len(args) else ""
        if arg in ("-e", "--editable") and own.match(following):
            continue
        found = own.match(arg)
        taken.append("%s%s @ %s" % (name, found.group(1) or "", pathlib.Path(wheel).as_uri()) if found else arg)
    return install(self, *taken, **options)
nox.sessions.Session.install = install_wheel
sys.argv[0] = "nox"
sys.exit(nox.__main__.main())
"#;

/// Reads what `--report` writes.
fn sessions(text: &[u8]) -> serde_json::Result<Vec<Environment>> {
    let report: Report = serde_json::from_slice(text)?;
    let session = |session: ReportSession| Environment {
        name: session.signatures.into_iter().next().unwrap_or(session.name),
        ending: match session.result.as_str() {
            "success" => Ending::Passed,
            "skipped" => Ending::Unknown,
            _ => Ending::Failed(None),
        },
        counts: None,
    };
    Ok(report.sessions.into_iter().map(session).collect())
}

#[derive(Deserialize)]
struct Report {
    sessions: Vec<ReportSession>,
}

#[derive(Deserialize)]
struct ReportSession {
    name: String,
    #[serde(default)]
    signatures: Vec<String>,
    result: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_session_is_unknown() {
        let text = r#"{"result": 1, "sessions": [
            {"name": "tests", "signatures": ["tests-3.11"], "result": "success", "result_code": 1, "args": {}},
            {"name": "tests", "signatures": ["tests-3.6"], "result": "skipped", "result_code": 3, "args": {}},
            {"name": "lint", "signatures": ["lint"], "result": "failed", "result_code": 0, "args": {}}]}"#;
        let found = sessions(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        let endings: Vec<(&str, &Ending)> = found.iter().map(|one| (one.name.as_str(), &one.ending)).collect();
        assert_eq!(
            endings,
            [("tests-3.11", &Ending::Passed), ("tests-3.6", &Ending::Unknown), ("lint", &Ending::Failed(None))]
        );
    }
}
