//! The configuration that coverage.py is run with: the project's own, but for what is ours to say: what is measured,
//! where the data go, and that every process is.

use std::{collections::BTreeMap, path::Path};

/// Options by section, in the shape of an INI file; lists have one item a line.
type Sections = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Options of `[run]` that are ours.
const OURS: [&str; 9] = [
    "source",
    "source_pkgs",
    "source_dirs",
    "include",
    "data_file",
    "parallel",
    "relative_files",
    "dynamic_context",
    "context",
];

/// Options of `[report]` that decide figures.
const REPORT: [&str; 6] = ["exclude_lines", "exclude_also", "partial_branches", "partial_also", "omit", "include"];

/// Options that hold regular expressions.
const EXPRESSIONS: [&str; 4] = ["exclude_lines", "exclude_also", "partial_branches", "partial_also"];

/// A project's configuration of coverage.
#[derive(Debug, Default)]
pub(in crate::python) struct CoverageRc {
    sections: Sections,
}

/// What is measured.
pub(in crate::python) enum Measured<'a> {
    /// Import packages and modules, wherever they are installed; in the checkout they stand in these directories.
    Packages {
        /// `money`, `six`.
        names: &'a [String],
        /// `src`, or the empty path.
        parents: &'a [String],
        /// Directories and files with tests inside the packages: `src/money/tests`. They are not measured.
        tests: &'a [String],
    },
    /// What the configuration names, else everything below the directory that is no test.
    Directory,
}

impl CoverageRc {
    /// Reads the configuration in a file of this name.
    pub(in crate::python) fn read(file: &Path, text: &str) -> Result<Self, String> {
        let sections = match file.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => toml_sections(text)?,
            _ => ini_sections(text, file.file_name().is_none_or(|name| name != ".coveragerc")),
        };
        Ok(Self { sections })
    }

    /// `fail_under`, which decides nothing here: the ratchet does.
    pub(in crate::python) fn fail_under(&self) -> Option<&str> {
        self.sections.get("report")?.get("fail_under")?.first().map(String::as_str)
    }

    /// The configuration to run with: data go to `data`, one file a process. `exits` adds that data are kept when a process
    /// ends by `os._exit`, which coverage.py can since 7.10.
    pub(in crate::python) fn text(&self, measured: &Measured<'_>, data: &Path, exits: bool) -> String {
        let mut sections = self.sections.clone();
        sections.retain(|section, _| !matches!(section.as_str(), "paths" | "html" | "xml" | "json" | "lcov"));
        let run = sections.entry("run".to_owned()).or_default();
        let named: Vec<(String, Vec<String>)> = ["source", "source_pkgs", "source_dirs", "include"]
            .iter()
            .filter_map(|key| run.remove_entry(*key))
            .collect();
        run.retain(|key, _| !OURS.contains(&key.as_str()) && !key.starts_with("debug"));
        run.insert("parallel".to_owned(), vec!["true".to_owned()]);
        run.insert("data_file".to_owned(), vec![data.display().to_string()]);
        let patches = run.remove("patch").unwrap_or_default();
        if exits {
            let mut patches: Vec<String> =
                patches.iter().flat_map(|line| line.split(',')).map(|patch| patch.trim().to_owned()).collect();
            // every process is measured by other means
            patches.retain(|patch| !matches!(patch.as_str(), "" | "subprocess" | "_exit"));
            patches.push("_exit".to_owned());
            run.insert("patch".to_owned(), patches);
        }
        match measured {
            Measured::Packages { names, tests, .. } => {
                run.insert("source_pkgs".to_owned(), names.to_vec());
                let below = |test: &String| if test.ends_with(".py") { test.clone() } else { format!("{test}/*") };
                run.entry("omit".to_owned()).or_default().extend(tests.iter().map(below));
            }
            Measured::Directory if named.is_empty() => {
                run.insert("source".to_owned(), vec![".".to_owned()]);
                let tests = ["*/tests/*", "*/test/*", "*/test_*.py", "*_test.py", "*/conftest.py"];
                run.entry("omit".to_owned()).or_default().extend(tests.map(str::to_owned));
            }
            Measured::Directory => run.extend(named),
        }
        let report = sections.entry("report".to_owned()).or_default();
        report.retain(|key, _| REPORT.contains(&key.as_str()));
        report.insert("ignore_errors".to_owned(), vec!["true".to_owned()]);
        if let Measured::Packages { parents, .. } = measured {
            for (_, options) in sections.iter_mut().filter(|(section, _)| matches!(section.as_str(), "run" | "report"))
            {
                for (_, patterns) in options.iter_mut().filter(|(key, _)| matches!(key.as_str(), "omit" | "include")) {
                    *patterns =
                        patterns.iter().flat_map(|line| line.split(',')).map(|p| anywhere(p.trim(), parents)).collect();
                }
            }
        }
        write(&sections)
    }
}

/// A pattern for the checkout, made to fit the same file where it is installed.
fn anywhere(pattern: &str, parents: &[String]) -> String {
    if pattern.is_empty() || pattern.starts_with(['*', '/']) {
        return pattern.to_owned();
    }
    let pattern = pattern.trim_start_matches("./");
    let inner = parents
        .iter()
        .filter(|parent| !parent.is_empty())
        .find_map(|parent| pattern.strip_prefix(parent.as_str())?.strip_prefix('/'));
    format!("*/{}", inner.unwrap_or(pattern))
}

