//! Values as they were written, each with where; no types of a team's yet.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::Serialize;

/// Where a value comes from; displayed as `pipeline.toml:3`, `variable PIPELINE_PORT`, `--set port`, `default`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The type's own default.
    Default,
    /// A file.
    File {
        /// Its path, as it was given.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// `--set`, with the key behind it.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(key) => write!(f, "--set {key}"),
        }
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Table(Table),
    /// What was given by a variable or a flag: it becomes what its type wants.
    Words(String),
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// Values by their names, in which case and the choice of `-` or `_` do not count: variables cannot tell them apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table(BTreeMap<String, (String, Node)>);

impl Table {
    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.0.get(&folded(name)).map(|(_, node)| node)
    }

    /// Names as they were first written, and values.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0.values().map(|(name, node)| (name.as_str(), node))
    }

    /// Lays a value over what there is: a table is laid over a table name by name, everything else takes its place.
    pub(super) fn lay(&mut self, name: &str, node: Node) {
        match self.0.get_mut(&folded(name)) {
            None => drop(self.0.insert(folded(name), (name.to_owned(), node))),
            Some((_, Node { value: Value::Table(below), .. })) if matches!(node.value, Value::Table(_)) => {
                let Value::Table(above) = node.value else { return };
                below.lay_all(above);
            }
            Some((_, below)) => *below = node,
        }
    }

    /// Lays a table over this one.
    pub(super) fn lay_all(&mut self, above: Self) {
        for (name, node) in above.0.into_values() {
            self.lay(&name, node);
        }
    }

    /// Lays a value over the one of a path of names.
    pub(super) fn lay_at(&mut self, path: &[&str], node: Node) {
        let Some((name, above)) = path.split_last() else { return };
        let origin = node.origin.clone();
        let mut table = Self::default();
        table.lay(name, node);
        for name in above.iter().rev() {
            let below = std::mem::take(&mut table);
            table.lay(name, Node { value: Value::Table(below), origin: origin.clone() });
        }
        self.lay_all(table);
    }

    /// The first value that is no table, and its key.
    pub(super) fn first(&self) -> Option<(String, &Origin)> {
        self.entries().find_map(|(name, node)| match &node.value {
            Value::Table(table) => table.first().map(|(key, origin)| (format!("{name}.{key}"), origin)),
            _ => Some((name.to_owned(), &node.origin)),
        })
    }
}

fn folded(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}
