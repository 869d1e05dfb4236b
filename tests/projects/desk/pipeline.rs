//! A Django project with its own `TEST_RUNNER`: a tree that is no distribution.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    Pipeline::new("desk").default_kind(Develop).job(application("desk").source(".").pytest())
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
