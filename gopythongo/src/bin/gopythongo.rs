//! `gopythongo`: writes a pipeline for a repository, and runs the nearest one.

use std::process::ExitCode;

fn main() -> ExitCode {
    gopythongo::command()
}
