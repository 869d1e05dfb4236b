//! A library that linters have much to say about, which may not become more.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let untidy = library("untidy")
        .source(".")
        .step(Flake8::new().plugins(["flake8-print==5.0.0"]).ratchet())
        .step(Ruff::new().select(["F", "S"]).ratchet())
        .step(Mypy::new().strict().ratchet())
        .step(Pylint::new().ignore(["missing-docstring"]).ratchet())
        .step(Bandit::new().ratchet())
        .step(Prospector::new().ratchet())
        .pytest()
        .coverage_ratchet()
        .diff_coverage(80);
    Pipeline::new("untidy").default_kind(Develop).job(untidy)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
