//! A place in a project where its version is written: found and rewritten byte for byte, never by formatting the file anew.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};

use crate::{
    python::project::{Project, argument_span, quoted_span},
    support::Ini,
};

/// A place where a version is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, relative to the source.
    pub file: PathBuf,
    /// What is in it.
    pub assignment: Assignment,
}

/// How a version is written in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assignment {
    /// A value of TOML, by its keys: `project`, `version`.
    Toml(Vec<String>),
    /// A value of an INI file: section and key.
    Ini(String, String),
    /// `__version__ = "…"` in a module.
    Attribute(String),
    /// `version="…"` in a call of `setup`.
    Argument,
    /// The only line of a file.
    Line,
    /// In a text that stands in the file as it is.
    Text {
        /// The text.
        around: String,
        /// How many of it stand before this one.
        nth: usize,
        /// Where in it the version begins, in bytes.
        at: usize,
        /// The length of the version, in bytes.
        length: usize,
    },
}

impl Place {
    pub(crate) fn new(file: impl Into<PathBuf>, assignment: Assignment) -> Self {
        Self { file: file.into(), assignment }
    }

    pub(super) fn toml(keys: &[&str]) -> Self {
        Self::new("pyproject.toml", Assignment::Toml(keys.iter().map(|key| (*key).to_owned()).collect()))
    }

    /// Where the version stands in the file's text, without quotes. `None` where it is not there, or not as a plain text.
    pub(super) fn span(&self, text: &str) -> Option<Range<usize>> {
        match &self.assignment {
            Assignment::Toml(keys) => toml_span(text, keys),
            Assignment::Ini(section, key) => Ini::parse(text).entry(section, key).map(|entry| entry.span.clone()),
            Assignment::Attribute(name) => attribute_span(text, name),
            Assignment::Argument => argument_span(text, "version"),
            Assignment::Line => {
                let line = text.trim();
                let start = text.len() - text.trim_start().len();
                (!line.is_empty() && !line.contains('\n')).then(|| start..start + line.len())
            }
            Assignment::Text { around, nth, at, length } => {
                let (start, _) = text.match_indices(around.as_str()).nth(*nth)?;
                let span = start + at..start + at + length;
                text.get(span.clone()).map(|_| span)
            }
        }
    }

    /// The version that is written in `directory`'s copy of the file.
    pub(crate) fn read(&self, directory: &Path) -> Option<String> {
        self.of_text(&std::fs::read_to_string(directory.join(&self.file)).ok()?)
    }

    /// The version that is written in a project's file.
    pub(super) fn of_project(&self, project: &Project) -> Option<String> {
        self.of_text(&project.content(&self.file)?)
    }

    fn of_text(&self, text: &str) -> Option<String> {
        self.span(text).map(|span| text[span].to_owned())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match &self.assignment {
            Assignment::Toml(keys) => write!(f, "`{}` of {file}", keys.join(".")),
            Assignment::Ini(section, key) => write!(f, "`{key}` under `[{section}]` of {file}"),
            Assignment::Attribute(name) => write!(f, "`{name}` of {file}"),
            Assignment::Argument => write!(f, "`version` of {file}"),
            Assignment::Line => write!(f, "{file}"),
            Assignment::Text { around, .. } => write!(f, "`{around}` of {file}"),
        }
    }
}

fn toml_span(text: &str, keys: &[String]) -> Option<Range<usize>> {
    let table = DeTable::parse(text).ok()?;
    let (last, path) = keys.split_last()?;
    let table = path.iter().try_fold(table.get_ref(), |table, key| table.get(key.as_str())?.get_ref().as_table())?;
    let value = table.get(last.as_str())?;
    let DeValue::String(version) = value.get_ref() else { return None };
    let span = value.span();
    // The span has the quotes, of which there are several kinds.
    let inside = text.get(span.clone())?.find(version.as_ref())?;
    Some(span.start + inside..span.start + inside + version.len())
}

/// The text assigned to a name at the beginning of a line: `__version__: str = "1.5.0"`.
fn attribute_span(text: &str, name: &str) -> Option<Range<usize>> {
    let mut start = 0;
    text.split_inclusive('\n').find_map(|line| {
        let from = start;
        start += line.len();
        let rest = line.strip_prefix(name)?.trim_start();
        let rest = match rest.strip_prefix(':') {
            Some(annotated) => &annotated[annotated.find('=')?..],
            None => rest,
        };
        let mut rest = rest.strip_prefix('=')?.trim_start();
        // `__version__ = version = "1.5.0"`
        while let Some((word, value)) = rest.split_once('=')
            && word.trim().chars().all(|c| c.is_alphanumeric() || c == '_')
        {
            rest = value.trim_start();
        }
        let span = quoted_span(rest)?;
        let offset = from + line.len() - rest.len();
        Some(offset + span.start..offset + span.end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(assignment: Assignment, text: &str) -> Option<&str> {
        Place::new("x", assignment).span(text).map(|span| &text[span])
    }

    #[test]
    fn a_version_is_found_in_toml_however_it_is_written() {
        let keys = || Assignment::Toml(vec!["project".into(), "version".into()]);
        for text in [
            "[project]\nname = 'version'\ndynamic = [\n  'x',\n]\nversion = \"1.5.0\" # here\n",
            "[project]\nversion = '1.5.0'",
            "project.version = '''1.5.0'''",
            "project = { version = \"1.5.0\" }",
            "[tool.x]\nversion = '9'\n[project]\n\"version\" = \"1.5.0\"",
        ] {
            assert_eq!(written(keys(), text), Some("1.5.0"), "{text}");
        }
        assert_eq!(written(keys(), "[tool]\nversion = '1.5.0'"), None);
        assert_eq!(written(keys(), "[project]\nversion = 1.5"), None);
    }

    #[test]
    fn a_version_is_found_in_a_module() {
        let attribute = || Assignment::Attribute("__version__".into());
        for text in [
            "import x\n__version__ = \"1.5.0\"\n",
            "__version__='1.5.0'",
            "__version__: Final[str] = '1.5.0'  # y",
            "__version__ = version = '1.5.0'",
        ] {
            assert_eq!(written(attribute(), text), Some("1.5.0"), "{text}");
        }
        assert_eq!(
            written(attribute(), "__version__ = '.'.join(x)"),
            Some("."),
            "a caller checks that it is a version"
        );
        assert_eq!(written(attribute(), "  __version__ = '1'\n__version_info__ = '2'\n__version__ = get()"), None);
    }

    #[test]
    fn a_version_is_found_elsewhere() {
        let ini = Assignment::Ini("metadata".into(), "version".into());
        assert_eq!(written(ini, "[metadata]\nversion = 1.5.0\n"), Some("1.5.0"));
        assert_eq!(written(Assignment::Argument, "setup(name='x', version='1.5.0')"), Some("1.5.0"));
        assert_eq!(written(Assignment::Line, "1.5.0\n"), Some("1.5.0"));
        assert_eq!(written(Assignment::Line, "1.5.0\nand more"), None);
    }
}
