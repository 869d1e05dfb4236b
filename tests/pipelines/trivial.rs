//! The smallest application that there is, up to a published package: what the bench of packing runs.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let hello = application("hello").source("hello").virtualenv("/opt/hello").deb(Deb::new()).publish();
    Pipeline::new("trivial").default_kind(Develop).job(hello)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
