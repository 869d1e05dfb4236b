//! mypy, against what the tests' environment holds.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    finding::{Finding, Level},
    lint,
    linter::{Lint, Linter, Looked, Place, Selects},
    mypy_cache::MypyCache,
    mypy_plugins,
};
use crate::{
    context::Survey,
    run::{Failure, Work},
};

/// Runs mypy. Codes are those of its errors: `arg-type`.
pub type Mypy = Lint<MypyLinter>;

/// What mypy has of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MypyLinter {
    strict: bool,
    from_scratch: bool,
}

impl Lint<MypyLinter> {
    /// Checks everything again each time. By default what mypy remembers of the source's last check is used.
    pub fn from_scratch(mut self) -> Self {
        self.own.from_scratch = true;
        self
    }

    /// Checks with `--strict`.
    pub fn strict(mut self) -> Self {
        self.own.strict = true;
        self
    }
}

impl Selects for MypyLinter {}

impl Linter for MypyLinter {
    const NAME: &'static str = "mypy";
    const EFFORT: usize = 4;
    const FOLLOWS_IMPORTS: bool = true;

    /// What the configuration says, else the project's packages.
    fn paths(survey: &Survey, source: &Path) -> Result<Vec<PathBuf>, Failure> {
        if survey.mypy_names_files {
            return Ok(Vec::new());
        }
        let packages: Vec<PathBuf> =
            survey.distribution.iter().flat_map(|distribution| distribution.packages.clone()).collect();
        lint::paths(Self::NAME, &packages, survey, source)
    }

    /// Plug-ins are imported by mypy itself: it has to stand where they stand.
    fn stands_inside(survey: &Survey, source: &Path) -> bool {
        survey.mypy.iter().any(|file| mypy_plugins::named(&source.join(file)))
    }

    fn look(lint: &Mypy, place: &Place, work: &mut Work<'_>) -> Result<Looked, Failure> {
        let own = work.scratch().join("mypy-cache");
        let tree = work.tree()?;
        let parts = [place.version.as_str(), &place.python.version];
        let open = || MypyCache::open(place.toolchain.cache(), &tree, &parts, own.clone());
        let cache = (!lint.own.from_scratch).then(open).transpose()?;
        let mut command = place.command(work, "mypy");
        if let Some(imports) = &place.imports {
            command = command.arg("--python-executable").arg(imports.join("bin/python"));
        }
        command = command.arg("--cache-dir").arg(cache.as_ref().map_or(own.as_path(), MypyCache::directory));
        if lint.own.strict {
            command = command.arg("--strict");
        }
        command = command.args(lint.select.iter().flat_map(|code| ["--enable-error-code", code]));
        command = command.args(lint.ignore.iter().flat_map(|code| ["--disable-error-code", code]));
        command = command.args(&lint.args);
        if !place.paths.is_empty() {
            command = command.arg("--").args(&place.paths);
        }
        let last = std::cell::RefCell::new(None);
        let read = |line: &str| {
            if let Some(files) = line.strip_prefix("Success: no issues found in ") {
                *last.borrow_mut() = Some(files.to_owned());
            }
            error(line)
        };
        // a syntax error, which ends the check, is exit code 2 and is counted too
        let mut looked = Looked::at(work, "mypy", &command, |code| code == 1 || code == 2, read)?;
        looked.summary = last.into_inner();
        Ok(looked)
    }
}

/// `src/money/rates.py:3: error: Name "x" is not defined  [name-defined]`, with a column where the project wants one. Notes
/// belong to an error and are none.
fn error(line: &str) -> Option<Finding> {
    let (place, message) = line.split_once(": error: ")?;
    let mut parts = place.split(':');
    let path = parts.next()?;
    let at = parts.next().map_or(Some(1), |line| line.parse().ok())?;
    let column = parts.next().and_then(|column| column.parse().ok());
    let (message, code) = match message.rsplit_once("  [") {
        Some((message, code)) => (message, code.trim_end_matches(']')),
        None => (message, "error"),
    };
    let (path, code, message) = (path.to_owned(), code.to_owned(), message.trim().to_owned());
    Some(Finding { path, line: at, column, code, message, level: Level::Error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_from_notes() {
        let found = error("src/m.py:3: error: Name \"x\" is not defined  [name-defined]").expect("an error");
        assert_eq!((found.path.as_str(), found.line, found.column), ("src/m.py", 3, None));
        assert_eq!((found.code.as_str(), found.message.as_str()), ("name-defined", "Name \"x\" is not defined"));
        let found = error("src/m.py:3:7: error: Invalid syntax  [syntax]").expect("an error");
        assert_eq!((found.column, found.code.as_str()), (Some(7), "syntax"));
        assert_eq!(error("src/m.py: error: Source file found twice").map(|found| found.line), Some(1));
        for other in ["src/m.py:3: note: See the documentation", "Found 3 errors in 2 files (checked 42 source files)"]
        {
            assert_eq!(error(other), None, "{other}");
        }
    }
}
