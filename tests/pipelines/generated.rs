//! A thousand libraries with ten commands each: what `cargo xtask bench noop` generates a tree for.

use gopythongo::prelude::*;

/// How many libraries there are below `libs/`.
const LIBRARIES: usize = 1000;

/// How many commands each has, one after the other.
const COMMANDS: usize = 10;

fn pipeline() -> Pipeline {
    (0..LIBRARIES).fold(Pipeline::new("generated").default_kind(Develop), |pipeline, number| {
        let name = format!("lib{number:04}");
        let job = library(&name).source(format!("libs/{name}"));
        pipeline.job((0..COMMANDS).fold(job, |job, command| job.command(format!("c{command}"), ["true"])))
    })
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
