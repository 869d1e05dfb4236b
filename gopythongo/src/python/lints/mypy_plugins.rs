//! Whether a configuration of mypy names plug-ins that have to be importable.

use std::{fs, path::Path};

/// Whether the configuration in `file` (TOML or INI) names a plug-in that is a module and no file.
pub(in crate::python) fn named(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    let plugins = if file.extension().is_some_and(|extension| extension == "toml") { toml(&text) } else { ini(&text) };
    plugins.iter().any(|plugin| !plugin.split(':').next().unwrap_or_default().ends_with(".py"))
}

fn toml(text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().unwrap_or_default();
    match table.get("tool").and_then(|tool| tool.get("mypy")).and_then(|mypy| mypy.get("plugins")) {
        Some(toml::Value::String(plugins)) => words(plugins),
        Some(toml::Value::Array(plugins)) => {
            plugins.iter().filter_map(|plugin| Some(plugin.as_str()?.to_owned())).collect()
        }
        _ => Vec::new(),
    }
}

/// The value of `plugins` in the section `[mypy]`, with its continuation lines.
fn ini(text: &str) -> Vec<String> {
    let (mut inside, mut reading, mut found) = (false, false, String::new());
    for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
        if line.starts_with('[') {
            (inside, reading) = (line.trim_end() == "[mypy]", false);
        } else if line.starts_with([' ', '\t']) {
            if reading {
                found.push_str(&format!(",{line}"));
            }
        } else if let Some((name, value)) = line.split_once(['=', ':']).filter(|_| inside) {
            reading = name.trim() == "plugins";
            if reading {
                found.push_str(value);
            }
        }
    }
    words(&found)
}

fn words(list: &str) -> Vec<String> {
    list.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expect: bool) {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join(name);
        fs::write(&file, text).expect("a file");
        assert_eq!(named(&file), expect, "{text}");
    }

    #[test]
    fn modules_are_plug_ins_to_import_and_files_are_not() {
        check("pyproject.toml", "[tool.mypy]\nplugins = [\"pydantic.mypy\"]\n", true);
        check("pyproject.toml", "[tool.mypy]\nplugins = \"tools/plugin.py:entry\"\n", false);
        check("pyproject.toml", "[tool.mypy]\nfiles = [\"src\"]\n", false);
        check("mypy.ini", "[mypy]\nplugins =\n    mypy_django_plugin.main,\n    x.py\nstrict = true\n", true);
        check("setup.cfg", "[mypy-x.*]\nplugins = no\n[mypy]\nstrict = true\n    indented\n", false);
    }
}
