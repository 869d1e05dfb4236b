//! Giving a build its version: by rewriting where a copy of the source says it, or by an environment variable.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::{
    Version, VersionError,
    place::Place,
    sources::{Found, look, version_attributes},
};
use crate::python::project::Project;

/// How a version gets into a build of a copy of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stamp {
    /// The build keeps the version that the source says.
    Keep,
    /// The version is rewritten wherever it is written, everything else staying byte for byte.
    Rewrite(Vec<Place>),
    /// An environment variable of the build is set.
    Environment {
        /// `SETUPTOOLS_SCM_PRETEND_VERSION`.
        variable: String,
    },
}

impl Stamp {
    /// How builds of the project in `directory` are given their version. A static version and a `__version__` that is
    /// equal to it are rewritten together.
    ///
    /// # Errors
    /// When the project says its version in no way that can be changed without running its code.
    pub fn find(directory: &Path) -> Result<Self, VersionError> {
        let project = Project::read(directory);
        Ok(Self::of(&project, &look(&project)?))
    }

    /// The same of a project that was read, whose version was found.
    pub(super) fn of(project: &Project, found: &Found) -> Self {
        match found {
            Found::Tags(variable) => Self::Environment { variable: variable.clone() },
            Found::Written(place, version) => {
                let same = |other: &Place| other != place && other.of_project(project).as_ref() == Some(version);
                let others = version_attributes(project).into_iter().filter(same).collect::<Vec<_>>();
                Self::Rewrite([vec![place.clone()], others].concat())
            }
        }
    }
}

impl Stamp {
    /// How builds are given their version where it is written in `places`, too; `found` is the project's own way.
    ///
    /// # Errors
    /// When there are none, and the project says its version in no way that can be changed without running its code.
    pub(crate) fn with(found: Result<Self, VersionError>, places: Vec<Place>) -> Result<Self, VersionError> {
        match found {
            // texts first: the others are found by what stands around them, whatever the version then is
            Ok(Self::Rewrite(own)) => Ok(Self::Rewrite([places, own].concat())),
            Err(_) if !places.is_empty() => Ok(Self::Rewrite(places)),
            found => found,
        }
    }
}

/// Gives the copy of a source in `directory` a version; returns the variables that its build needs in its environment.
///
/// # Errors
/// When a file cannot be read or written, or does not say a version any more.
pub fn apply(stamp: &Stamp, directory: &Path, version: &Version) -> Result<BTreeMap<String, String>, VersionError> {
    match stamp {
        Stamp::Keep => Ok(BTreeMap::new()),
        Stamp::Environment { variable } => Ok([(variable.clone(), version.to_string())].into()),
        Stamp::Rewrite(places) => {
            places.iter().try_for_each(|place| rewrite(place, directory, version))?;
            Ok(BTreeMap::new())
        }
    }
}

fn rewrite(place: &Place, directory: &Path, version: &Version) -> Result<(), VersionError> {
    let path = directory.join(&place.file);
    let failed = |error: std::io::Error| VersionError(format!("cannot stamp {}: {error}", path.display()));
    let mut text = fs::read_to_string(&path).map_err(failed)?;
    let span =
        place.span(&text).ok_or_else(|| VersionError(format!("{place} is not there, in {}", directory.display())))?;
    text.replace_range(span, &version.to_string());
    fs::write(&path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    fn stamped(files: &[(&str, &str)]) -> Result<(tempfile::TempDir, BTreeMap<String, String>), VersionError> {
        let directory = tree(files);
        let version = "1.5.0.dev7+d1a2b3c4d".parse().map_err(|_| VersionError("no version".to_owned()))?;
        let variables = apply(&Stamp::find(directory.path())?, directory.path(), &version)?;
        Ok((directory, variables))
    }

    fn read(directory: &tempfile::TempDir, file: &str) -> String {
        fs::read_to_string(directory.path().join(file)).unwrap_or_default()
    }

    #[test]
    fn nothing_but_the_version_changes() -> Result<(), VersionError> {
        let pyproject = "# a\r\n[project]\nname   = 'x'\nversion=\"1.5.0\"# b\n[tool.x]\nversion = \"1.5.0\"\n";
        let module = "\"\"\"x 1.5.0\"\"\"\n__version__ = '1.5.0'\n";
        let (directory, variables) = stamped(&[("pyproject.toml", pyproject), ("x/__init__.py", module)])?;
        assert_eq!(read(&directory, "pyproject.toml"), {
            "# a\r\n[project]\nname   = 'x'\nversion=\"1.5.0.dev7+d1a2b3c4d\"# b\n[tool.x]\nversion = \"1.5.0\"\n"
        });
        assert_eq!(read(&directory, "x/__init__.py"), "\"\"\"x 1.5.0\"\"\"\n__version__ = '1.5.0.dev7+d1a2b3c4d'\n");
        assert!(variables.is_empty());
        Ok(())
    }

    #[test]
    fn a_version_attribute_of_something_else_stays() -> Result<(), VersionError> {
        let pyproject = ("pyproject.toml", "[project]\nname = 'x'\nversion = '1.5.0'\n");
        let (directory, _) = stamped(&[pyproject, ("x.py", "__version__ = '3'\n")])?;
        assert_eq!(read(&directory, "x.py"), "__version__ = '3'\n");
        Ok(())
    }

    #[test]
    fn tools_that_read_tags_are_told_by_a_variable() -> Result<(), VersionError> {
        let (_, variables) = stamped(&[("pyproject.toml", "[build-system]\nrequires = ['hatch-vcs']\n")])?;
        let expected = ("SETUPTOOLS_SCM_PRETEND_VERSION".to_owned(), "1.5.0.dev7+d1a2b3c4d".to_owned());
        assert_eq!(variables, [expected].into());
        Ok(())
    }
}
