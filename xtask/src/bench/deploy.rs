//! Versions that take over from each other under load: eight switches in ten seconds, with 32 connections that are kept and
//! with 32 at a time that are made for each request. No request may fail.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{figure::Figure, pallets::target};
use crate::{
    command::{cargo, output},
    machine,
};

const SWITCHES: usize = 8;
const SECONDS: u64 = 10;

pub(super) fn run() -> Result<Vec<Figure>> {
    let missing = machine::prepare(&[("wrk", "wrk"), ("dpkg-deb", "dpkg"), ("/usr/bin/python3", "python3")])?;
    ensure!(missing.is_empty(), "this machine lacks {}", missing.join(", "));
    output(cargo().args(["build", "--quiet", "--release", "--locked", "-p", "tests", "--bin", "switch"]))?;
    let mut ground = Ground { state: tempfile::tempdir()?, program: target().join("release/switch"), version: 0 };
    let url = ground.switch()?;
    let kept = ground.load(&url, &[])?;
    let closed = ground.load(&url, &["--header", "Connection: close"])?;
    Ok(vec![
        Figure::new("failed requests, connections kept", "", vec![kept.failed]).at_most(0.0),
        Figure::new("failed requests, `Connection: close`", "", vec![closed.failed]).at_most(0.0),
        Figure::new("answered requests, connections kept", "", vec![kept.answered]),
        Figure::new("answered requests, `Connection: close`", "", vec![closed.answered]),
        Figure::seconds("a switch under load", kept.switches.into_iter().chain(closed.switches)),
    ])
}

/// What a load saw.
struct Load {
    answered: f64,
    failed: f64,
    switches: Vec<Duration>,
}

/// An environment; ended when it is dropped.
struct Ground {
    state: TempDir,
    program: PathBuf,
    version: usize,
}

impl Ground {
    /// Makes another version live; gives where.
    fn switch(&mut self) -> Result<String> {
        self.version += 1;
        let mut command = Command::new(&self.program);
        let url = output(command.arg(self.state.path()).arg(self.version.to_string()).stderr(Stdio::null()))?;
        Ok(url.trim().to_owned())
    }

    /// Switches while `wrk` asks.
    fn load(&mut self, url: &str, arguments: &[&str]) -> Result<Load> {
        eprintln!("deploy: {SWITCHES} switches in {SECONDS} s under load");
        let duration = format!("{SECONDS}s");
        let mut wrk = Command::new("wrk");
        wrk.args(["--threads", "2", "--connections", "32", "--duration", &duration]).args(arguments).arg(url);
        let wrk = wrk.stdout(Stdio::piped()).spawn().context("cannot start `wrk`")?;
        let begin = Instant::now();
        let mut switches = Vec::new();
        for number in 0..SWITCHES {
            let due = Duration::from_secs(SECONDS) * u32::try_from(number)? / u32::try_from(SWITCHES)?;
            thread::sleep(due.saturating_sub(begin.elapsed()));
            let started = Instant::now();
            self.switch()?;
            switches.push(started.elapsed());
        }
        let late = begin.elapsed().saturating_sub(Duration::from_secs(SECONDS));
        ensure!(late.is_zero(), "the last switch ended {late:.1?} after the load");
        let report = wrk.wait_with_output()?;
        ensure!(report.status.success(), "`wrk` ended with {}", report.status);
        let report = String::from_utf8_lossy(&report.stdout).into_owned();
        let answered = before(&report, "requests in").context("`wrk` counts no requests")?;
        Ok(Load { answered, failed: failures(&report), switches })
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = Command::new(&self.program).arg(self.state.path()).arg("down").stdout(Stdio::null()).status();
    }
}

/// Answers that were no good, and connections that broke: `Non-2xx or 3xx responses: 3`,
/// `Socket errors: connect 0, read 1, write 0, timeout 0`.
fn failures(report: &str) -> f64 {
    let numbers = |line: &str| -> f64 {
        let words = line.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty());
        words.filter_map(|word| word.parse::<f64>().ok()).sum()
    };
    let line = |start: &str| report.lines().find_map(|line| line.trim().strip_prefix(start)).map_or(0.0, numbers);
    line("Non-2xx or 3xx responses:") + line("Socket errors:")
}

/// The number before some words.
fn before(report: &str, words: &str) -> Option<f64> {
    report.lines().find_map(|line| line.trim().split_once(words)?.0.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says_is_understood() {
        let report = "  Latency    21.31ms\n  14321 requests in 10.01s, 1.31MB read\n  \
                      Socket errors: connect 1, read 2, write 0, timeout 4\n  Non-2xx or 3xx responses: 8\n";
        assert_eq!((before(report, "requests in"), failures(report)), (Some(14321.0), 15.0));
        assert_eq!(failures("  10 requests in 1.00s, 1KB read\n"), 0.0);
    }
}
