//! What our own process costs: CPU over a storefront run, memory while it serves.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

use super::{
    figure::Figure,
    measured::{end, measure, peak_memory},
    pallets::{Bench, served},
};
use crate::command::output;

/// How often the storefront runs.
const ROUNDS: usize = 3;
/// How often every page of the index is asked for.
const REQUESTS: usize = 50;

pub(super) fn run() -> Result<Vec<Figure>> {
    let bench = Bench::in_memory()?;
    let storefront = || {
        let mut command = bench.program("storefront", "pipeline", "storefront");
        command.args(["run", "--json"]);
        measure(&mut command, &bench.place("storefront.log"))
    };
    eprintln!("own: a run of the storefront fills the caches");
    storefront()?;
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bench.forget("storefront")?;
        first.push(storefront()?);
        again.push(storefront()?);
    }
    let memory = serving(&bench)?;
    Ok(vec![
        Figure::seconds("own CPU over a storefront run", first.iter().map(|run| run.own)).at_most(0.15),
        Figure::seconds("wall of a storefront run", first.iter().map(|run| run.wall)),
        Figure::seconds("own CPU when nothing has changed", again.iter().map(|run| run.own)),
        Figure::seconds("wall when nothing has changed", again.iter().map(|run| run.wall)),
        Figure::new("peak memory while serving", "MiB", vec![memory]).at_most(64.0),
    ])
}

fn serving(bench: &Bench) -> Result<f64> {
    let mut command = bench.program("storefront", "pipeline", "storefront");
    let mut server = command.args(["serve", "--port", "0"]).stdout(Stdio::piped()).spawn()?;
    let asked = ask(&mut server);
    let memory = asked.and_then(|()| peak_memory(&server));
    end(server)?;
    memory
}

/// Asks for pages of ours and of upstream's, many at once, as installers do.
fn ask(server: &mut Child) -> Result<()> {
    let mut lines = BufReader::new(server.stdout.take().context("no standard output")?).lines();
    let first = lines.next().context("`serve` printed nothing")??;
    let url = served(&first)?;
    let pages: Vec<String> = ["", "money/", "catalog/", "pytest/", "flake8/"].map(|page| format!("{url}{page}")).into();
    let urls: Vec<&String> = pages.iter().cycle().take(pages.len() * REQUESTS).collect();
    let mut command = Command::new("curl");
    command.args(["--fail", "--silent", "--show-error", "--location", "--parallel", "--parallel-max", "16"]);
    for url in urls {
        command.args(["--output", "/dev/null", url]);
    }
    output(&mut command)?;
    Ok(())
}
