//! bandit.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    finding::{Finding, Level},
    lint,
    linter::{Extensible, Lint, Linter, Looked, Place, Selects},
};
use crate::{
    context::Survey,
    run::{Failure, Work},
};

/// How a line of a finding looks.
const TEMPLATE: &str = "{relpath}:{line}:{col}: {test_id} {msg} ({severity})";

/// Runs bandit. Codes are ids of its tests: `B404`.
pub type Bandit = Lint<BanditLinter>;

/// What bandit has of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanditLinter {}

impl Selects for BanditLinter {}
impl Extensible for BanditLinter {}

impl Linter for BanditLinter {
    const NAME: &'static str = "bandit";
    const EFFORT: usize = 2;

    /// The project's packages: tests assert, and are no danger.
    fn paths(survey: &Survey, source: &Path) -> Result<Vec<PathBuf>, Failure> {
        let packages: Vec<PathBuf> =
            survey.distribution.iter().flat_map(|distribution| distribution.packages.clone()).collect();
        lint::paths(Self::NAME, &packages, survey, source)
    }

    fn look(lint: &Bandit, place: &Place, work: &mut Work<'_>) -> Result<Looked, Failure> {
        let mut command = place.command(work, "bandit").args(["--quiet", "--recursive", "--format", "custom"]);
        command = command.args(["--msg-template", TEMPLATE]);
        // it looks at `.bandit` by itself, and at `pyproject.toml` only if it is told to
        if is_configured(&work.source().join("pyproject.toml")) {
            command = command.args(["--configfile", "pyproject.toml"]);
        }
        if !lint.select.is_empty() {
            command = command.args(["--tests", &lint.select.join(",")]);
        }
        if !lint.ignore.is_empty() {
            command = command.args(["--skip", &lint.ignore.join(",")]);
        }
        let command = command.args(&lint.args).args(&place.paths);
        Looked::at(work, "bandit", &command, |code| code == 1, finding)
    }
}

fn is_configured(pyproject: &Path) -> bool {
    let table: toml::Table = std::fs::read_to_string(pyproject).unwrap_or_default().parse().unwrap_or_default();
    table.get("tool").is_some_and(|tool| tool.get("bandit").is_some())
}

fn finding(line: &str) -> Option<Finding> {
    let found = Finding::read(line, 0)?;
    let severity = found.message.rsplit_once('(').map(|(_, severity)| severity);
    let level = match severity {
        Some("HIGH)") => Level::Error,
        Some("MEDIUM)") => Level::Warning,
        _ => Level::Note,
    };
    Some(found.of(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_has_the_level_of_its_severity() {
        let found = finding("src/m.py:7:4: B602 subprocess call with shell=True identified, security issue. (HIGH)");
        let found = found.expect("a finding");
        assert_eq!((found.code.as_str(), found.column, found.level), ("B602", Some(5), Level::Error));
        assert_eq!(finding("[main]\tERROR\tnothere.toml : Could not read config file."), None);
    }
}
