//! A library whose steps read a bit of everything: what changes surprise.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let greeting = std::env::var("GREETING").unwrap_or_else(|_| "hello".to_owned());
    let stamp = CommandStep::new("stamp", ["stamp", &greeting]).env("COLOUR");
    let tally = library("tally").source(".").flake8().step(stamp).pytest();
    Pipeline::new("tally").default_kind(Develop).job(tally)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
