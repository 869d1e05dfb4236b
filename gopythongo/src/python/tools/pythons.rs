//! The interpreters of a machine, and which one is meant.

use pep440_rs::VersionSpecifiers;

use crate::{
    context::{Interpreter, Survey},
    run::Failure,
    support::words,
};

/// The interpreters that were found, the default one first.
#[derive(Debug, Clone, Default)]
pub struct Pythons(Vec<Interpreter>);

impl From<Vec<Interpreter>> for Pythons {
    fn from(found: Vec<Interpreter>) -> Self {
        Self(found)
    }
}

impl Pythons {
    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Interpreter> {
        self.0.iter()
    }

    /// The interpreter for a wanted version (`3`, `3.12`, `3.12.1`, `pypy3.9`), the default one for `None`. A version without
    /// an implementation means CPython.
    ///
    /// # Errors
    /// When this machine has none.
    pub fn interpreter(&self, wanted: Option<&str>) -> Result<&Interpreter, Failure> {
        let found = match wanted {
            None => self.0.first(),
            Some(wanted) => self.0.iter().find(|python| is_wanted(python, wanted)),
        };
        found.ok_or_else(|| {
            let message = match wanted {
                None => "no Python 3 was found on PATH or in its usual places".to_owned(),
                Some(wanted) => format!("Python {wanted} was not found on PATH or in its usual places"),
            };
            let failure = Failure::lacking(message);
            if self.0.is_empty() {
                failure.hint("install Python")
            } else {
                failure.hint(format!("there are {}", self.known()))
            }
        })
    }

    /// The interpreter for a wanted version, as [`interpreter`](Self::interpreter) finds it, that a project admits by its
    /// `requires-python`. Where none is wanted and the project excludes the default one, the first one that it admits.
    ///
    /// # Errors
    /// When this machine has none.
    pub(crate) fn admitted(
        &self,
        wanted: Option<&str>,
        project: &str,
        requires_python: Option<&str>,
    ) -> Result<&Interpreter, Failure> {
        let python = self.interpreter(wanted)?;
        let Some(specifiers) = requires_python.and_then(|text| text.parse::<VersionSpecifiers>().ok()) else {
            return Ok(python);
        };
        let admits = |python: &&Interpreter| python.version.parse().is_ok_and(|version| specifiers.contains(&version));
        let others = self.0.iter().filter(|other| wanted.is_none() && other.implementation == "cpython");
        std::iter::once(python).chain(others).find(admits).ok_or_else(|| {
            let failure = Failure::lacking(format!("`{project}` requires Python {specifiers}, and no such was found"));
            match wanted {
                Some(wanted) => {
                    Failure::new(format!("`{project}` requires Python {specifiers}, and it is to be {wanted}"))
                        .hint(format!("leave {wanted} out of `.pythons([…])`, or admit it by `requires-python`"))
                }
                None => failure.hint(format!("there are {}: install one that fits", self.known())),
            }
        })
    }

    /// The interpreter on which a job's source is built, checked and tested: the wanted one, else the first one that the
    /// source admits.
    ///
    /// # Errors
    /// As [`admitted`](Self::admitted).
    pub(crate) fn for_source(&self, wanted: Option<&str>, survey: &Survey) -> Result<&Interpreter, Failure> {
        match &survey.distribution {
            Some(distribution) => self.admitted(wanted, &distribution.name, distribution.requires_python.as_deref()),
            None => self.interpreter(wanted),
        }
    }

    fn known(&self) -> String {
        words::list(&self.0.iter().map(name).collect::<Vec<_>>())
    }
}

fn name(python: &Interpreter) -> String {
    match python.implementation.as_str() {
        "cpython" => python.version.clone(),
        implementation => format!("{implementation}{}", python.version),
    }
}

fn is_wanted(python: &Interpreter, wanted: &str) -> bool {
    let (implementation, version) = match wanted.find(|c: char| c.is_ascii_digit()) {
        Some(digit) => wanted.split_at(digit),
        None => (wanted, ""),
    };
    let implementation = match implementation.trim_end_matches('-') {
        "" | "python" => "cpython",
        named => named,
    };
    let version = version.trim_end_matches(".*");
    let fits = version.is_empty()
        || python.version == version
        || python.version.strip_prefix(version).is_some_and(|rest| rest.starts_with('.'));
    python.implementation == implementation && fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(version: &str, implementation: &str) -> Interpreter {
        let path = format!("/opt/{implementation}-{version}").into();
        Interpreter { path, version: version.to_owned(), implementation: implementation.to_owned() }
    }

    fn pythons() -> Pythons {
        Pythons(vec![
            python("3.11.2", "cpython"),
            python("3.12.1", "cpython"),
            python("3.11.7", "cpython"),
            python("3.9.16", "pypy"),
            python("3.1.4", "cpython"),
        ])
    }

    #[test]
    fn an_interpreter_is_found_by_what_is_wanted() {
        let pythons = pythons();
        let found = |wanted| pythons.interpreter(wanted).map(name).unwrap_or_default();
        assert_eq!(found(None), "3.11.2");
        assert_eq!(found(Some("3.11")), "3.11.2");
        assert_eq!(found(Some("3.11.7")), "3.11.7");
        assert_eq!(found(Some("3.1")), "3.1.4");
        assert_eq!(found(Some("python3.12")), "3.12.1");
        assert_eq!(found(Some("pypy")), "pypy3.9.16");
        assert_eq!(found(Some("pypy3.9")), "pypy3.9.16");
    }

    #[test]
    fn a_missing_interpreter_is_answered_with_those_that_are_there() {
        let failure = pythons().interpreter(Some("3.13")).expect_err("there is none");
        assert_eq!(failure.message, "Python 3.13 was not found on PATH or in its usual places");
        assert_eq!(failure.hint.as_deref(), Some("there are 3.11.2, 3.12.1, 3.11.7, pypy3.9.16 and 3.1.4"));
    }

    #[test]
    fn a_project_that_excludes_the_default_interpreter_gets_another() {
        let pythons = pythons();
        let found = |wanted, requires| pythons.admitted(wanted, "money", Some(requires)).map(name);
        assert_eq!(found(None, ">=3.9").as_deref(), Ok("3.11.2"));
        assert_eq!(found(None, ">=3.12").as_deref(), Ok("3.12.1"));
        let none = found(None, ">=3.14").expect_err("there is none");
        assert_eq!(none.message, "`money` requires Python >=3.14, and no such was found");
        let other = found(Some("3.11"), ">=3.12").expect_err("it is excluded");
        assert_eq!(other.message, "`money` requires Python >=3.12, and it is to be 3.11");
    }
}
