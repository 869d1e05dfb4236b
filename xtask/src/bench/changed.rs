//! A run in which one of the seven libraries of the Pallets set has changed, against the commands on its critical path.

use std::time::Duration;

use anyhow::Result;

use super::{
    critical_path::critical_path,
    figure::Figure,
    measured::{Measured, measure},
    pallets::Bench,
};
use crate::command::{cargo, output};

/// How often it changes.
const ROUNDS: usize = 3;

/// The library that changes: flask stands on it, and flaskr on flask.
const CHANGED: &str = "click==8.3.2";

pub(super) fn run() -> Result<Vec<Figure>> {
    let bench = Bench::new()?;
    output(cargo().args(["build", "--quiet", "--release", "--locked", "-p", "tests", "--bin", "another-pallet"]))?;
    eprintln!("changed: a run of everything");
    bench.ours()?;
    bench.keep("pallets", "before")?;
    eprintln!("changed: one library changes, and fills the download caches");
    changed(&bench)?;
    let (mut walls, mut critical, mut path) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        eprintln!("changed: round {round} of {ROUNDS}");
        let run = changed(&bench)?;
        path = critical_path(&run)?;
        critical.push(path.iter().map(|step| step.1).sum());
        walls.push(run.wall);
    }
    eprintln!("changed: commands on the critical path of the last run");
    for (step, time) in path.iter().filter(|(_, time)| *time > Duration::from_millis(50)) {
        eprintln!("  {:>7} ms  {step}", time.as_millis());
    }
    Ok(vec![
        Figure::seconds("wall, when one library of seven has changed", walls)
            .against("commands on its critical path", critical)
            .ratio_at_most(1.15),
    ])
}

/// A run with the changed library, where everything else is known.
fn changed(bench: &Bench) -> Result<Measured> {
    bench.forget("pallets")?;
    bench.keep("before", "pallets")?;
    let mut program = bench.program("pallets", "another-pallet", "pallets");
    measure(program.args(["run", "--json"]).env("PALLET", CHANGED), &bench.place("changed.log"))
}
