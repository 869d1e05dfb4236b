//! A library whose history is replayed, and one that uses it.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let click = library("click").source("click").upload().downstream(["user"]);
    let user = library("user").source("user").pytest();
    Pipeline::new("history").default_kind(Develop).job(click).job(user)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
