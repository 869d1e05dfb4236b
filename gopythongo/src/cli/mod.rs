//! The command line: arguments, one file a subcommand, exit codes. Wires the rooms together and decides nothing itself.
//!
//! What is printed on standard output is a result; progress and diagnostics go to standard error.

mod arguments;
mod error;
mod exit;
mod hashing;
mod place;
mod print;

mod causes;
mod engine;
mod history;
mod host;
mod places;
mod problems;
mod session;
mod sinks;

mod approve;
mod cache;
mod check;
mod command;
mod completions;
mod config;
mod down;
mod init;
mod logs;
mod plan;
mod promote;
mod replay;
mod reports;
mod rerun;
mod resume;
mod rollback;
mod run;
mod serve;
mod status;
mod supervise;
mod why;

use clap::Parser;

use arguments::{Command, CommandLine, with_default_command};
pub(crate) use command::command;
pub(crate) use error::Error;
pub(crate) use exit::Exit;
pub(crate) use place::workspace;
use session::{Session, kept};

use crate::pipeline::Declares;

/// Does what the command line says. Help and clap's errors are printed, and are exits too.
///
/// # Errors
/// When a command cannot be done; a step that fails is an exit code.
pub(crate) fn main<A>(pipeline: impl Declares<A>) -> Result<Exit, Error> {
    let line = match CommandLine::try_parse_from(with_default_command(std::env::args_os())) {
        Ok(line) => line,
        Err(error) => {
            // nobody is left to tell when the reader is gone
            let _ = error.print();
            return Ok(if error.use_stderr() { Exit::Usage } else { Exit::Done });
        }
    };
    let exit = execute(line, pipeline)?;
    match print::lost() {
        Some(why) if exit == Exit::Done => Err(Error::lacking(format!("cannot write to standard output: {why}"))),
        _ => Ok(exit),
    }
}

fn execute<A>(line: CommandLine, pipeline: impl Declares<A>) -> Result<Exit, Error> {
    if let Command::Completions(command) = &line.command {
        return Ok(command.execute());
    }
    // It has the pipeline's program, but nothing to do with the pipeline.
    if let Command::Supervise(command) = &line.command {
        return command.execute();
    }
    let session = kept(Session::begin(pipeline, &line.common)?);
    match line.command {
        Command::Run(command) => command.execute(session),
        Command::Plan(command) => command.execute(session),
        Command::Config(command) => command.execute(session),
        Command::Check(command) => command.execute(session),
        Command::Resume(command) => command.execute(session),
        Command::Promote(command) => command.execute(session),
        Command::Approve(command) => command.execute(session),
        Command::Rollback(command) => command.execute(session),
        Command::Down(command) => command.execute(session),
        Command::Status(command) => command.execute(session),
        Command::Logs(command) => command.execute(session),
        Command::Why(command) => command.execute(session),
        Command::Replay(command) => command.execute(session),
        Command::Rerun(command) => command.execute(session),
        Command::Cache(command) => command.execute(session),
        Command::Serve(command) => command.execute(session),
        Command::Completions(command) => Ok(command.execute()),
        Command::Supervise(command) => command.execute(),
    }
}

/// Prints an error.
pub(crate) fn complain(error: &Error) {
    print::note(error.to_string());
}
