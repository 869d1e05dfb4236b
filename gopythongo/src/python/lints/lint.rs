//! What lint and type checks share: which version of a tool, which paths, the command in a clean environment.

use std::path::{Path, PathBuf};

use crate::python::{Toolchain, defaults};
use crate::{
    context::Survey,
    run::{Failure, Work, process::Command},
    support::words,
};

/// The version of a tool: the step's option, else the project's own pin, else the default for a Python.
///
/// # Errors
/// When nobody names one.
pub(in crate::python) fn version(
    tool: &str,
    option: Option<&String>,
    survey: &Survey,
    python: &str,
) -> Result<String, Failure> {
    let pinned = || survey.tool_pins.get(tool).cloned();
    let default = || defaults::version_on(tool, python).map(str::to_owned);
    option.cloned().or_else(pinned).or_else(default).ok_or_else(|| {
        Failure::lacking(format!("no version of {tool} is known to run on Python {python}"))
            .hint(format!("say one in the pipeline, or pin {tool} in the project"))
    })
}

/// What to look at, relative to the source: `wanted`, else the project's packages, modules and tests. A path below another
/// one of the list is left out, since tools would look at it twice.
///
/// # Errors
/// When a path does not exist, or there is nothing to look at.
pub(in crate::python) fn paths(
    tool: &str,
    wanted: &[PathBuf],
    survey: &Survey,
    source: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    if let Some(missing) = wanted.iter().find(|path| !source.join(path).exists()) {
        return Err(Failure::new(format!("`{}` does not exist in `{}`", missing.display(), source.display()))
            .hint(format!("`.paths(..)` of {tool} are relative to the job's source")));
    }
    let mut paths: Vec<PathBuf> = if wanted.is_empty() {
        let packages = survey.distribution.iter().flat_map(|distribution| &distribution.packages);
        let found: Vec<PathBuf> = packages.chain(&survey.tests).cloned().collect();
        if found.is_empty() { vec![PathBuf::from(".")] } else { found }
    } else {
        wanted.to_vec()
    };
    paths.sort();
    paths.dedup();
    let all = paths.clone();
    paths.retain(|path| {
        path == Path::new(".")
            || !all.iter().any(|other| other != path && (path.starts_with(other) || other == Path::new(".")))
    });
    Ok(paths)
}

/// A program of a tool's environment, run in the job's source, which it only reads.
pub(in crate::python) fn command(toolchain: &Toolchain, work: &Work<'_>, environment: &Path, program: &str) -> Command {
    Command::new(environment.join("bin").join(program)).directory(work.source()).envs(toolchain.base_env(work))
}

/// `3 findings`.
pub(in crate::python) fn findings(n: usize) -> String {
    words::count(n, "finding")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_goes_before_the_pin_and_the_pin_before_the_default() {
        let mut survey = Survey::default();
        let mypy = |option: Option<&str>, survey: &Survey| {
            version("mypy", option.map(str::to_owned).as_ref(), survey, "3.11.2").unwrap_or_default()
        };
        assert_eq!(mypy(None, &survey), "2.4.1");
        survey.tool_pins.insert("mypy".to_owned(), "1.19.1".to_owned());
        assert_eq!(mypy(None, &survey), "1.19.1");
        assert_eq!(mypy(Some("1.9.0"), &survey), "1.9.0");
    }

    #[test]
    fn a_path_below_another_is_looked_at_once() {
        let source = tempfile::tempdir().expect("a directory");
        let survey =
            Survey { tests: vec!["src/money/tests".into(), "tests".into(), "src/money".into()], ..Survey::default() };
        let found = paths("flake8", &[], &survey, source.path()).expect("paths");
        assert_eq!(found, [PathBuf::from("src/money"), PathBuf::from("tests")]);
        assert_eq!(paths("flake8", &[], &Survey::default(), source.path()).expect("paths"), [PathBuf::from(".")]);
    }

    #[test]
    fn a_path_that_is_not_there_is_said() {
        let source = tempfile::tempdir().expect("a directory");
        let failure = paths("flake8", &["srcs".into()], &Survey::default(), source.path()).expect_err("it is missing");
        assert!(failure.message.starts_with("`srcs` does not exist in"), "{failure}");
    }
}
