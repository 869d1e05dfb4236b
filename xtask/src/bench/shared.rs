//! Runs on machines that keep nothing: everything comes from shared state, an S3 bucket on this machine.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use super::{
    figure::Figure,
    measured::{Measured, measure},
    noop::Tree,
    pallets::{Bench, finished, target},
};
use crate::command::{cargo, output};

/// How often a machine begins with nothing.
const ROUNDS: usize = 5;

/// The libraries of a thousand steps.
const LIBRARIES: usize = 100;

/// The keys that the store takes.
const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "seaweed-key"), ("AWS_SECRET_ACCESS_KEY", "seaweed-secret")];

pub(super) fn run() -> Result<Vec<Figure>> {
    let bench = Bench::in_memory()?;
    let build = ["build", "--quiet", "--release", "--locked", "-p", "tests", "--bin", "generated", "--bin", "weed"];
    output(cargo().args(build))?;
    let tree = Tree::generate(&bench.place("tree"))?;
    let store = Store::start()?;
    let jobs: Vec<String> = (0..LIBRARIES).map(|number| format!("lib{number:04}")).collect();
    let thousand = || {
        let mut command = tree.program(&bench);
        command.arg("run").args(&jobs).arg("--json");
        (command, "state")
    };
    let ten_thousand = || {
        let mut command = tree.program(&bench);
        command.args(["run", "--json"]);
        (command, "state")
    };
    let storefront = || {
        let mut command = bench.program("storefront", "pipeline", "storefront");
        command.args(["run", "money", "catalog", "shop", "--json"]);
        (command, "storefront")
    };
    Ok(vec![
        Figure::seconds("1,000 steps, all from shared state", times(&bench, &store, &thousand, 1000)?).at_most(3.0),
        Figure::seconds("10,000 steps, all from shared state", times(&bench, &store, &ten_thousand, 10_000)?),
        Figure::seconds("the storefront, all from shared state", times(&bench, &store, &storefront, 1)?),
    ])
}

/// How long runs take that begin with nothing and execute nothing, after one that brings all.
fn times(
    bench: &Bench,
    store: &Store,
    program: &dyn Fn() -> (Command, &'static str),
    steps: usize,
) -> Result<Vec<std::time::Duration>> {
    let run = || -> Result<Measured> {
        let (mut command, state) = program();
        bench.forget(state)?;
        measure(command.env("GOPYTHONGO_SHARED", &store.url).envs(KEYS), &bench.place("shared.log"))
    };
    eprintln!("shared: a run brings what the others take");
    run()?;
    let mut times = Vec::new();
    for round in 1..=ROUNDS {
        eprintln!("shared: round {round} of {ROUNDS}");
        let measured = run()?;
        let ended = finished(&measured.stdout);
        let executed = ended.iter().filter(|event| event["outcome"] == "passed").count();
        let cached = ended.iter().filter(|event| event["outcome"] == "cached").count();
        ensure!(executed == 0 && cached >= steps, "{executed} steps were executed, {cached} taken over");
        times.push(measured.wall);
    }
    Ok(times)
}

/// An object store, ended when it is dropped.
struct Store {
    url: String,
    server: Child,
}

impl Store {
    fn start() -> Result<Self> {
        let mut command = Command::new(target().join("release/weed"));
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(server.stdout.take().context("no standard output")?).lines();
        let url = lines.next().context("the object store does not serve")??;
        Ok(Self { url, server })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}
