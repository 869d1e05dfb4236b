//! The `gopythongo` command: `init` and `completions` are its own, everything else goes to the nearest pipeline.

use std::{env, ffi::OsString, os::unix::process::CommandExt};

use clap::{CommandFactory, Parser, Subcommand};

use super::{Error, Exit, arguments::CommandLine, completions::Completions, init::Init, print};
use crate::init::Nearest;

/// Writes a pipeline for a repository, and runs the nearest one.
#[derive(Debug, Parser)]
#[command(
    name = "gopythongo",
    version,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    after_help = "All commands but `init` and `completions` are those of the nearest pipeline, upwards from here: cargo \
                  builds it,\nand what it prints and its exit code are its own. `gopythongo plan` is `cargo run -p \
                  pipeline -- plan`."
)]
struct Line {
    /// The pipeline's package, where a workspace has several [default: the one called `pipeline`]
    #[arg(long, short, value_name = "NAME")]
    package: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a pipeline for a repository, from what is found in it
    Init(Init),
    /// Print a completion script for a shell
    Completions(Completions),
    #[command(external_subcommand)]
    OfPipeline(Vec<OsString>),
}

/// Does what the command line of `gopythongo` says.
///
/// # Errors
/// When a command cannot be done.
pub(crate) fn command() -> Result<Exit, Error> {
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            print::result(whole().render_help().to_string());
            return Ok(Exit::Done);
        }
        Err(error) => {
            // nobody is left to tell when the reader is gone
            let _ = error.print();
            return Ok(if error.use_stderr() { Exit::Usage } else { Exit::Done });
        }
    };
    match line.command {
        Command::Init(command) => command.execute(),
        Command::Completions(command) => Ok(command.print(whole(), "gopythongo")),
        Command::OfPipeline(arguments) => run(line.package.as_deref(), &arguments),
    }
}

/// With the commands of pipelines, which this program does not read itself: the pipeline's own version of them counts.
fn whole() -> clap::Command {
    let pipeline = CommandLine::command();
    let of_all: Vec<clap::Arg> =
        pipeline.get_arguments().filter(|argument| argument.is_global_set()).cloned().collect();
    let own = Line::command();
    let commands = pipeline.get_subcommands().filter(|command| own.find_subcommand(command.get_name()).is_none());
    let commands: Vec<clap::Command> = commands.map(|command| command.clone().args(&of_all)).collect();
    own.subcommands(commands)
}

/// Becomes cargo, which becomes the pipeline: signals, terminal and exit code are the pipeline's.
fn run(package: Option<&str>, arguments: &[OsString]) -> Result<Exit, Error> {
    let here = env::current_dir().map_err(|error| Error::lacking(format!("there is no current directory: {error}")))?;
    let error = Nearest::find(&here, package)?.command(arguments).exec();
    Err(Error::lacking(format!("cannot start `cargo`: {error}")).hint("install Rust: a pipeline is a Rust program"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_commands_of_pipelines_are_offered() {
        let help = whole().render_help().to_string();
        for command in ["init", "completions", "run", "plan", "status"] {
            assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command}:\n{help}");
        }
        whole().debug_assert();
    }

    #[test]
    fn what_is_not_its_own_is_passed_on_as_it_is() {
        let line = Line::try_parse_from(["gopythongo", "-p", "pallets", "run", "money", "--kind", "x"]).expect("read");
        let Command::OfPipeline(arguments) = line.command else { panic!("{line:?}") };
        assert_eq!(
            (arguments, line.package.as_deref()),
            (["run", "money", "--kind", "x"].map(OsString::from).to_vec(), Some("pallets"))
        );
    }
}
