//! The versions of tools and build back ends that a project gets which pins none itself; all in one place.

use crate::python::Requirement;

/// A version that is known to work, and the first minor version of Python 3 that it runs on.
type Default = (&'static str, &'static str, u64);

/// By normalised name; of one name the newest first.
const VERSIONS: [Default; 41] = [
    ("bandit", "1.9.4", 10),
    ("coverage", "7.17.3", 11),
    ("coverage", "7.10.7", 9),
    ("coverage", "7.6.1", 8),
    ("flake8", "7.5.0", 11),
    ("flake8", "7.3.0", 9),
    ("flit-core", "4.2.0", 6),
    ("flit-core", "3.12.0", 6),
    ("gunicorn", "23.0.0", 7),
    ("hatch-vcs", "0.5.0", 9),
    ("hatchling", "1.33.0", 10),
    ("hatchling", "1.27.0", 8),
    ("mccabe", "0.7.0", 6),
    ("mypy", "2.4.1", 10),
    ("mypy", "1.19.1", 9),
    ("mypy", "1.14.1", 8),
    ("nox", "2026.10.20", 10),
    ("nox", "2025.5.1", 8),
    ("packaging", "26.3", 9),
    ("packaging", "25.0", 8),
    ("pathspec", "1.1.1", 9),
    ("pathspec", "0.12.1", 8),
    ("pip", "26.3", 9),
    ("pluggy", "1.7.0", 9),
    ("poetry-core", "2.5.0", 10),
    ("poetry-core", "1.9.1", 8),
    ("prospector", "1.20.0", 10),
    ("pylint", "4.1.4", 10),
    ("pytest", "9.2.0", 10),
    ("pytest", "8.4.2", 9),
    ("pytest", "8.3.5", 8),
    ("ruff", "0.17.6", 7),
    ("setuptools", "84.2.1", 10),
    ("setuptools", "75.3.2", 8),
    ("setuptools-scm", "10.3.4", 8),
    ("tox", "4.67.15", 11),
    ("tox", "4.25.0", 8),
    ("tox-uv", "1.37.1", 10),
    ("trove-classifiers", "2026.9.21.13", 3),
    ("uv", "0.13.9", 8),
    ("wheel", "0.48.0", 9),
];

/// What build environments are constrained to, where the requirements of a back end admit it.
const BUILD: [&str; 11] = [
    "flit-core",
    "hatch-vcs",
    "hatchling",
    "packaging",
    "pathspec",
    "pluggy",
    "poetry-core",
    "setuptools",
    "setuptools-scm",
    "trove-classifiers",
    "wheel",
];

fn versions(name: &str) -> impl Iterator<Item = &'static Default> {
    VERSIONS.iter().filter(move |(known, ..)| *known == name)
}

/// The default version of a tool, by its normalised name, on the newest Pythons.
#[must_use]
pub(crate) fn version(tool: &str) -> Option<&'static str> {
    versions(tool).next().map(|(_, version, _)| *version)
}

/// The default version of a tool, by its normalised name, on a Python (`3.8.18`). `None` where none is known to run on it.
#[must_use]
pub(crate) fn version_on(tool: &str, python: &str) -> Option<&'static str> {
    let minor = minor(python);
    versions(tool).find(|(.., first)| minor >= *first).map(|(_, version, _)| *version)
}

/// Constraints for an environment in which a back end with these requirements runs on a Python (`3.11.2`). A requirement
/// that excludes a default goes before it.
pub(crate) fn build_constraints(requirements: &[String], python: &str) -> Vec<String> {
    let wanted: Vec<Requirement> = requirements.iter().filter_map(|text| text.parse().ok()).collect();
    let minor = minor(python);
    let admits = |name: &str, version: &str| {
        version.parse().is_ok_and(|version| {
            wanted.iter().filter(|wanted| wanted.name == name).all(|wanted| wanted.specifiers.contains(&version))
        })
    };
    BUILD
        .iter()
        .filter(|name| wanted.iter().all(|wanted| wanted.name != **name || wanted.url.is_none()))
        .filter_map(|name| versions(name).find(|(name, version, first)| minor >= *first && admits(name, version)))
        .map(|(name, version, _)| format!("{name}=={version}"))
        .collect()
}

fn minor(python: &str) -> u64 {
    python.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_has_a_version_for_the_python_it_runs_on() {
        assert_eq!(version_on("flake8", "3.11.2"), Some("7.5.0"));
        assert_eq!(version_on("flake8", "3.10.13"), Some("7.3.0"));
        assert_eq!(version_on("flake8", "3.7.16"), None);
        assert_eq!(version("pytest"), Some("9.2.0"));
        assert_eq!(version("fortran"), None);
    }

    #[test]
    fn versions_stand_by_name_and_newest_first() {
        for pair in VERSIONS.windows(2) {
            assert!(pair[0].0 <= pair[1].0, "{pair:?}");
            let version = |index: usize| pair[index].1.parse::<crate::version::Version>().expect("a version");
            assert!(pair[0].0 != pair[1].0 || version(0) > version(1), "{pair:?}");
        }
    }

    #[test]
    fn a_requirement_goes_before_a_default() {
        let constraints = |requirement: &str| build_constraints(&[requirement.to_owned()], "3.11.2");
        assert!(constraints("flit_core").contains(&"flit-core==4.2.0".to_owned()));
        assert!(constraints("flit_core<4").contains(&"flit-core==3.12.0".to_owned()));
        assert!(constraints("setuptools<60").iter().all(|constraint| !constraint.starts_with("setuptools==")));
        assert!(constraints("hatchling").contains(&"setuptools==84.2.1".to_owned()));
    }
}
