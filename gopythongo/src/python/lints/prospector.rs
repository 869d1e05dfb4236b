//! prospector, which runs several linters, and sees what the tests' environment holds.

use serde::{Deserialize, Serialize};

use super::{
    finding::Finding,
    lint as lints,
    linter::{Extensible, Lint, Linter, Looked, Place},
};
use crate::run::{Failure, Work};

/// Runs prospector. What it looks at and what counts is said by its profile.
pub type Prospector = Lint<ProspectorLinter>;

/// What prospector has of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProspectorLinter {}

impl Extensible for ProspectorLinter {}

impl Linter for ProspectorLinter {
    const NAME: &'static str = "prospector";
    const EFFORT: usize = 8;
    const FOLLOWS_IMPORTS: bool = true;
    const REQUIREMENTS: &'static [&'static str] = &["typing-extensions"];

    fn look(lint: &Prospector, place: &Place, work: &mut Work<'_>) -> Result<Looked, Failure> {
        // a module, and no file, of a plug-in for a framework that the project does not use
        let source = work.source();
        let read = |line: &str| finding(line).filter(|found| source.join(&found.path).exists());
        let mut all = Looked::default();
        // it takes one directory, or files
        for path in &place.paths {
            let command = place.module(work, "prospector").args(["--output-format", "pylint", "--messages-only"]);
            let looked = Looked::at(work, "prospector", &command.args(&lint.args).arg(path), |code| code == 1, read)?;
            all.findings.extend(looked.findings);
            all.refusal = all.refusal.or(looked.refusal);
        }
        if let Some(refusal) = &mut all.refusal {
            refusal.message = lints::findings(all.findings.len());
        }
        Ok(all)
    }
}

/// `src/m.py:1:1: F401(pyflakes): 'os' imported`, and `src/m.py:8:11: [eval-used(pylint), f]: Use of eval` in a function.
fn finding(line: &str) -> Option<Finding> {
    let (place, text) = line.split_once(": ")?;
    match text.strip_prefix('[') {
        None => Finding::read(line, 0),
        Some(inside) => {
            let (code, message) = inside.split_once("]: ")?;
            let code = code.split(',').next()?;
            Finding::read(&format!("{place}: {code} {message}"), 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_within_functions_and_without_are_read() {
        let code = |line: &str| finding(line).map(|found| format!("{} {}", found.code, found.message));
        let outside = "src/m.py:1:1: F401(pyflakes): 'os' imported but unused";
        assert_eq!(code(outside).as_deref(), Some("F401(pyflakes) 'os' imported but unused"));
        assert_eq!(
            code("src/m.py:8:11: [eval-used(pylint), f]: Use of eval").as_deref(),
            Some("eval-used(pylint) Use of eval")
        );
        assert_eq!(code("          See: the documentation: of eval"), None);
    }
}
