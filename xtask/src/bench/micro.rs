//! Single operations of a run: a key, the cache, the stat cache, the plan, the journal.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context, Result};

use super::{figure::Figure, pallets::target};
use crate::command::{cargo, output};

/// What `tests/pipelines/micro.rs` calls an operation, what it is, and what it may take in microseconds.
const OPERATIONS: [(&str, &str, Option<f64>); 9] = [
    ("key", "the digest of a key of five parts", Some(5.0)),
    ("store", "an outcome remembered", None),
    ("hit", "an outcome found, with its key", Some(25.0)),
    ("miss", "an outcome missed, with the reason", None),
    ("stat", "the digest of a file that has not changed", Some(25.0)),
    ("plan", "a step of a plan of ten thousand", Some(25.0)),
    ("libraries", "a plan of a thousand libraries", Some(50.0)),
    ("note", "a record in the journal", None),
    ("append", "a record in the journal, synced", None),
];

pub(super) fn run() -> Result<Vec<Figure>> {
    output(cargo().args(["build", "--quiet", "--release", "--locked", "-p", "tests", "--bin", "micro"]))?;
    let text = output(&mut Command::new(target().join("release/micro")))?;
    let mut found: BTreeMap<String, Vec<f64>> = serde_json::from_str(&text)?;
    let figure = |(name, what, limit): (&str, &'static str, Option<f64>)| {
        let unit = if name == "libraries" { "ms" } else { "µs" };
        let figure = Figure::new(what, unit, found.remove(name).with_context(|| format!("`micro` says no `{name}`"))?);
        Ok(limit.into_iter().fold(figure, Figure::at_most))
    };
    OPERATIONS.into_iter().map(figure).collect()
}
