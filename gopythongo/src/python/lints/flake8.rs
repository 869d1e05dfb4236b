//! flake8.

use serde::{Deserialize, Serialize};

use super::{
    finding::Finding,
    linter::{Extensible, Lint, Linter, Looked, Place, Selects},
};
use crate::run::{Failure, Work};

/// Runs flake8. Codes may be beginnings of codes: `E9`, `F`.
pub type Flake8 = Lint<Flake8Linter>;

/// What flake8 has of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flake8Linter {}

impl Selects for Flake8Linter {}
impl Extensible for Flake8Linter {}

impl Linter for Flake8Linter {
    const NAME: &'static str = "flake8";
    const EFFORT: usize = 2;

    fn look(lint: &Flake8, place: &Place, work: &mut Work<'_>) -> Result<Looked, Failure> {
        let mut command = place
            .command(work, "flake8")
            .args(["--jobs", "1", "--format", "default", "--no-show-source"])
            // the state, where the source is all that is beside the pipeline
            .args(["--extend-exclude", ".gopythongo"]);
        if !lint.select.is_empty() {
            command = command.args(["--select", &lint.select.join(",")]);
        }
        if !lint.ignore.is_empty() {
            command = command.args(["--extend-ignore", &lint.ignore.join(",")]);
        }
        let command = command.args(&lint.args).args(&place.paths);
        Looked::at(work, "flake8", &command, |code| code == 1, |line| Finding::read(line, 1))
    }
}
