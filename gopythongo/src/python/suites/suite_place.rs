//! Where a suite runs: beside the packages, so that what is installed is what is tested.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
};

use crate::python::{Lock, Pytest, Toolchain, installed, wheel};
use crate::{
    context::{SourceTree, Survey},
    run::{Failure, Work},
};

/// Where a suite runs: a copy of the source without the packages that the wheel brings, and an environment with them.
pub(in crate::python) struct SuitePlace {
    pub(in crate::python) checkout: PathBuf,
    pub(in crate::python) environment: PathBuf,
    pub(in crate::python) site: PathBuf,
    pub(in crate::python) survey: Survey,
    /// Tests that stand inside the packages, as paths in the environment.
    inside: Vec<PathBuf>,
}

impl SuitePlace {
    pub(in crate::python) fn make(
        work: &mut Work<'_>,
        toolchain: &Toolchain,
        options: &Pytest,
    ) -> Result<Self, Failure> {
        let python = toolchain.pythons().for_source(options.python.as_deref(), &work.job()?.survey)?.clone();
        let lock = match work.outcome("resolve").cloned() {
            Some(outcome) => Lock::of(work, &outcome)?,
            None => Lock::default(),
        };
        let wheels = match work.outcome("wheel") {
            Some(wheel) => {
                let own = wheel::artifact_for(wheel, options.python.as_deref());
                vec![work.artifact("wheel", &own)?]
            }
            None => Vec::new(),
        };
        let environment = work.scratch().join("env");
        toolchain.environment(work, &environment, &python, &lock, &wheels)?;
        for wheel in &wheels {
            installed::check(&environment, wheel)?;
        }
        installed::check_owned(work, &lock, &environment)?;
        let site = installed::site_packages(&environment)?;
        let checkout = work.scratch().join("checkout");
        let tree = work.tree()?;
        tree.copy_to(&checkout).map_err(Failure::io("cannot copy the source to", &checkout))?;
        let survey = work.job()?.survey.clone();
        let mut place = Self { checkout, environment, site, survey, inside: Vec::new() };
        if !wheels.is_empty() {
            place.uncover(&tree)?;
        }
        Ok(place)
    }

