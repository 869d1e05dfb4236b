//! What a project's tox does: run its tests, or also things that other steps do better.

use std::path::Path;

use toml::{Table, Value};

use crate::python::project::{Project, texts};

/// The environments that tox runs by default and that are no tests: `style`, `docs`. `None` where nothing lists them, as
/// where tox runs one environment only.
pub(super) fn other_environments(directory: &Path) -> Option<Vec<String>> {
    let mut project = Project::read(directory);
    let listed = listed(&mut project)?;
    Some(listed.into_iter().filter(|name| !is_of_tests(name)).collect())
}

fn listed(project: &mut Project) -> Option<Vec<String>> {
    if let Some(ini) = project.ini("tox.ini") {
        let text = ini.get("tox", "env_list").or_else(|| ini.get("tox", "envlist"));
        return text.map(expanded);
    }
    let table = project.text("tox.toml").and_then(|text| text.parse::<Table>().ok());
    let value: Option<&Value> = match &table {
        Some(table) => table.get("env_list"),
        None => project.value(&["tool", "tox", "env_list"]),
    };
    let of_legacy = || project.str(&["tool", "tox", "legacy_tox_ini"]).map(crate::support::Ini::parse);
    match value {
        Some(value) => Some(texts(Some(value))),
        None => of_legacy().and_then(|ini| ini.get("tox", "envlist").or(ini.get("tox", "env_list")).map(expanded)),
    }
}

/// The names of a list, with braces in them (`py3{11,12}-x`) as they are: their beginnings tell enough.
fn expanded(text: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let split = |c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c == ',' || c.is_whitespace())
    };
    text.split(split).filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect()
}

fn is_of_tests(name: &str) -> bool {
    let first = name.trim_start_matches('{');
    let python =
        first.strip_prefix("pypy").or_else(|| first.strip_prefix("py")).or_else(|| first.strip_prefix("cpython"));
    let numbered = python
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit() || "{-,".contains(c)));
    let bare = first.starts_with(|c: char| c.is_ascii_digit());
    numbered
        || bare
        || ["test", "tests", "unit"].iter().any(|word| first.split(['-', ',', '}']).any(|part| part == *word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    #[track_caller]
    fn check(file: &str, text: &str, expect: Option<&[&str]>) {
        let found = other_environments(tree(&[(file, text)]).path());
        assert_eq!(
            found.as_deref().map(|names| names.iter().map(String::as_str).collect::<Vec<_>>()).as_deref(),
            expect
        );
    }

    #[test]
    fn environments_of_tests_are_told_from_others() {
        check("tox.ini", "[tox]\nenvlist = py3{11,12}-django{4, 5}, pypy3\n  lint\n", Some(&["lint"]));
        check("tox.ini", "[tox]\nenv_list = py3, {py311,py312}-x, 3.13, unit\n", Some(&[]));
        check("tox.ini", "[testenv]\ncommands = pytest\n", None);
        check("pyproject.toml", "[tool.tox]\nenv_list = ['py3.13', 'pypy3.11', 'style', 'typing', 'docs']\n", {
            Some(&["style", "typing", "docs"])
        });
        check("tox.toml", "env_list = ['3.13', 'pyright']\n", Some(&["pyright"]));
    }
}
