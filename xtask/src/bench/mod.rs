//! The benches: ours, the peer, and the ratio of medians in one run.

mod build;
mod chain;
mod changed;
mod critical_path;
mod deploy;
mod exhaustive;
mod figure;
mod live;
mod measured;
mod micro;
mod noop;
mod own;
mod package;
mod pallets;
mod shared;
mod trivial;

use anyhow::{Result, bail};
use figure::Figure;

/// A bench, by its name.
type Bench = (&'static str, fn() -> Result<Vec<Figure>>);

const BENCHES: &[Bench] = &[
    ("chain", chain::run),
    ("changed", changed::run),
    ("own", own::run),
    ("noop", noop::run),
    ("shared", shared::run),
    ("micro", micro::run),
    ("build", build::run),
    ("exhaustive", exhaustive::run),
    ("package", package::run),
    ("trivial", trivial::run),
    ("live", live::run),
    ("deploy", deploy::run),
];

/// Runs the benches named, or all; gives whether every figure is within its limit.
pub(crate) fn run(names: &[&str], json: bool) -> Result<bool> {
    if let Some(unknown) = names.iter().find(|name| BENCHES.iter().all(|(known, _)| known != *name)) {
        let known: Vec<&str> = BENCHES.iter().map(|(known, _)| *known).collect();
        bail!("there is no bench `{unknown}`: the benches are {}", known.join(", "));
    }
    let mut within = true;
    for (name, bench) in BENCHES.iter().filter(|(name, _)| names.is_empty() || names.contains(name)) {
        let figures = bench()?;
        within &= figures.iter().all(Figure::is_within);
        if json {
            println!("{}", figure::json(name, &figures));
        } else {
            println!("{name}\n{}", figure::table(&figures));
        }
    }
    Ok(within)
}
