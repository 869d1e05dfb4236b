//! What it costs a team to let everything go wrong in the storefront, in a test build: `exhaustive(2)`.

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{figure::Figure, measured::measure};
use crate::command::{cargo, output};

/// How often it is done.
const ROUNDS: usize = 3;
const TEST: &str = "exhaustive::two_faults_anywhere_and_a_thousand_orders_do_no_harm";

pub(super) fn run() -> Result<Vec<Figure>> {
    let arguments = ["test", "--quiet", "--locked", "--package", "tests", "--test", "simulation", "--no-run"];
    let built = output(cargo().args(arguments).arg("--message-format=json"))?;
    let said = built.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = said.filter(|line| line["target"]["name"] == "simulation").find_map(|line| {
        let program = line["executable"].as_str()?;
        Some(program.to_owned())
    });
    let program = program.context("cargo did not say where the suite is")?;
    let place = tempfile::tempdir()?;
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        took.push(measure(Command::new(&program).args(["--exact", TEST]), &place.path().join("log"))?);
    }
    Ok(vec![
        Figure::seconds("CPU of `exhaustive(2)` on the storefront", took.iter().map(|took| took.cpu)).at_most(10.0),
        Figure::seconds("its wall", took.iter().map(|took| took.wall)),
    ])
}
