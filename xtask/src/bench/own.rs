//! What our own process costs: CPU over a storefront run, memory while it serves.
//!
//! To compress and to hash artifacts is work that nobody can save: perf counts it, and where there is no perf, it is not
//! taken off.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
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
    let (mut first, mut again, mut artifacts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bench.forget("storefront")?;
        first.push(storefront()?);
        again.push(storefront()?);
        bench.forget("storefront")?;
        artifacts.push(of_artifacts(&bench)?);
    }
    let memory = serving(&bench)?;
    let others = first.iter().zip(&artifacts).map(|(run, artifacts)| run.own.saturating_sub(*artifacts));
    Ok(vec![
        Figure::seconds("own CPU over a storefront run", first.iter().map(|run| run.own)),
        Figure::seconds("compression and hashing in it", artifacts.iter().copied()),
        Figure::seconds("own CPU without these", others).at_most(0.15),
        Figure::seconds("wall of a storefront run", first.iter().map(|run| run.wall)),
        Figure::seconds("own CPU when nothing has changed", again.iter().map(|run| run.own)),
        Figure::seconds("wall when nothing has changed", again.iter().map(|run| run.wall)),
        Figure::new("peak memory while serving", "MiB", vec![memory]).at_most(64.0),
    ])
}

/// What a storefront run compresses, inflates and hashes, in CPU time of our own process: samples of perf in code of these
/// crates. What the kernel reads for it is not among them.
fn of_artifacts(bench: &Bench) -> Result<Duration> {
    const RATE: u32 = 2000;
    const CRATES: [&str; 7] =
        ["sha2::", "md5::", "miniz_oxide::", "flate2::", "crc32fast::", "simd_adler32::", "zlib_rs::"];
    let (data, log) = (bench.place("perf.data"), bench.place("perf.log"));
    let program = bench.program("storefront", "pipeline", "storefront");
    let mut perf = Command::new("perf");
    perf.args(["record", "--quiet", "--event", "cpu-clock", "--freq", &RATE.to_string(), "--output"]).arg(&data);
    perf.arg("--").arg(program.get_program()).args(["run", "--json"]);
    perf.current_dir(program.get_current_dir().context("the program has a directory")?);
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => perf.env(name, value),
            None => perf.env_remove(name),
        };
    }
    if let Err(error) = measure(&mut perf, &log) {
        eprintln!("own: without perf, nothing is taken off: {error}");
        return Ok(Duration::ZERO);
    }
    let samples = output(Command::new("perf").args(["script", "--fields", "sym,dso", "--input"]).arg(&data))?;
    let is_ours = |line: &&str| line.contains("/release/pipeline)") && CRATES.iter().any(|name| line.contains(name));
    let count = u32::try_from(samples.lines().filter(is_ours).count())?;
    Ok(Duration::from_secs(1) * count / RATE)
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
