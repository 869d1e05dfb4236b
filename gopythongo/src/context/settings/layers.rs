//! The layers over the defaults: files, variables, flags. Reads files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Origin, SettingsError,
    node::{Node, Table, Value},
};
use crate::ci::Variables;

/// What the names of variables begin with.
const PREFIX: &str = "PIPELINE_";

/// Variables with that prefix that are a build server's: Azure Pipelines names the agent's directory so.
const SERVERS: [&str; 1] = ["PIPELINE_WORKSPACE"];

/// What separates the names of a key in a variable.
const SEPARATOR: &str = "__";

/// Where settings come from besides their defaults, the lowest layer first.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// `pipeline.toml`; it need not exist.
    pub own: PathBuf,
    /// `--settings FILE`; they must exist.
    pub files: Vec<PathBuf>,
    /// The environment, of which `PIPELINE_*` counts.
    pub variables: Variables,
    /// `--set`: `key=value` each.
    pub assignments: Vec<String>,
}

impl Layers {
    /// Reads all layers into one tree.
    ///
    /// # Errors
    /// When a file cannot be read or is not TOML, or an assignment is none.
    pub(super) fn read(&self) -> Result<Table, SettingsError> {
        let mut tree = Table::default();
        match fs::read_to_string(&self.own) {
            Ok(text) => tree.lay_all(parse(&self.own, &text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&self.own, &error)),
        }
        for path in &self.files {
            let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
            tree.lay_all(parse(path, &text)?);
        }
        for (name, value) in self.variables.starting_with(PREFIX).filter(|(name, _)| !SERVERS.contains(name)) {
            let key = name[PREFIX.len()..].to_lowercase();
            let path: Vec<&str> = key.split(SEPARATOR).collect();
            let origin = Origin::Variable(name.to_owned());
            tree.lay_at(&path, Node { value: Value::Words(value.to_owned()), origin });
        }
        for assignment in &self.assignments {
            let (key, value) = assignment.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
                SettingsError::new(format!("`--set {assignment}` has no value")).hint("write `--set key=value`")
            })?;
            let path: Vec<&str> = key.split('.').collect();
            tree.lay_at(&path, Node { value: Value::Words(value.to_owned()), origin: Origin::Flag(key.to_owned()) });
        }
        Ok(tree)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> SettingsError {
    SettingsError::new(format!("cannot read `{}`: {error}", path.display()))
}

/// A file's values.
///
/// # Errors
/// When it is not TOML.
fn parse(path: &Path, text: &str) -> Result<Table, SettingsError> {
    let origin = |line| Origin::File { path: path.to_owned(), line };
    let source = Source { text, origin: &origin };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().unwrap_or_default().start;
        SettingsError::new(format!("{}: {}", origin(source.line(at)), error.message()))
    })?;
    Ok(source.table(table.into_inner()))
}

/// What the words of a variable or flag say as TOML, if they are that: a list, a table.
pub(super) fn written(words: &str, origin: &Origin) -> Option<Value> {
    let text = format!("x = {words}");
    let origin = |_| origin.clone();
    let source = Source { text: &text, origin: &origin };
    let (_, value) = DeTable::parse(&text).ok()?.into_inner().into_iter().next()?;
    Some(source.node(value, 1).value)
}

struct Source<'a> {
    text: &'a str,
    /// Where something on a line was written.
    origin: &'a dyn Fn(usize) -> Origin,
}

impl Source<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.as_bytes()[..at.min(self.text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn table(&self, table: DeTable<'_>) -> Table {
        let mut own = Table::default();
        for (name, value) in table {
            let line = self.line(name.span().start);
            own.lay(name.get_ref(), self.node(value, line));
        }
        own
    }

    /// `line` is that of the key: a table's own span begins elsewhere.
    fn node(&self, value: Spanned<DeValue<'_>>, line: usize) -> Node {
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Boolean(value) => Value::Bool(value),
            DeValue::Datetime(value) => Value::Text(value.to_string()),
            // what is too large for a number stays text, which no number takes
            DeValue::Integer(value) => i64::from_str_radix(value.as_str(), value.radix())
                .map_or_else(|_| Value::Text(value.to_string()), Value::Integer),
            DeValue::Float(value) => {
                value.as_str().parse().map_or_else(|_| Value::Text(value.to_string()), Value::Float)
            }
            DeValue::Array(values) => Value::List(
                values
                    .into_iter()
                    .map(|value| {
                        let line = self.line(value.span().start);
                        self.node(value, line)
                    })
                    .collect(),
            ),
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { value, origin: (self.origin)(line) }
    }
}
