//! mypy, on the checkout's source, against what the tests' environment holds.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::python::{Lock, LockedPackage, Tool, Toolchain, lint, mypy_cache::MypyCache, mypy_plugins};
use crate::run::{Failure, Inputs, Key, Step, Work, process::Status};

/// Runs mypy with the project's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Mypy {
    version: Option<String>,
    paths: Vec<PathBuf>,
    args: Vec<String>,
    strict: bool,
    from_scratch: bool,
}

impl Mypy {
    /// mypy at the version that the project pins, else the default one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets mypy's version: `1.19.1`. It goes before the project's own pin.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets what to check, relative to the source. By default what the configuration says, else the project's packages.
    pub fn paths<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.paths.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Checks everything again each time. By default what mypy remembers of the source's last check is used.
    pub fn from_scratch(mut self) -> Self {
        self.from_scratch = true;
        self
    }

    /// Checks with `--strict`.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }
}

impl Step for Mypy {
    const KIND: &'static str = "mypy";
    const VERSION: u32 = 1;

    fn effort(&self) -> usize {
        4
    }

    fn inputs(&self) -> Inputs {
        Inputs::source().artifact("resolve").artifact("wheel")
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        key.source()?;
        if let Some(lock) = key.outcome("resolve").and_then(|outcome| outcome.artifacts.get("lock")) {
            let digest = lock.digest;
            key.part("lock", digest);
        }
        // The wheel's payload and not its bytes: types do not change with a version.
        if let Some(payload) = key.outcome("wheel").and_then(|outcome| outcome.facts.get("payload").cloned()) {
            key.part("wheel", payload);
        }
        let python = key.service::<Toolchain>()?.pythons().for_source(None, &key.job()?.survey)?.clone();
        let version = lint::version("mypy", self.version.as_ref(), &key.job()?.survey, &python.version)?;
        key.part("mypy", format!("{version}, {} {}", python.implementation, python.version));
        key.program("the interpreter", &python.path)?;
        Ok(())
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let toolchain = work.service::<Toolchain>()?;
        let survey = work.job()?.survey.clone();
        let python = toolchain.pythons().for_source(None, &survey)?.clone();
        let version = lint::version("mypy", self.version.as_ref(), &survey, &python.version)?;
        let lock = match work.outcome("resolve").cloned() {
            Some(outcome) => Lock::of(work, &outcome)?,
            None => Lock::default(),
        };
        let wheels = match work.outcome("wheel") {
            Some(_) => vec![work.artifact("wheel", "wheel")?],
            None => Vec::new(),
        };
        // What the checked code imports: the tests' lock, and the job's own wheel.
        let environment = work.scratch().join("env");
        toolchain.environment(work, &environment, &python, &lock, &wheels)?;
        let with_plugins = survey.mypy.iter().any(|file| mypy_plugins::named(&work.source().join(file)));
        let program = if with_plugins {
            // Plug-ins are imported by mypy itself: it has to stand where they stand.
            let pin = |package: &LockedPackage| format!("{}=={}", package.name, package.version);
            let pins: Vec<String> = lock.packages.iter().map(pin).collect();
            toolchain.extend(work, &environment, &python, &[format!("mypy=={version}")], &pins)?;
            environment.clone()
        } else {
            toolchain.tool(work, &Tool::new("mypy", &version).python(&python))?
        };
        let tree = work.tree()?;
        let parts = [version.as_str(), &python.version];
        let own = work.scratch().join("mypy-cache");
        let open = || MypyCache::open(toolchain.cache(), &tree, &parts, own.clone());
        let cache = (!self.from_scratch).then(open).transpose()?;
        let mut command = lint::command(&toolchain, work, &program, "mypy")
            .arg("--python-executable")
            .arg(environment.join("bin/python"))
            .arg("--cache-dir")
            .arg(cache.as_ref().map_or(own.as_path(), MypyCache::directory));
        if self.strict {
            command = command.arg("--strict");
        }
        command = command.args(&self.args);
        if !self.paths.is_empty() || !survey.mypy_names_files {
            let packages = survey.distribution.iter().flat_map(|distribution| distribution.packages.clone()).collect();
            let wanted = if self.paths.is_empty() { packages } else { self.paths.clone() };
            command = command.arg("--").args(lint::paths("mypy", &wanted, &survey, &work.source())?);
        }
        let (finished, tail) = work.observe(&command)?;
        match finished.status {
            Status::Exited(0) => {
                let checked = tail.iter().rev().find_map(|line| checked(line));
                work.summary(checked.unwrap_or_else(|| "no findings".to_owned()));
                Ok(())
            }
            // A syntax error, which ends the check, is exit code 2 and is counted too.
            _ => {
                let errors = tail.iter().rev().find_map(|line| errors(line));
                let message = errors.map_or_else(|| "mypy could not look at the source".to_owned(), lint::findings);
                Err(work.failed(&command, &finished, tail, message))
            }
        }
    }
}

/// `Success: no issues found in 42 source files`
fn checked(line: &str) -> Option<String> {
    line.strip_prefix("Success: no issues found in ").map(str::to_owned)
}

/// `Found 3 errors in 2 files (checked 42 source files)`
fn errors(line: &str) -> Option<usize> {
    line.strip_prefix("Found ")?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_how_it_went() {
        assert_eq!(checked("Success: no issues found in 42 source files").as_deref(), Some("42 source files"));
        assert_eq!(errors("Found 3 errors in 2 files (checked 42 source files)"), Some(3));
        assert_eq!(errors("Success: no issues found in 1 source file"), None);
    }
}
