//! The test suites, and how many tests each ran.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{command, machine, tidy};

/// What a suite did.
struct Ran {
    name: &'static str,
    passed: u64,
    failed: u64,
    wall: Duration,
    ok: bool,
}

/// Runs the suites named, or all; `all` adds the slow tier. Gives whether every test passed.
pub(crate) fn run(names: &[&str], all: bool) -> Result<bool> {
    const SUITES: [&str; 4] = ["unit", "simulation", "chain", "live"];
    if let Some(unknown) = names.iter().find(|name| !SUITES.contains(name)) {
        bail!("there is no suite `{unknown}`: the suites are {}", SUITES.join(", "));
    }
    let wanted = |name: &str| names.is_empty() || names.contains(&name);
    let mut suites = Vec::new();
    if wanted("unit") {
        suites.push(unit()?);
    }
    if wanted("simulation") {
        suites.push(simulation(all)?);
    }
    if wanted("chain") {
        suites.push(chain(all)?);
    }
    if wanted("live") {
        suites.extend(live()?);
    }
    println!();
    for ran in &suites {
        let verdict = if ran.ok { "" } else { " (failed)" };
        println!(
            "{}: {} passed, {} failed in {:.1}s{verdict}",
            ran.name,
            ran.passed,
            ran.failed,
            ran.wall.as_secs_f64()
        );
    }
    for suite in ["simulation", "chain"].into_iter().filter(|suite| !all && wanted(suite)) {
        println!("left out: the slow tier of `{suite}`; `cargo xtask test --all` runs it");
    }
    let (passed, failed) = suites.iter().fold((0, 0), |(p, f), ran| (p + ran.passed, f + ran.failed));
    println!("{passed} passed, {failed} failed");
    Ok(suites.iter().all(|ran| ran.ok))
}

/// The house rules, and every test that needs neither root nor network.
fn unit() -> Result<Ran> {
    let begin = Instant::now();
    prepare("unit", &[machine::UNIT])?;
    let broken = tidy::check()?;
    let tidy = tidy::report(&broken);
    let mut ran = tests(
        "unit",
        command::cargo().args(["test", "--workspace", "--exclude", "tests", "--no-fail-fast", "--quiet"]),
        begin,
    )?;
    ran.passed += u64::from(tidy);
    ran.failed += u64::from(!tidy);
    ran.ok &= tidy;
    Ok(ran)
}

/// The storefront with everything that can go wrong in it; all of it bugs that are seeded and must be found.
fn simulation(all: bool) -> Result<Ran> {
    let begin = Instant::now();
    let mut command = command::cargo();
    command.args(["test", "--quiet", "--package", "tests", "--test", "simulation", "--"]);
    if !all {
        command.args(["--skip", "slow::"]);
    }
    tests("simulation", &mut command, begin)
}

/// The examples and real tools: uv, pip, twine.
fn chain(all: bool) -> Result<Ran> {
    let begin = Instant::now();
    prepare("chain", &[machine::CHAIN])?;
    if !machine::is_root() {
        println!("chain: not root: the full disk (a small tmpfs) is left out");
    }
    let mut command = command::cargo();
    command.args(["test", "--quiet", "--package", "tests", "--test", "chain", "--", "--test-threads", "2"]);
    if !all {
        command.args(["--skip", "slow::"]);
    }
    tests("chain", &mut command, begin)
}

/// Real systems: apt, dpkg and systemd in a throw-away Debian. Nothing of it can be had without root.
fn live() -> Result<Option<Ran>> {
    let begin = Instant::now();
    if !machine::is_root() {
        println!("live: only root can mount and boot a throw-away Debian: the suite is left out");
        return Ok(None);
    }
    prepare("live", &[machine::CHAIN, machine::LIVE])?;
    let mut command = command::cargo();
    command.args(["test", "--quiet", "--package", "tests", "--test", "live", "--", "--test-threads", "2"]);
    tests("live", &mut command, begin).map(Some)
}

/// Sees to it that the machine has what a suite needs; says what it lacks.
fn prepare(suite: &str, needs: &[&[machine::Need]]) -> Result<()> {
    let missing = machine::prepare(&needs.concat())?;
    if !missing.is_empty() {
        println!(
            "{suite}: this machine lacks {}, and only root on Debian can install it here: what needs it fails or is left out",
            missing.join(", ")
        );
    }
    Ok(())
}

fn tests(name: &'static str, command: &mut Command, begin: Instant) -> Result<Ran> {
    let (success, lines) = command::shown(command)?;
    let (mut passed, mut failed) = (0, 0);
    for line in lines.iter().filter(|line| line.starts_with("test result:")) {
        passed += counted(line, "passed");
        failed += counted(line, "failed");
    }
    if passed + failed == 0 {
        bail!("suite `{name}` ran no test");
    }
    Ok(Ran { name, passed, failed, wall: begin.elapsed(), ok: success })
}

/// The number before a word: `test result: ok. 12 passed; 0 failed; …`.
fn counted(line: &str, word: &str) -> u64 {
    let words: Vec<&str> = line.split_whitespace().collect();
    let place = words.iter().position(|found| found.trim_end_matches(';') == word);
    place.and_then(|place| words.get(place.checked_sub(1)?)?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!((super::counted(line, "passed"), super::counted(line, "failed")), (12, 3));
    }
}
