//! The Python that the hosts will run an application on.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    context::{Interpreter, Survey},
    python::Toolchain,
    run::Failure,
};

/// The Python of a distribution.
const OF_DISTRIBUTION: &str = "/usr/bin/python3";

/// What Debian and its descendants have where their package manager installed that Python.
const DPKG_KNOWS: &str = "/var/lib/dpkg/info/python3-minimal.list";

/// An interpreter, and what a host needs to have it, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::python) struct HostPython {
    pub(in crate::python) interpreter: Interpreter,
    /// What `bin/python` links to: the path that stays when the distribution updates its Python.
    pub(in crate::python) path: PathBuf,
    /// Relations of Debian packages (Debian Policy 7.1); empty if it is none of theirs.
    pub(in crate::python) depends: String,
}

impl HostPython {
    /// The wanted one; else the distribution's if the source admits it; else that on which the source is tested.
    ///
    /// # Errors
    /// When this machine has none.
    pub(in crate::python) fn find(
        toolchain: &Toolchain,
        wanted: Option<&str>,
        survey: &Survey,
    ) -> Result<Self, Failure> {
        let of_distribution = fs::canonicalize(OF_DISTRIBUTION).ok();
        Self::choose(toolchain, wanted, survey, of_distribution.as_deref(), Path::new(DPKG_KNOWS).exists())
    }

    fn choose(
        toolchain: &Toolchain,
        wanted: Option<&str>,
        survey: &Survey,
        of_distribution: Option<&Path>,
        debian: bool,
    ) -> Result<Self, Failure> {
        let fits = |python: &&Interpreter| {
            let wanted = wanted.is_none_or(|wanted| {
                let rest = python.version.strip_prefix(wanted);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            wanted && toolchain.pythons().for_source(Some(&python.version), survey).is_ok()
        };
        let mut distributed = toolchain.pythons().iter().filter(|python| Some(&*python.path) == of_distribution);
        let distributed = distributed.find(fits);
        let interpreter = match distributed {
            Some(python) => python,
            None => toolchain.pythons().for_source(wanted, survey)?,
        };
        if interpreter.implementation != "cpython" {
            return Err(Failure::new(format!(
                "a virtual environment is built on CPython, and {} is {}",
                interpreter.path.display(),
                interpreter.implementation
            )));
        }
        let path = if distributed.is_some() { PathBuf::from(OF_DISTRIBUTION) } else { interpreter.path.clone() };
        let python = Self { interpreter: interpreter.clone(), path, depends: String::new() };
        let depends = if distributed.is_some() && debian { python.relations() } else { String::new() };
        Ok(Self { depends, ..python })
    }

    /// `3.11`: Pythons that agree in this run the same bytecode and extension modules.
    pub(in crate::python) fn minor(&self) -> &str {
        minor(&self.interpreter.version)
    }

    fn relations(&self) -> String {
        let this = self.minor();
        let next = this.split_once('.').and_then(|(major, minor)| Some((major, minor.parse::<u64>().ok()? + 1)));
        match next {
            Some((major, minor)) => format!("python3 (>= {this}), python3 (<< {major}.{minor})"),
            None => String::new(),
        }
    }
}

/// `3.11` of `3.11.2`.
pub(in crate::python) fn minor(version: &str) -> &str {
    let end = version.match_indices('.').nth(1).map_or(version.len(), |(at, _)| at);
    version[..end].trim_end_matches(|c: char| !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        context::{Distribution, Layout},
        index::IndexUrls,
    };

    fn python(path: &str, version: &str) -> Interpreter {
        Interpreter { path: path.into(), version: version.to_owned(), implementation: "cpython".to_owned() }
    }

    fn chosen(wanted: Option<&str>, requires: Option<&str>, debian: bool) -> Result<(String, String), String> {
        let pythons = vec![
            python("/home/a/3.11.7/bin/python3.11", "3.11.7"),
            python("/usr/bin/python3.11", "3.11.2"),
            python("/home/a/3.12.1/bin/python3.12", "3.12.1"),
        ];
        let urls = IndexUrls { run: String::new(), base: String::new() };
        let toolchain = Toolchain::new(Path::new("/nowhere"), pythons, urls, false);
        let distribution = Distribution {
            name: "shop".to_owned(),
            build_requires: Vec::new(),
            build_backend: String::new(),
            requires_python: requires.map(str::to_owned),
            dependencies: Vec::new(),
            extras: Vec::new(),
            packages: Vec::new(),
            layout: Layout::Src,
        };
        let survey = Survey { distribution: Some(distribution), ..Survey::default() };
        let of_distribution = Some(Path::new("/usr/bin/python3.11"));
        HostPython::choose(&toolchain, wanted, &survey, of_distribution, debian)
            .map(|python| (python.path.display().to_string(), python.depends))
            .map_err(|failure| failure.message)
    }

    #[test]
    fn the_distributions_python_is_taken_and_depended_upon() {
        let debians = ("/usr/bin/python3".to_owned(), "python3 (>= 3.11), python3 (<< 3.12)".to_owned());
        assert_eq!(chosen(None, None, true), Ok(debians.clone()));
        assert_eq!(chosen(Some("3.11"), Some(">=3.9"), true), Ok(debians));
        assert_eq!(chosen(None, None, false), Ok(("/usr/bin/python3".to_owned(), String::new())));
    }

    #[test]
    fn another_python_is_taken_where_it_is_wanted_or_the_source_excludes_the_distributions() {
        let other = ("/home/a/3.12.1/bin/python3.12".to_owned(), String::new());
        assert_eq!(chosen(Some("3.12"), None, true), Ok(other.clone()));
        assert_eq!(chosen(None, Some(">=3.12"), true), Ok(other));
        assert!(chosen(Some("3.1"), None, true).is_err(), "3.11 is not 3.1");
    }

    #[test]
    fn minor_versions() {
        assert_eq!([minor("3.11.2"), minor("3.13.0rc1"), minor("3.14")], ["3.11", "3.13", "3.14"]);
    }
}
