//! A library with an extension module, on two Pythons.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let native = library("native").source(".").pythons(["3.11", "3.12"]).pytest().upload();
    Pipeline::new("native").default_kind(Develop).job(native)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
