//! ruff, which reports and never repairs.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    finding::Finding,
    lint,
    linter::{Lint, Linter, Looked, Place, Selects},
};
use crate::{
    context::Survey,
    run::{Failure, Work, process::Status},
};

/// Runs `ruff check`; on request `ruff format --check` too. Codes may be beginnings of codes: `E9`, `F`.
pub type Ruff = Lint<RuffLinter>;

/// What ruff has of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuffLinter {
    format: bool,
}

impl Lint<RuffLinter> {
    /// Checks the formatting too: a file that `ruff format` would change fails the step.
    pub fn check_format(mut self) -> Self {
        self.own.format = true;
        self
    }
}

impl Selects for RuffLinter {}

impl Linter for RuffLinter {
    const NAME: &'static str = "ruff";

    /// The whole source where ruff is configured.
    fn paths(survey: &Survey, source: &Path) -> Result<Vec<PathBuf>, Failure> {
        match survey.ruff {
            Some(_) => Ok(vec![PathBuf::from(".")]),
            None => lint::paths(Self::NAME, &[], survey, source),
        }
    }

    fn look(lint: &Ruff, place: &Place, work: &mut Work<'_>) -> Result<Looked, Failure> {
        // `fix = true` in a project's configuration would rewrite the checkout
        let mut check = place.command(work, "ruff").args(["check", "--no-cache", "--no-fix"]);
        check = check.args(["--output-format", "concise"]);
        if !lint.select.is_empty() {
            check = check.args(["--select", &lint.select.join(",")]);
        }
        if !lint.ignore.is_empty() {
            check = check.args(["--extend-ignore", &lint.ignore.join(",")]);
        }
        let check = check.args(&lint.args).arg("--").args(&place.paths);
        let looked = Looked::at(work, "ruff", &check, |code| code == 1, |line| Finding::read(line, 1))?;
        if lint.own.format && looked.refusal.is_none() {
            let format = place.command(work, "ruff").args(["format", "--check", "--no-cache", "--"]).args(&place.paths);
            let (finished, tail) = work.observe(&format)?;
            let message = match finished.status {
                Status::Exited(0) => None,
                Status::Exited(1) => tail.last().map(|line| line.to_lowercase()),
                _ => Some("ruff could not look at the source".to_owned()),
            };
            if let Some(message) = message {
                return Err(work.failed(&format, &finished, tail, message));
            }
        }
        Ok(looked)
    }
}