    /// Takes the packages out of the copy, so that `import` finds the installed ones. Tests inside a package that the
    /// wheel leaves out are put beside the installed modules that they belong to.
    fn uncover(&mut self, tree: &SourceTree) -> Result<(), Failure> {
        let packages: Vec<PathBuf> = self.packages().to_vec();
        for package in &packages {
            let parent = package.parent().unwrap_or(Path::new(""));
            for file in tree.files.iter().filter(|file| file.path.starts_with(package)) {
                let test = self.survey.tests.iter().any(|test| file.path.starts_with(test))
                    || file.path.file_name().is_some_and(|name| name == "conftest.py");
                let target = self.site.join(file.path.strip_prefix(parent).unwrap_or(&file.path));
                if test && !target.exists() {
                    let directory = target.parent().unwrap_or(&self.site);
                    fs::create_dir_all(directory).map_err(Failure::io("cannot make", directory))?;
                    let from = tree.directory.join(&file.path);
                    fs::copy(&from, &target).map_err(Failure::io("cannot copy", &from))?;
                }
            }
            let inside = self.survey.tests.iter().filter(|test| test.starts_with(package));
            self.inside.extend(inside.map(|test| self.site.join(test.strip_prefix(parent).unwrap_or(test))));
            let copy = self.checkout.join(package);
            let removed = if copy.is_dir() { fs::remove_dir_all(&copy) } else { fs::remove_file(&copy) };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Failure::io("cannot remove", &copy)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a path, as pytest names it, is a file of the suite.
    pub(in crate::python) fn has(&self, path: &str) -> bool {
        self.checkout.join(path).is_file() || self.inside.iter().any(|directory| directory.join(path).is_file())
    }

    pub(in crate::python) fn packages(&self) -> &[PathBuf] {
        self.survey.distribution.as_ref().map_or(&[], |distribution| &distribution.packages)
    }

    /// Tests that stand inside the packages, as paths in the checkout.
    pub(in crate::python) fn tests_inside(&self) -> Vec<String> {
        let inside = |test: &&PathBuf| self.packages().iter().any(|package| test.starts_with(package));
        self.survey.tests.iter().filter(inside).map(|test| test.to_string_lossy().into_owned()).collect()
    }

    /// What pytest is asked to collect.
    pub(in crate::python) fn arguments(&self, paths: &[PathBuf]) -> Vec<PathBuf> {
        if !paths.is_empty() {
            return paths.to_vec();
        }
        if self.inside.is_empty() {
            // the project's configuration knows, or pytest finds them below its directory
            return if self.survey.pytest.is_some() { Vec::new() } else { self.survey.tests.clone() };
        }
        let outside = self.survey.tests.iter().filter(|test| self.checkout.join(test).exists()).cloned();
        let mut arguments: Vec<PathBuf> = outside.chain(self.inside.iter().cloned()).collect();
        let configuration = self.survey.pytest.as_ref().map(|file| format!("--config-file={}", file.display()));
        arguments.extend([Some("--rootdir=.".to_owned()), configuration].into_iter().flatten().map(PathBuf::from));
        arguments
    }

    /// What in the project's `addopts` would fight with this machine or with us.
    pub(in crate::python) fn adjustments(&self) -> Vec<String> {
        let addopts = self.survey.pytest_addopts.as_deref().unwrap_or_default();
        let words: Vec<&str> = addopts.split_whitespace().collect();
        let mut adjustments = Vec::new();
        if words.iter().any(|word| word.starts_with("--cov")) {
            // two measurements in one process take each other's events away
            adjustments.push("--no-cov".to_owned());
        }
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        if let Some(wanted) = workers(&words)
            && wanted > processors
        {
            adjustments.push(format!("-n{processors}"));
        }
        adjustments
    }

    pub(in crate::python) fn variables(
        &self,
        toolchain: &Toolchain,
        work: &Work<'_>,
        names: &[String],
    ) -> BTreeMap<OsString, OsString> {
        let mut variables = toolchain.base_env(work);
        let bin = self.environment.join("bin").into_os_string();
        let path = variables.remove(OsStr::new("PATH")).unwrap_or_default();
        let paths = std::iter::once(PathBuf::from(bin)).chain(env::split_paths(&path));
        variables.insert("PATH".into(), env::join_paths(paths).unwrap_or(path));
        variables.insert("VIRTUAL_ENV".into(), self.environment.clone().into_os_string());
        // the environment is this step's own: processes that the tests start find it compiled
        variables.remove(OsStr::new("PYTHONDONTWRITEBYTECODE"));
        for name in names {
            if let Some(value) = env::var_os(name) {
                variables.insert(name.into(), value);
            }
        }
        variables
    }
}

/// How many processes `addopts` asks of pytest-xdist; more than any machine has for a number that it finds itself.
fn workers(words: &[&str]) -> Option<usize> {
    let mut words = words.iter();
    let mut wanted = None;
    while let Some(word) = words.next() {
        let value = match *word {
            "-n" | "--numprocesses" => words.next().copied(),
            word => word.strip_prefix("--numprocesses=").or_else(|| {
                word.strip_prefix("-n")
                    .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == 'a' || c == 'l'))
            }),
        };
        wanted = value.map(|value| value.parse().unwrap_or(0)).or(wanted);
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_workers_is_read_from_addopts() {
        let read = |text: &str| workers(&text.split_whitespace().collect::<Vec<_>>());
        assert_eq!(read("-ra -n 8 --strict"), Some(8));
        assert_eq!(read("-n4"), Some(4));
        assert_eq!(read("--numprocesses=2"), Some(2));
        assert_eq!(read("-n auto"), Some(0));
        assert_eq!(read("-ra --no-header"), None);
    }
}
