//! ruff, in an environment of its own, on the checkout's source; it reports and never repairs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::python::{Tool, Toolchain, lint};
use crate::{
    context::Survey,
    run::{Failure, Key, Step, Work, process::Status},
};

/// Runs `ruff check` with the project's configuration; on request `ruff format --check` too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Ruff {
    version: Option<String>,
    paths: Vec<PathBuf>,
    select: Vec<String>,
    args: Vec<String>,
    format: bool,
}

impl Ruff {
    /// ruff at the version that the project pins, else the default one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets ruff's version: `0.14.0`. It goes before the project's own pin.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets what to look at, relative to the source. By default the whole source where ruff is configured, else the
    /// project's packages and tests.
    pub fn paths<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.paths.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Sets which rules count, by code or its beginning. By default those of the project's configuration.
    pub fn select<C: Into<String>>(mut self, codes: impl IntoIterator<Item = C>) -> Self {
        self.select.extend(codes.into_iter().map(Into::into));
        self
    }

    /// Adds arguments of `ruff check`.
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Checks the formatting too: a file that `ruff format` would change is a finding.
    pub fn check_format(mut self) -> Self {
        self.format = true;
        self
    }
}

impl Ruff {
    fn tool(&self, toolchain: &Toolchain, survey: &Survey) -> Result<Tool, Failure> {
        let python = toolchain.pythons().interpreter(None)?;
        let version = lint::version("ruff", self.version.as_ref(), survey, &python.version)?;
        Ok(Tool::new("ruff", &version).python(python))
    }
}

impl Step for Ruff {
    const KIND: &'static str = "ruff";
    const VERSION: u32 = 1;

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        key.declared(&self.inputs())?;
        let tool = self.tool(&*key.service::<Toolchain>()?, &key.job()?.survey)?;
        tool.add_to("ruff", key)
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let toolchain = work.service::<Toolchain>()?;
        let survey = &work.job()?.survey;
        let paths = match survey.ruff {
            Some(_) if self.paths.is_empty() => vec![PathBuf::from(".")],
            _ => lint::paths("ruff", &self.paths, survey, &work.source())?,
        };
        let tool = self.tool(&toolchain, survey)?;
        let environment = toolchain.tool(work, &tool)?;
        // `fix = true` in a project's configuration would rewrite the checkout.
        let mut check = lint::command(&toolchain, work, &environment, "ruff").args([
            "check",
            "--no-cache",
            "--no-fix",
            "--output-format",
            "concise",
        ]);
        if !self.select.is_empty() {
            check = check.args(["--select", &self.select.join(",")]);
        }
        let check = check.args(&self.args).arg("--").args(&paths);
        let (finished, tail) = work.observe(&check)?;
        match finished.status {
            Status::Exited(0) => {}
            Status::Exited(1) => {
                let message = tail
                    .iter()
                    .rev()
                    .find_map(|line| errors(line))
                    .map_or_else(|| "ruff has findings".to_owned(), lint::findings);
                return Err(work.failed(&check, &finished, tail, message));
            }
            _ => return Err(work.failed(&check, &finished, tail, "ruff could not look at the source")),
        }
        if self.format {
            let format = lint::command(&toolchain, work, &environment, "ruff")
                .args(["format", "--check", "--no-cache", "--"])
                .args(&paths);
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
        work.summary("no findings");
        Ok(())
    }
}

/// `Found 3 errors.`, with what is fixable after it in some versions.
fn errors(line: &str) -> Option<usize> {
    line.strip_prefix("Found ")?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_the_last_line() {
        assert_eq!(errors("Found 3 errors."), Some(3));
        assert_eq!(errors("Found 1 error (1 fixable)."), Some(1));
        assert_eq!(errors("All checks passed!"), None);
    }
}
