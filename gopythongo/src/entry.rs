//! The one place that prints an error and exits.

use std::process::ExitCode;

use crate::{cli, pipeline::Declares};

/// Runs a pipeline as a program: reads the command line, does what it says, prints errors, gives the exit code.
///
/// What it is given is `fn pipeline() -> Pipeline`, or `fn pipeline(settings: Settings) -> Pipeline` with a type of the team's own
/// (see [`context::settings`](crate::context::settings)).
#[must_use]
pub fn main<A>(pipeline: impl Declares<A>) -> ExitCode {
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
