//! The Pallets set from a clean state with warm downloads, against the same chain optimised by hand and as a small team would script it.

use std::time::Duration;

use anyhow::Result;

use super::{
    figure::Figure,
    measured::{Measured, measure},
    pallets::{Bench, finished},
};

/// How often each side runs, one after the other.
const ROUNDS: usize = 3;

pub(super) fn run() -> Result<Vec<Figure>> {
    let bench = Bench::new()?;
    eprintln!("chain: a run of each side fills the download caches");
    bench.ours()?;
    bench.script("fast.sh")?;
    let (mut ours, mut fast, mut overhead) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        eprintln!("chain: round {round} of {ROUNDS}");
        let run = bench.ours()?;
        let (script, steps) = bench.script("fast.sh")?;
        overhead.push(run.cpu.saturating_sub(of_tools(&finished(&run.stdout))));
        ours.push(run);
        fast.push((script, steps));
    }
    let last = ours.last().map(|run| finished(&run.stdout)).unwrap_or_default();
    let again = again(&bench)?;
    eprintln!("chain: the plain script, once");
    let (plain, _) = bench.script("plain.sh")?;
    print_slowest(&last);

    let walls = || ours.iter().map(|run| run.wall);
    let cpus = || ours.iter().map(|run| run.cpu);
    let theirs = |of: fn(&Measured) -> Duration| fast.iter().map(move |(script, _)| of(script));
    Ok(vec![
        Figure::seconds("wall, against the chain optimised by hand", walls())
            .against("fast.sh", theirs(|run| run.wall))
            .ratio_at_most(1.2),
        Figure::seconds("CPU, against the chain optimised by hand", cpus()).against("fast.sh", theirs(|run| run.cpu)),
        Figure::seconds("wall, against the plain chain", walls()).against("plain.sh", [plain.wall]).ratio_at_most(0.4),
        Figure::seconds("CPU, against the plain chain", cpus()).against("plain.sh", [plain.cpu]),
        Figure::seconds("CPU of everything but steps that test, check or build", overhead)
            .against("fast.sh", fast.iter().map(|(run, steps)| run.cpu.saturating_sub(steps.projects())))
            .at_most(20.0),
        Figure::seconds("CPU of our own process", ours.iter().map(|run| run.own)),
        Figure::seconds("wall, when nothing has changed", again.iter().map(|run| run.wall)),
        Figure::seconds("CPU, when nothing has changed", again.iter().map(|run| run.cpu)),
    ])
}

/// The CPU of the steps whose work is a tool's: what makes their environments is in it.
fn of_tools(finished: &[serde_json::Value]) -> Duration {
    let kinds = ["pytest", "integration-tests", "mypy", "flake8", "sdist", "wheel"];
    let is_tool = |step: &str| step.rsplit('/').next().is_some_and(|kind| kinds.contains(&kind));
    let steps = finished.iter().filter(|event| event["step"].as_str().is_some_and(is_tool));
    Duration::from_millis(steps.filter_map(|event| event["cpu_ms"].as_u64()).sum())
}

/// Runs that find everything done.
fn again(bench: &Bench) -> Result<Vec<Measured>> {
    (0..ROUNDS)
        .map(|_| {
            measure(bench.program("pallets", "pallets", "pallets").args(["run", "--json"]), &bench.place("again.log"))
        })
        .collect()
}

/// Where our last run spent its time, for whoever wants to make it faster.
fn print_slowest(finished: &[serde_json::Value]) {
    let mut steps: Vec<(u64, u64, &str)> = finished
        .iter()
        .map(|event| {
            let number = |field: &str| event[field].as_u64().unwrap_or_default();
            (number("cpu_ms"), number("ms"), event["step"].as_str().unwrap_or_default())
        })
        .collect();
    steps.sort_unstable_by(|a, b| b.cmp(a));
    eprintln!("chain: the steps of our last run that used most (CPU ms, wall ms)");
    for (cpu, wall, step) in steps.iter().take(15) {
        eprintln!("  {cpu:>7} {wall:>7}  {step}");
    }
}
