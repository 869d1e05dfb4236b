//! A library of the storefront, whose tests are given a secret.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let tests = Pytest::new().secret("RATES_TOKEN", SecretFrom::env("RATES_TOKEN"));
    Pipeline::new("storefront").default_kind(Develop).job(library("money").source("libs/money").step(tests).upload())
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
