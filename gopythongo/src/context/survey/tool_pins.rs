//! The versions of tools that a project itself pins.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use pep440_rs::Version;

use super::requirement_file::RequirementFile;
use crate::python::{Requirement, project::Project};

/// Tools whose version decides whether a build is green.
const TOOLS: [&str; 8] = ["bandit", "coverage", "flake8", "mypy", "prospector", "pylint", "pytest", "ruff"];

/// Repositories of hooks, as they end, and the tool whose version their `rev` is.
const HOOKS: [(&str, &str); 6] = [
    ("/ruff-pre-commit", "ruff"),
    ("/mirrors-mypy", "mypy"),
    ("/flake8", "flake8"),
    ("/pylint", "pylint"),
    ("/bandit", "bandit"),
    ("/prospector", "prospector"),
];

/// Versions by tool: from the constraints, then any requirement file, then `.pre-commit-config.yaml`. Of several versions
/// for several Pythons, the newest.
pub(super) fn tool_pins(project: &mut Project, constraints: &[String]) -> BTreeMap<String, String> {
    let mut pins = newest(constraints);
    for file in requirement_files(project) {
        let before = project.problems.len();
        let read = RequirementFile::read(project, &file).unwrap_or_default();
        // A file that only this glance looks at is nobody's problem.
        project.problems.truncate(before);
        for (tool, version) in newest(&read.pins) {
            pins.entry(tool).or_insert(version);
        }
    }
    for (tool, version) in hooks(&project.text(".pre-commit-config.yaml").unwrap_or_default()) {
        pins.entry(tool).or_insert(version);
    }
    pins
}

fn newest(pins: &[String]) -> BTreeMap<String, String> {
    let mut newest: BTreeMap<String, Version> = BTreeMap::new();
    for requirement in pins.iter().filter_map(|pin| pin.parse::<Requirement>().ok()) {
        if let Some(version) = requirement.pin()
            && TOOLS.contains(&requirement.name.as_str())
            && newest.get(&requirement.name).is_none_or(|known| known < version)
        {
            newest.insert(requirement.name.clone(), version.clone());
        }
    }
    newest.into_iter().map(|(tool, version)| (tool, version.to_string())).collect()
}

/// Files that look like pinned requirements, sorted.
fn requirement_files(project: &Project) -> Vec<PathBuf> {
    let below = ["", "requirements"].iter().flat_map(|directory| {
        let listing = project.listing(Path::new(directory)).unwrap_or_default();
        listing.keys().map(|name| Path::new(directory).join(name)).collect::<Vec<_>>()
    });
    let mut files: Vec<PathBuf> = below
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "txt")
                && path.to_string_lossy().contains("requirements")
        })
        .collect();
    files.sort();
    files
}

/// Versions of tools in a configuration of pre-commit, read by lines: `- repo: URL`, and `rev: v1.2.3` below it.
fn hooks(text: &str) -> BTreeMap<String, String> {
    let mut pins = BTreeMap::new();
    let mut tool = None;
    for line in text.lines().map(|line| line.trim().trim_start_matches("- ").trim()) {
        let value = |key: &str| line.strip_prefix(key)?.trim_start().strip_prefix(':').map(str::trim);
        if let Some(url) = value("repo") {
            let url = url.trim_matches(['"', '\'']).trim_end_matches(".git").trim_end_matches('/').to_ascii_lowercase();
            tool = HOOKS.iter().find(|(end, _)| url.ends_with(end)).map(|(_, tool)| *tool);
        } else if let (Some(tool), Some(rev)) = (tool, value("rev")) {
            // `rev: 0123abc  # frozen: v1.2.3`
            let words = rev.split(|c: char| c.is_whitespace() || "'\"".contains(c)).rev();
            let mut versions = words.filter_map(|word| word.trim_start_matches('v').parse::<Version>().ok());
            if let Some(version) = versions.next() {
                pins.insert(tool.to_owned(), version.to_string());
            }
        }
    }
    pins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    #[test]
    fn the_lock_counts_then_files_then_hooks() {
        let hooks = "\
repos:
  - repo: https://localhost/astral-sh/ruff-pre-commit
    rev: 24e02b24b8ab2b7c76225602d13fa60e12d114e6  # frozen: v0.11.9
    hooks:
      - id: ruff
  - repo: https://localhost/pre-commit/mirrors-mypy
    rev: v1.15.0
  - repo: https://localhost/PyCQA/flake8.git
    rev: '7.2.0'
  - repo: https://localhost/pre-commit/pre-commit-hooks
    rev: v5.0.0
";
        let directory = tree(&[
            (".pre-commit-config.yaml", hooks),
            ("requirements/dev.txt", "mypy==1.12.0\nflake8==7.1\n-r gone.txt\n"),
        ]);
        let mut project = Project::read(directory.path());
        let constraints =
            ["mypy==1.9.0", "pytest==8.4.2; python_version < '3.10'", "pytest==9.0.2; python_version >= '3.10'"];
        let pins = tool_pins(&mut project, &constraints.map(ToOwned::to_owned));
        let pins: Vec<String> = pins.iter().map(|(tool, version)| format!("{tool} {version}")).collect();
        assert_eq!(pins, ["flake8 7.1", "mypy 1.9.0", "pytest 9.0.2", "ruff 0.11.9"]);
        assert!(project.problems.is_empty());
    }
}
