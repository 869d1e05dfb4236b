//! What an application needs at run time, at the versions that its tests ran with.

use std::path::{Path, PathBuf};

use super::host_python::{HostPython, minor};
use crate::python::{Lock, LockedPackage, Toolchain, name::normalize, question::file_url};
use crate::run::{Failure, FailureKind, Work};

/// What is asked for.
pub(in crate::python) struct Needed<'a> {
    /// The application: its name and its wheel; `None` if it is no distribution.
    pub(in crate::python) wheel: Option<(&'a str, &'a Path)>,
    /// Extras of the application.
    pub(in crate::python) extras: &'a [String],
    /// Requirement files of an application that is no distribution.
    pub(in crate::python) files: &'a [PathBuf],
    /// What the tests ran with.
    pub(in crate::python) tested: &'a Lock,
}

impl Needed<'_> {
    /// Takes out of what the tests ran with what is needed at run time. Where the hosts' Python is another one than the
    /// tests', its files of the same versions are taken.
    ///
    /// # Errors
    /// When these versions cannot be had, or are not the same files.
    pub(in crate::python) fn lock(
        &self,
        work: &mut Work<'_>,
        toolchain: &Toolchain,
        python: &HostPython,
    ) -> Result<Lock, Failure> {
        let pins: Vec<String> =
            self.tested.packages.iter().map(|package| format!("{}=={}", package.name, package.version)).collect();
        let job = work.step().job.clone();
        let found = toolchain.resolve(work, &python.interpreter, &self.requirements(), self.files, &pins);
        let mut lock = found.map_err(|mut failure| {
            if failure.kind == FailureKind::Failed {
                let (own, tests) = (&python.interpreter.version, &self.tested.python);
                failure.message = format!(
                    "what `{job}` needs cannot be had for Python {own} at the versions that its tests ran with"
                );
                if minor(own) != minor(tests) {
                    failure = failure.hint(format!(
                        "the tests ran on {tests}: build on it, `.step(Virtualenv::new(..).python(\"{}\"))`, or admit \
                         versions that fit both",
                        minor(tests)
                    ));
                }
            }
            toolchain.unanswered(failure)
        })?;
        lock.runtime.clone_from(&self.tested.runtime);
        let same = minor(&self.tested.python) == python.minor();
        for package in &mut lock.packages {
            let tested = self.tested.package(&package.name);
            package.owned = tested.is_some_and(|tested| tested.owned);
            compare(package, tested, same).map_err(Failure::refused)?;
        }
        Ok(lock)
    }

    /// The requirements, one a line.
    fn requirements(&self) -> String {
        let mut lines = self.tested.runtime.clone();
        if let Some((name, wheel)) = self.wheel {
            let extras = if self.extras.is_empty() { String::new() } else { format!("[{}]", self.extras.join(",")) };
            lines.push(format!("{}{extras} @ {}", normalize(name), file_url(wheel)));
        }
        lines.join("\n")
    }
}

/// Whether a package is the one that the tests ran with, `same` telling whether it is for the same Python. One that the tests'
/// Python does not need is nothing to compare with.
fn compare(package: &LockedPackage, tested: Option<&LockedPackage>, same: bool) -> Result<(), String> {
    let Some(tested) = tested else { return Ok(()) };
    let shared = package.files.iter().any(|file| tested.files.contains(file));
    if package.version != tested.version || ((same || package.owned) && !shared) {
        return Err(format!(
            "the tests ran with `{}` {}, and the index now gives {}",
            tested.name,
            tested.version,
            if package.version == tested.version { "other files of it" } else { package.version.as_str() }
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{python::LockedFile, support::Digest};

    fn package(version: &str, bytes: &str) -> LockedPackage {
        let files = vec![LockedFile { file: format!("money-{version}.whl"), sha256: Digest::of(bytes) }];
        LockedPackage { name: "money".to_owned(), version: version.to_owned(), files, owned: false }
    }

    #[test]
    fn what_is_installed_is_what_the_tests_ran_with() {
        let tested = package("1.5", "a");
        assert_eq!(compare(&tested, Some(&tested), true), Ok(()));
        assert_eq!(compare(&tested, None, true), Ok(()));
        assert_eq!(compare(&package("1.5", "for another Python"), Some(&tested), false), Ok(()));
        assert_eq!(
            compare(&package("1.5", "b"), Some(&tested), true).unwrap_err(),
            "the tests ran with `money` 1.5, and the index now gives other files of it"
        );
        let owned = LockedPackage { owned: true, ..package("1.5", "b") };
        assert!(compare(&owned, Some(&tested), false).is_err(), "owned packages are never two");
        assert_eq!(
            compare(&package("1.6", "a"), Some(&tested), false).unwrap_err(),
            "the tests ran with `money` 1.5, and the index now gives 1.6"
        );
    }

    #[test]
    fn the_application_is_asked_for_by_its_wheel_with_what_serves_it() {
        let tested = Lock { runtime: vec!["gunicorn==23.0.0".to_owned()], ..Lock::default() };
        let wheel = Path::new("/s/shop-1-py3-none-any.whl");
        let needed = Needed { wheel: Some(("Shop", wheel)), extras: &["pg".to_owned()], files: &[], tested: &tested };
        assert_eq!(needed.requirements(), "gunicorn==23.0.0\nshop[pg] @ file:///s/shop-1-py3-none-any.whl");
    }
}
