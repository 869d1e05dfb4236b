//! The storefront from a clean state with warm caches until it is live, against the commands on its critical path; and again
//! when nothing has changed.

use anyhow::{Context, Result, ensure};

use super::{critical_path::critical_path, figure::Figure, measured::measure, pallets::Bench};
use crate::command::output;

/// How often the storefront goes live.
const ROUNDS: usize = 3;

pub(super) fn run() -> Result<Vec<Figure>> {
    let bench = Bench::in_memory()?;
    let storefront = |words: &[&str]| {
        let mut command = bench.program("storefront", "pipeline", "storefront");
        // a cache that others clear meanwhile is locked
        command.args(words).env("UV_CACHE_DIR", bench.place("uv"));
        command
    };
    let live = || measure(&mut storefront(&["run", "--json"]), &bench.place("live.log"));
    let (mut first, mut again, mut critical, mut path) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        match round {
            0 => eprintln!("live: a run of the storefront fills the caches"),
            round => eprintln!("live: round {round} of {ROUNDS}"),
        }
        let run = live();
        let second = run.as_ref().is_ok().then(&live);
        output(&mut storefront(&["down"]))?;
        bench.forget("storefront")?;
        let (run, second) = (run?, second.context("there was no second run")??);
        if round == 0 {
            continue;
        }
        ensure!(run.stdout.contains("/switch:"), "nothing went live");
        path = critical_path(&run)?;
        critical.push(path.iter().map(|step| step.1).sum());
        first.push(run.wall);
        again.push(second.wall);
    }
    eprintln!("live: commands on the critical path of the last run");
    for (step, time) in path {
        eprintln!("  {:>6.3} s  {step}", time.as_secs_f64());
    }
    Ok(vec![
        Figure::seconds("the storefront, clean state to live, wall", first)
            .against("commands on its critical path", critical)
            .ratio_at_most(1.15),
        Figure::seconds("the same when nothing has changed", again).at_most(0.1),
    ])
}
