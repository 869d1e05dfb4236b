//! The versions that a project pins: of its lock, or of the requirement files that were read.

use std::{collections::BTreeMap, path::Path};

use toml::{Table, Value};

use super::{requirement_file::RequirementFile, wanted::Wanted};
use crate::python::{name::normalize, project::Project};

/// Pins, `name==version` with markers, one a name or, where a lock forks, one a name and marker. Nothing is left out here.
pub(super) fn constraints(project: &mut Project, wanted: &Wanted) -> Vec<String> {
    let locked = lock(project, "uv.lock", "package")
        .or_else(|| lock(project, "pylock.toml", "packages"))
        .or_else(|| lock(project, "poetry.lock", "package"))
        .or_else(|| lock(project, "pdm.lock", "package"));
    locked.unwrap_or_else(|| {
        let own = RequirementFile::read(project, Path::new("requirements.txt")).unwrap_or_default();
        let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pin in wanted.pins.iter().chain(&own.pins) {
            let pins = by_name.entry(pin.split("==").next().unwrap_or_default().to_owned()).or_default();
            // Another version for the same environments would leave none that fits: the first file counts.
            if pins.iter().all(|known| marker(known).is_some() && marker(known) != marker(pin)) {
                pins.push(pin.clone());
            }
        }
        by_name.into_values().flatten().collect()
    })
}

fn marker(pin: &str) -> Option<&str> {
    pin.split_once(';').map(|(_, marker)| marker.trim())
}

/// The pins of a lock file; `None` where it is missing or unreadable.
fn lock(project: &mut Project, file: &str, key: &str) -> Option<Vec<String>> {
    let text = project.text(file)?;
    let table: Table = match without_details(&text).parse() {
        Ok(table) => table,
        Err(error) => {
            let problem = crate::python::project::unreadable_toml(&project.directory.join(file), &text, &error);
            project.problems.push(problem);
            return None;
        }
    };
    let packages: Vec<&Table> = table.get(key)?.as_array()?.iter().filter_map(Value::as_table).collect();
    let mut pins: Vec<String> = packages.into_iter().filter_map(pin).collect();
    pins.sort();
    pins.dedup();
    Some(pins)
}

/// The text without the files and dependencies of each package, a line each, that uv writes: nine tenths of a lock, and
/// none of it matters here. Lines keep their numbers.
fn without_details(text: &str) -> String {
    let is_detail =
        |line: &str| ["    { url = ", "    { name = ", "sdist = { url = "].iter().any(|start| line.starts_with(start));
    text.split_inclusive('\n').map(|line| if is_detail(line) { "\n" } else { line }).collect()
}

/// `attrs==25.4.0; python_version < '3.10' or …`; `None` of what no index has: the project itself, directories, repositories.
fn pin(package: &Table) -> Option<String> {
    let text = |key: &str| package.get(key).and_then(Value::as_str);
    let is_elsewhere = |table: &Table| {
        ["editable", "virtual", "directory", "git", "path", "url"].iter().any(|key| table.contains_key(*key))
            || table.get("type").is_some()
    };
    let source = package.get("source").and_then(Value::as_table);
    let is_direct = ["directory", "vcs", "archive"].iter().any(|key| package.contains_key(*key));
    if source.is_some_and(is_elsewhere) || is_direct {
        return None;
    }
    let forks = package.get("resolution-markers").and_then(Value::as_array).into_iter().flatten();
    let forks: Vec<&str> = forks.filter_map(Value::as_str).collect();
    let marker = match forks.as_slice() {
        [] => text("marker").map(ToOwned::to_owned),
        [only] => Some((*only).to_owned()),
        several => Some(several.iter().map(|marker| format!("({marker})")).collect::<Vec<_>>().join(" or ")),
    };
    let marker = marker.map(|marker| format!("; {marker}")).unwrap_or_default();
    let pin = format!("{}=={}{marker}", normalize(text("name")?), text("version")?);
    pin.parse::<crate::python::Requirement>().ok().map(|requirement| requirement.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    fn found(files: &[(&str, &str)], pins: &[&str]) -> Vec<String> {
        let directory = tree(files);
        let pins = pins.iter().map(ToString::to_string).collect();
        constraints(&mut Project::read(directory.path()), &Wanted { pins, ..Wanted::default() })
    }

    #[test]
    fn a_lock_of_uv_gives_its_pins() {
        let lock = "\
version = 1
[[package]]
name = 'shop'
version = '1'
source = { editable = '.' }
[[package]]
name = 'attrs'
version = '25.4.0'
source = { registry = 'https://localhost/simple' }
sdist = { url = \"https://localhost/attrs-25.4.0.tar.gz\", size = 1 }
wheels = [
    { url = \"https://localhost/attrs-25.4.0-py3-none-any.whl\", size = 1 },
]
[[package]]
name = 'pytest'
version = '8.4.2'
source = { registry = 'https://localhost/simple' }
resolution-markers = [\"python_full_version < '3.9'\", \"python_full_version == '3.9.*' and os_name == 'nt'\"]
[[package]]
name = 'pytest'
version = '9.0.2'
source = { registry = 'https://localhost/simple' }
resolution-markers = [\"python_full_version >= '3.10'\"]
";
        assert_eq!(
            found(&[("uv.lock", lock), ("requirements.txt", "attrs==1")], &["attrs==2"]),
            [
                "attrs==25.4.0",
                "pytest==8.4.2; python_full_version < '3.9' or python_full_version == '3.9.*' and os_name == 'nt'",
                "pytest==9.0.2; python_full_version >= '3.10'",
            ]
        );
    }

    #[test]
    fn a_standard_lock_gives_its_pins() {
        let lock = "[[packages]]\nname = 'A_b'\nversion = '1.0'\nmarker = \"os_name == 'posix'\"\n[[packages]]\nname = 'c'\nvcs = { type = 'git' }\n";
        assert_eq!(found(&[("pylock.toml", lock)], &[]), ["a-b==1.0; os_name == 'posix'"]);
    }

    #[test]
    fn of_two_pins_of_a_name_the_first_counts() {
        let pins = ["b==2", "a==1; os_name == 'nt'", "a==2; os_name == 'posix'", "b==3", "a==3; os_name == 'nt'"];
        assert_eq!(
            found(&[("requirements.txt", "b==4\nc==1\nd>=1\n")], &pins),
            ["a==1; os_name == 'nt'", "a==2; os_name == 'posix'", "b==2", "c==1",]
        );
    }
}
