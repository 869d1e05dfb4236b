//! flake8, in an environment of its own, on the checkout's source.

use std::{fs, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::python::{Tool, Toolchain, lint};
use crate::{
    context::Survey,
    run::{Failure, Key, Step, Work, process::Status},
};

/// Runs flake8 with the project's configuration on its packages and tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Flake8 {
    version: Option<String>,
    plugins: Vec<String>,
    paths: Vec<PathBuf>,
    select: Vec<String>,
    ignore: Vec<String>,
    args: Vec<String>,
}

impl Flake8 {
    /// flake8 at the version that the project pins, else the default one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets flake8's version: `7.1.0`. It goes before the project's own pin.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Adds plug-ins, as requirements: `flake8-bugbear==24.12.12`.
    pub fn plugins<P: Into<String>>(mut self, plugins: impl IntoIterator<Item = P>) -> Self {
        self.plugins.extend(plugins.into_iter().map(Into::into));
        self
    }

    /// Sets what to look at, relative to the source; the project's packages and tests by default.
    pub fn paths<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.paths.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Sets which findings count, by code or its beginning: `E9`, `F`. By default those of the project's configuration.
    pub fn select<C: Into<String>>(mut self, codes: impl IntoIterator<Item = C>) -> Self {
        self.select.extend(codes.into_iter().map(Into::into));
        self
    }

    /// Adds findings that do not count, by code or its beginning, to those of the project's configuration: `F824`.
    pub fn ignore<C: Into<String>>(mut self, codes: impl IntoIterator<Item = C>) -> Self {
        self.ignore.extend(codes.into_iter().map(Into::into));
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }
}

impl Flake8 {
    fn tool(&self, toolchain: &Toolchain, survey: &Survey) -> Result<Tool, Failure> {
        let python = toolchain.pythons().interpreter(None)?;
        let version = lint::version("flake8", self.version.as_ref(), survey, &python.version)?;
        Ok(Tool::new("flake8", &version).with(self.plugins.clone()).python(python))
    }
}

impl Step for Flake8 {
    const KIND: &'static str = "flake8";
    const VERSION: u32 = 1;

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        key.declared(&self.inputs())?;
        let tool = self.tool(&*key.service::<Toolchain>()?, &key.job()?.survey)?;
        tool.add_to("flake8", key)
    }

    fn effort(&self) -> usize {
        2
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let toolchain = work.service::<Toolchain>()?;
        let survey = &work.job()?.survey;
        let paths = lint::paths("flake8", &self.paths, survey, &work.source())?;
        let tool = self.tool(&toolchain, survey)?;
        let environment = toolchain.tool(work, &tool)?;
        let found = work.scratch().join("findings");
        let mut command = lint::command(&toolchain, work, &environment, "flake8")
            .args(["--jobs", "1", "--format", "default", "--no-show-source", "--tee"])
            // the state, where the source is all that is beside the pipeline
            .args(["--extend-exclude", ".gopythongo"])
            .arg(format!("--output-file={}", found.display()));
        if !self.select.is_empty() {
            command = command.args(["--select", &self.select.join(",")]);
        }
        if !self.ignore.is_empty() {
            command = command.args(["--extend-ignore", &self.ignore.join(",")]);
        }
        let command = command.args(&self.args).args(paths);
        let (finished, tail) = work.observe(&command)?;
        let findings = fs::read_to_string(&found).unwrap_or_default().lines().filter(|line| is_finding(line)).count();
        match (finished.status, findings) {
            (Status::Exited(0), 0) => work.summary("no findings"),
            // `--exit-zero` among the arguments: findings are shown and do not count.
            (Status::Exited(0), findings) => work.summary(lint::findings(findings)),
            (Status::Exited(1), findings) if findings > 0 => {
                return Err(work.failed(&command, &finished, tail, lint::findings(findings)));
            }
            _ => return Err(work.failed(&command, &finished, tail, "flake8 could not look at the source")),
        }
        Ok(())
    }
}

/// `src/money/rates.py:3:1: F401 'os' imported but unused`
fn is_finding(line: &str) -> bool {
    let mut parts = line.splitn(4, ':').skip(1);
    let is_number = |part: Option<&str>| part.is_some_and(|part| part.parse::<u32>().is_ok());
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_some_and(|text| text.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_told_from_other_lines() {
        assert!(is_finding("src/money/rates.py:3:1: F401 'os' imported but unused"));
        assert!(!is_finding("16"));
        assert!(!is_finding("3     F401 'os' imported but unused"));
    }
}
