//! Poetry's own way of writing dependencies, as far as test and type requirements need it.

use toml::{Table, Value};

use crate::python::project::Project;

/// The requirements of the first of `names` that is a group of poetry's, as PEP 508; `None` where none is.
pub(super) fn group(project: &Project, names: &[&str]) -> Option<Vec<String>> {
    let table = names.iter().find_map(|name| project.table(&["tool", "poetry", "group", name, "dependencies"]));
    let old = || names.contains(&"dev").then(|| project.table(&["tool", "poetry", "dev-dependencies"])).flatten();
    table.or_else(old).map(requirements)
}

fn requirements(table: &Table) -> Vec<String> {
    table.iter().flat_map(|(name, value)| requirement(name, value)).collect()
}

/// One requirement, or several where a list says versions by Python.
fn requirement(name: &str, value: &Value) -> Vec<String> {
    match value {
        Value::String(versions) => vec![format!("{name}{}", specifiers(versions))],
        Value::Array(values) => values.iter().flat_map(|value| requirement(name, value)).collect(),
        Value::Table(table) => {
            let text = |key: &str| table.get(key).and_then(Value::as_str);
            // What stands at a path is another source of the same people: no index has it.
            if text("path").is_some() {
                return Vec::new();
            }
            let extras: Vec<&str> =
                table.get("extras").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
            let marker = text("markers").map(|marker| format!("; {marker}")).unwrap_or_default();
            vec![match text("git") {
                Some(git) => format!("{name}{extras} @ git+{git} {marker}"),
                None => format!("{name}{extras}{}{marker}", specifiers(text("version").unwrap_or("*"))),
            }]
        }
        _ => Vec::new(),
    }
}

/// `^8.1` is `>=8.1,<9`, `~8.1` is `>=8.1,<8.2`, `8.1` is `==8.1`, `*` is anything.
fn specifiers(versions: &str) -> String {
    let one = |part: &str| {
        if let Some(version) = part.strip_prefix('^') {
            range(version, |numbers| numbers.iter().position(|number| *number != 0).unwrap_or(numbers.len() - 1))
        } else if let Some(version) = part.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
            range(version, |numbers| usize::from(numbers.len() > 1))
        } else if part == "*" {
            String::new()
        } else if part.starts_with(|c: char| c.is_ascii_digit()) {
            format!("=={part}")
        } else {
            part.replace(' ', "")
        }
    };
    versions.split(',').map(|part| one(part.trim())).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",")
}

/// From a version up to where the number that `place` chooses is one higher.
fn range(version: &str, place: impl FnOnce(&[u64]) -> usize) -> String {
    let version = version.trim();
    let numbers: Vec<u64> = version.split('.').map_while(|part| part.parse().ok()).collect();
    if numbers.is_empty() {
        return String::new();
    }
    let place = place(&numbers);
    let above: Vec<String> = numbers
        .iter()
        .take(place + 1)
        .enumerate()
        .map(|(n, number)| (number + u64::from(n == place)).to_string())
        .collect();
    format!(">={version},<{}", above.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    #[test]
    fn versions_are_written_as_the_standard_does() {
        for (poetry, standard) in [
            ("^8.1", ">=8.1,<9"),
            ("^0.2.3", ">=0.2.3,<0.3"),
            ("^0.0.3", ">=0.0.3,<0.0.4"),
            ("~8.1.2", ">=8.1.2,<8.2"),
            ("~8", ">=8,<9"),
            ("8.1", "==8.1"),
            ("*", ""),
            (">=8, <10", ">=8,<10"),
            ("~=8.1", "~=8.1"),
        ] {
            assert_eq!(specifiers(poetry), standard);
        }
    }

    #[test]
    fn groups_become_requirements() {
        let text = "[tool.poetry.group.test.dependencies]\npytest = '^8'\ncoverage = { version = '>=7', extras = ['toml'], markers = \"python_version >= '3.9'\" }\nother = { path = '../other' }\n";
        let directory = tree(&[("pyproject.toml", text)]);
        let project = Project::read(directory.path());
        let found = group(&project, &["tests", "test"]).unwrap_or_default();
        assert_eq!(found, ["coverage[toml]>=7; python_version >= '3.9'", "pytest>=8,<9"]);
        assert_eq!(group(&project, &["dev"]), None);
    }
}
