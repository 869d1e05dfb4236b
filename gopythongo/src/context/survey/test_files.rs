//! Where a project's tests are, and the requirement files of a tree that is no distribution.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Distribution, tools::Tools};
use crate::python::project::Project;

/// Directories and files with tests, relative to the project, sorted: what pytest is told by `testpaths`, else what has
/// the usual names at the top and inside the packages.
pub(super) fn test_files(project: &Project, tools: &Tools, distribution: Option<&Distribution>) -> Vec<PathBuf> {
    let told: Vec<PathBuf> = tools.testpaths.iter().map(PathBuf::from).filter(|path| project.has(path)).collect();
    if !told.is_empty() {
        return told;
    }
    let packages = distribution.map(|distribution| distribution.packages.as_slice()).unwrap_or_default();
    let mut found: Vec<PathBuf> = entries(&project.directory)
        .into_iter()
        .filter(|name| is_test_directory(&project.directory, name) || is_test_file(name))
        .chain(packages.iter().flat_map(|package| inside(&project.directory, package)))
        .collect();
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

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| PathBuf::from(entry.file_name())).collect()
}

fn is_test_directory(parent: &Path, name: &Path) -> bool {
    let is_named = name == Path::new("tests") || name == Path::new("test");
    is_named && parent.join(name).is_dir()
}

fn is_test_file(name: &Path) -> bool {
    let name = name.to_string_lossy();
    name.ends_with(".py") && (name.starts_with("test_") || name.ends_with("_test.py"))
}

/// `tests` of a package, and of packages in it down to three levels.
fn inside(directory: &Path, package: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(directory.join(package)).min_depth(1).max_depth(3).sort_by_file_name();
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in walk.into_iter().flatten() {
        let is_named = entry.file_name() == "tests" || entry.file_name() == "test";
        let Ok(path) = entry.path().strip_prefix(directory) else { continue };
        if entry.file_type().is_dir() && is_named && !found.iter().any(|parent| path.starts_with(parent)) {
            found.push(path.to_owned());
        }
    }
    found
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
