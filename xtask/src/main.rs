//! Developer commands: `cargo xtask test [SUITE] [--all]`, `cargo xtask bench [NAME] [--json]`, `cargo xtask tidy`.

mod bench;
mod command;
mod machine;
mod suite;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "usage:
  cargo xtask test [SUITE] [--all]    run the test suites: unit, simulation, chain, live; --all adds the slow tier
  cargo xtask bench [NAME] [--json]   run the benches: chain, own, noop, shared, micro, build, exhaustive,
                                      package, trivial, live, deploy
  cargo xtask tidy                    check the rules of the house";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[&str]) -> Result<bool> {
    let words: Vec<&str> = arguments.iter().copied().filter(|word| !word.starts_with("--")).collect();
    let flag = |name: &str| arguments.contains(&name);
    match words.as_slice() {
        ["test", suites @ ..] => suite::run(suites, flag("--all")),
        ["bench", names @ ..] => bench::run(names, flag("--json")),
        ["tidy"] => Ok(tidy::report(&tidy::check()?)),
        _ => bail!("{USAGE}"),
    }
}
