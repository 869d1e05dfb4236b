//! Applications of three sorts, each in a virtual environment.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let packed = |name: &str| application(name).source(name).virtualenv(format!("/opt/{name}"));
    Pipeline::new("packed").default_kind(Develop).job(packed("fast")).job(packed("board")).job(packed("leaky"))
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
