//! The one place that prints an error and exits.

use std::process::ExitCode;

use crate::{cli, pipeline::Pipeline};

/// Runs a pipeline as a program: reads the command line, does what it says, prints errors, gives the exit code.
#[must_use]
pub fn main(pipeline: impl FnOnce() -> Pipeline) -> ExitCode {
    end(cli::main(pipeline))
}

/// The `gopythongo` command: `init` writes a pipeline, all commands of pipelines go to the nearest one.
#[must_use]
pub fn command() -> ExitCode {
    end(cli::command())
}

fn end(result: Result<cli::Exit, cli::Error>) -> ExitCode {
    match result {
        Ok(exit) => exit.code(),
        Err(error) => {
            cli::complain(&error);
            error.exit.code()
        }
    }
}
