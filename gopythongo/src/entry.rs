//! The one place that prints an error and exits.

use std::process::ExitCode;

use crate::{cli, pipeline::Pipeline};

/// Runs a pipeline as a program: reads the command line, does what it says, prints errors, gives the exit code.
#[must_use]
pub fn main(pipeline: impl FnOnce() -> Pipeline) -> ExitCode {
    match cli::main(pipeline) {
        Ok(exit) => exit.code(),
        Err(error) => {
            cli::complain(&error);
            error.exit.code()
        }
    }
}
