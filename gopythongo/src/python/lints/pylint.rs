//! pylint, which sees what the tests' environment holds.

use serde::{Deserialize, Serialize};

use super::{
    finding::{Finding, Level},
    linter::{Extensible, Lint, Linter, Looked, Place, Selects},
};
use crate::run::{Failure, Work};

/// How a line of a finding looks.
const TEMPLATE: &str = "--msg-template={path}:{line}:{column}: {msg_id} {msg} ({symbol})";

/// Runs pylint. Codes may be symbols: `unused-import`.
pub type Pylint = Lint<PylintLinter>;

/// What pylint has of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PylintLinter {}

impl Selects for PylintLinter {}
impl Extensible for PylintLinter {}

impl Linter for PylintLinter {
    const NAME: &'static str = "pylint";
    const EFFORT: usize = 8;
    const FOLLOWS_IMPORTS: bool = true;

    fn look(lint: &Pylint, place: &Place, work: &mut Work<'_>) -> Result<Looked, Failure> {
        let mut command = place.module(work, "pylint").args([TEMPLATE, "--score=n", "--reports=n", "--persistent=n"]);
        if !lint.select.is_empty() {
            command = command.args(["--disable=all", &format!("--enable={}", lint.select.join(","))]);
        }
        if !lint.ignore.is_empty() {
            command = command.arg(format!("--disable={}", lint.ignore.join(",")));
        }
        let command = command.args(&lint.args).arg("--").args(&place.paths);
        // a bit for each category; 1 is a fatal message and 32 a wrong option
        Looked::at(work, "pylint", &command, |code| code & 33 == 0, finding)
    }
}

fn finding(line: &str) -> Option<Finding> {
    let found = Finding::read(line, 0)?;
    let level = match found.code.as_bytes().first()? {
        b'F' | b'E' => Level::Error,
        b'W' => Level::Warning,
        _ => Level::Note,
    };
    Some(found.of(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_has_the_level_of_its_category() {
        let found = finding("src/m.py:8:11: W0123 Use of eval (eval-used)").expect("a finding");
        assert_eq!((found.code.as_str(), found.column, found.level), ("W0123", Some(12), Level::Warning));
        let found = finding("src/m.py:3:0: E0401 Unable to import 'x' (import-error)").expect("a finding");
        assert_eq!(found.level, Level::Error);
        assert_eq!(finding("************* Module m"), None);
    }
}