fn toml_sections(text: &str) -> Result<Sections, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let coverage = table.get("tool").and_then(|tool| tool.get("coverage")).and_then(toml::Value::as_table);
    let mut sections = Sections::new();
    for (section, options) in coverage.into_iter().flatten() {
        for (key, value) in options.as_table().into_iter().flatten() {
            let items = match value {
                toml::Value::Array(items) => items.iter().map(plain).collect(),
                value => vec![plain(value)],
            };
            sections.entry(section.clone()).or_default().insert(key.clone(), items);
        }
    }
    Ok(sections)
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(truth) => truth.to_string(),
        toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => String::new(),
    }
}

/// Sections of `.coveragerc`, and those of other files that begin with `coverage:`.
fn ini_sections(text: &str, shared: bool) -> Sections {
    let mut sections = Sections::new();
    let (mut section, mut key) = (None::<String>, None::<String>);
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
            && !line.starts_with([' ', '\t'])
        {
            let own = name.strip_prefix("coverage:");
            section = own.or((!shared).then_some(name)).map(str::to_owned);
            key = None;
            continue;
        }
        let Some(section) = &section else { continue };
        let options = sections.entry(section.clone()).or_default();
        if line.starts_with([' ', '\t']) {
            if let Some(items) = key.as_ref().and_then(|key| options.get_mut(key)) {
                items.push(trimmed.to_owned());
            }
        } else if let Some(at) = trimmed.find(['=', ':']) {
            let (name, value) = (trimmed[..at].trim().to_owned(), trimmed[at + 1..].trim());
            options.insert(name.clone(), if value.is_empty() { Vec::new() } else { vec![value.to_owned()] });
            key = Some(name);
        }
    }
    sections
}

fn write(sections: &Sections) -> String {
    let mut text = String::new();
    for (section, options) in sections {
        text.push_str(&format!("[{section}]\n"));
        for (key, items) in options {
            text.push_str(&format!("{key} ="));
            for item in items {
                // a line that begins like a comment would be one
                let comment = EXPRESSIONS.contains(&key.as_str()) && item.starts_with(['#', ';']);
                let item = if comment { format!("\\{item}") } else { item.clone() };
                text.push_str(&if items.len() == 1 { format!(" {item}") } else { format!("\n    {item}") });
            }
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(file: &str, text: &str) -> String {
        let rc = CoverageRc::read(Path::new(file), text).unwrap_or_else(|error| panic!("{error}"));
        let (names, parents, tests) = (["money".to_owned()], ["src".to_owned()], ["src/money/tests".to_owned()]);
        let measured = Measured::Packages { names: &names, parents: &parents, tests: &tests };
        rc.text(&measured, Path::new("/s/.coverage"), true)
    }

    #[test]
    fn the_projects_configuration_is_kept_but_for_what_is_ours() {
        let text = r##"
[tool.coverage.run]
branch = true
source = ["src", "tests"]
omit = ["src/money/_vendor/*", "*/compat.py"]
dynamic_context = "test_function"

[tool.coverage.paths]
source = ["src", "*/site-packages"]

[tool.coverage.report]
exclude_also = ["# pragma: never", "if TYPE_CHECKING:"]
fail_under = 90
show_missing = true
"##;
        assert_eq!(
            packages("pyproject.toml", text),
            "[report]\nexclude_also =\n    \\# pragma: never\n    if TYPE_CHECKING:\nignore_errors = true\n\
             [run]\nbranch = true\ndata_file = /s/.coverage\nomit =\n    */money/_vendor/*\n    */compat.py\n    */money/tests/*\n\
             parallel = true\npatch = _exit\nsource_pkgs = money\n"
        );
        let rc = CoverageRc::read(Path::new("pyproject.toml"), text).unwrap_or_default();
        assert_eq!(rc.fail_under(), Some("90"));
    }

    #[test]
    fn an_ini_file_says_the_same() {
        let text = "[metadata]\nname = money\n\n[coverage:run]\nbranch: True\nsource =\n    src\n    tests\nomit = src/money/a.py,src/b.py\n\
                    [coverage:covdefaults]\n# nothing\nsubtract_omit = x\n";
        let rc = packages("setup.cfg", text);
        assert!(rc.contains("[covdefaults]\nsubtract_omit = x\n"), "{rc}");
        assert!(rc.contains("branch = True\n"), "{rc}");
        assert!(rc.contains("omit =\n    */money/a.py\n    */b.py\n    */money/tests/*\n"), "{rc}");
        assert!(!rc.contains("source =") && !rc.contains("metadata"), "{rc}");
    }

    #[test]
    fn an_application_measures_itself_without_its_tests() {
        let rc = CoverageRc::default().text(&Measured::Directory, Path::new("/s/.coverage"), false);
        assert!(rc.contains("source = .\n") && rc.contains("    */tests/*\n") && !rc.contains("patch"), "{rc}");
    }
}
