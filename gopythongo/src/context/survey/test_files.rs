//! Where a project's tests are, and the requirement files of a tree that is no distribution.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{Distribution, tools::Tools};
use crate::python::project::Project;

/// How deep in a package its tests are looked for.
const LEVELS: usize = 3;

/// Directories and files with tests, relative to the project, sorted: what pytest is told by `testpaths`, else what has
/// the usual names at the top and inside the packages.
pub(super) fn test_files(project: &Project, tools: &Tools, distribution: Option<&Distribution>) -> Vec<PathBuf> {
    let told: Vec<PathBuf> = tools.testpaths.iter().map(PathBuf::from).filter(|path| project.has(path)).collect();
    if !told.is_empty() {
        return told;
    }
    let packages = distribution.map(|distribution| distribution.packages.as_slice()).unwrap_or_default();
    let top = project.listing(Path::new("")).unwrap_or_default();
    let named = top.iter().filter(|(name, listed)| (is_of_tests(name) && listed.is_directory) || is_test_file(name));
    let mut found: Vec<PathBuf> = named.map(|(name, _)| PathBuf::from(name)).collect();
    packages.iter().for_each(|package| inside(project, package, LEVELS, &mut found));
    found.sort();
    found.dedup();
    found
}

/// Requirement files of an application's tree.
pub(super) fn requirements(project: &Project) -> Vec<PathBuf> {
    let candidates =
        ["requirements.txt", "requirements/base.txt", "requirements/common.txt", "requirements/production.txt"];
    candidates.iter().map(PathBuf::from).filter(|path| project.has(path)).take(1).collect()
}

fn is_of_tests(name: &OsStr) -> bool {
    name == "tests" || name == "test"
}

fn is_test_file(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.ends_with(".py") && (name.starts_with("test_") || name.ends_with("_test.py"))
}

/// `tests` of a package, and of packages in it down to so many levels.
fn inside(project: &Project, package: &Path, levels: usize, found: &mut Vec<PathBuf>) {
    let listing = project.listing(package).unwrap_or_default();
    for (name, _) in listing.iter().filter(|(_, listed)| listed.is_directory && !listed.is_link) {
        let path = package.join(name);
        if is_of_tests(name) {
            found.push(path);
        } else if levels > 1 {
            inside(project, &path, levels - 1, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::distribution::distribution, *};
    use crate::support::trees::tree;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let directory = tree(files);
        let mut project = Project::read(directory.path());
        let tools = Tools::read(&mut project);
        let distribution = distribution(&project);
        test_files(&project, &tools, distribution.as_ref()).iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn tests_have_usual_names() {
        let project = ("pyproject.toml", "[project]\nname = 'x'\n");
        assert_eq!(
            found(&[project, ("tests/test_x.py", ""), ("test_y.py", ""), ("x/__init__.py", "")]),
            ["test_y.py", "tests"]
        );
        assert_eq!(
            found(&[project, ("src/x/tests/a/tests/t.py", ""), ("src/x/y/test/t.py", "")]),
            ["src/x/tests", "src/x/y/test"]
        );
        assert_eq!(found(&[project, ("x/__init__.py", "")]), [""; 0]);
    }

    #[test]
    fn pytest_is_told_where_tests_are() {
        let project = ("pyproject.toml", "[tool.pytest.ini_options]\ntestpaths = ['t', 'gone']\n");
        assert_eq!(found(&[project, ("t/test_x.py", ""), ("tests/test_x.py", "")]), ["t"]);
    }
}
