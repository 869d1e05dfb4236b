//! Which of the projects of one repository stand on which others.

use std::{collections::BTreeSet, path::Path};

use toml::{Table, Value};

use super::python_source::strings;
use crate::{
    context::Survey,
    python::{Requirement, name::normalize, project::Project},
};

/// The names that a project requires, normalised: all of them, not only those of the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// To be built and to run.
    pub(super) run: BTreeSet<String>,
    /// For its tests only, or for optional features.
    pub(super) test: BTreeSet<String>,
}

impl Needs {
    /// Reads what a project in a directory requires.
    pub(super) fn read(directory: &Path, survey: &Survey) -> Self {
        let mut project = Project::read(directory);
        let mut needs = Self::default();
        if let Some(distribution) = &survey.distribution {
            needs.run.extend(names(&distribution.dependencies));
            needs.run.extend(names(&distribution.build_requires));
        }
        needs.run.extend(of_poetry(project.table(&["tool", "poetry", "dependencies"])));
        if survey.distribution.as_ref().is_some_and(|distribution| distribution.dependencies.is_empty()) {
            // `install_requires` is code, and may be read from a file
            let setup = project.setup_py.clone().unwrap_or_default();
            needs.run.extend(names(&strings(&setup)));
        }
        let files =
            survey.requirements.clone().into_iter().chain(["requirements.txt".into(), "requirements.in".into()]);
        for file in files {
            let text = project.text(&file).unwrap_or_default();
            needs.run.extend(text.lines().filter_map(of_line));
        }
        needs.test.extend(names(&survey.test_requirements));
        let optional = project.table(&["project", "optional-dependencies"]).into_iter().flat_map(Table::values);
        needs.test.extend(optional.flat_map(|extra| names(&crate::python::project::texts(Some(extra)))));
        let groups = project.table(&["tool", "poetry", "group"]).into_iter().flat_map(Table::values);
        needs.test.extend(groups.flat_map(|group| of_poetry(group.get("dependencies").and_then(Value::as_table))));
        needs.test.retain(|name| !needs.run.contains(name));
        needs
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<String> {
        self.run.union(&self.test).cloned().collect()
    }
}

fn names<T: AsRef<str>>(requirements: &[T]) -> Vec<String> {
    requirements.iter().filter_map(|text| Some(text.as_ref().parse::<Requirement>().ok()?.name)).collect()
}

fn of_poetry(table: Option<&Table>) -> Vec<String> {
    table.into_iter().flat_map(Table::keys).filter(|name| *name != "python").map(|name| normalize(name)).collect()
}

/// The name on a line of a requirement file; of a path in it (`-e ../libs/money`), its last directory's.
fn of_line(line: &str) -> Option<String> {
    let text = line.split(" #").next()?.trim();
    let path = text.strip_prefix("-e").or_else(|| text.strip_prefix("--editable")).unwrap_or(text);
    let path = path.trim_start_matches('=').trim();
    if path.starts_with('.') || path.starts_with("file:") {
        let last = path.split('[').next()?.trim_end_matches('/').rsplit('/').next()?;
        return Some(normalize(last)).filter(|name| !name.trim_matches('-').is_empty());
    }
    Some(text.parse::<Requirement>().ok()?.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{context, support::trees::tree};

    #[track_caller]
    fn check(files: &[(&str, &str)], run: &[&str], test: &[&str]) {
        let directory = tree(files);
        let needs = Needs::read(directory.path(), &context::survey(directory.path()));
        let has = |set: &BTreeSet<String>, wanted: &[&str]| wanted.iter().all(|name| set.contains(*name));
        assert!(has(&needs.run, run) && has(&needs.test, test), "{needs:?}");
    }

    #[test]
    fn requirements_are_found_wherever_they_are_written() {
        let text = "[project]\nname = 'shop'\ndependencies = ['Money_Lib>=1']\n[project.optional-dependencies]\nx = ['catalog']\n";
        check(&[("pyproject.toml", text)], &["money-lib"], &["catalog"]);
        let text = "[tool.poetry]\nname = 'shop'\n[tool.poetry.dependencies]\npython = '^3.9'\nmoney = { path = '../money' }\n\
                    [tool.poetry.group.test.dependencies]\ncatalog = '*'\n";
        check(&[("pyproject.toml", text)], &["money"], &["catalog"]);
        check(
            &[("setup.py", "setup(name='shop', install_requires=['money>=1', \"catalog\"])")],
            &["money", "catalog"],
            &[],
        );
        let lines = "-e ../libs/money[fast]\ncatalog==1 # here\n-r more.txt\n./libs/Till/\n";
        check(&[("manage.py", "django"), ("requirements.txt", lines)], &["money", "catalog", "till"], &[]);
    }
}
