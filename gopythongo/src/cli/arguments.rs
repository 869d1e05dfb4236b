//! The command line as data. Clap's own errors are exit code 2.

use std::{ffi::OsString, num::NonZeroUsize, path::PathBuf};

use clap::{
    Args, CommandFactory, Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{
    approve::Approve, cache::CacheCommand, check::Check, completions::Completions, config::Config, down::Down,
    logs::Logs, plan::PlanCommand, promote::Promote, replay::Replay, rerun::Rerun, resume::Resume, rollback::Rollback,
    run::RunCommand, serve::Serve, status::Status, supervise::Supervise, why::Why,
};
use crate::{
    context::{BuildKind, git::is_branch_name},
    support::words,
};

/// Checks, builds, tests downstream, promotes and deploys what this pipeline declares.
#[derive(Debug, Parser)]
#[command(
    name = "pipeline",
    version,
    disable_help_subcommand = true,
    override_usage = "pipeline [OPTIONS] [COMMAND]",
    after_help = "Without a command, `run` is meant: `-- --dry-run` is `-- run --dry-run`.\n\
                  Exit codes: 0 done, 1 a step failed, 2 wrong usage or an invalid pipeline, \
                  3 the machine or a server lacks something, 4 refused, 128 + signal when interrupted."
)]
pub(super) struct CommandLine {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Common {
    /// Ask no server: what is not cached is missing
    #[arg(long, global = true)]
    pub(super) offline: bool,
    /// The pipeline's directory; by default what cargo says, else where `pipeline.rs` is found upwards
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) root: Option<PathBuf>,
    /// Where runs, cache and store are kept [default: .gopythongo/PIPELINE beside the workspace's Cargo.toml, or $GOPYTHONGO_STATE]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    /// Where machines share state: `s3+https://host/bucket/prefix`, `https://host/path` for WebDAV, a directory, or `none` [default: what the pipeline says, or $GOPYTHONGO_SHARED]
    #[arg(long, global = true, value_name = "PLACE")]
    pub(super) shared: Option<String>,
    /// Read settings from this file too, over `pipeline.toml`; may be given again
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) settings: Vec<PathBuf>,
    /// Set one of the pipeline's settings: `--set deploy.port=8080`; may be given again
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Execute the pipeline; the default
    Run(RunCommand),
    /// Show what would run, what would not, and why
    Plan(PlanCommand),
    /// Print the pipeline's settings, and where each value comes from
    Config(Config),
    /// Show the pipeline's mistakes, and what this machine lacks for it
    Check(Check),
    /// Go on with a run that was interrupted or failed
    Resume(Resume),
    /// Go on with a staged run: test what is downstream of it, then promote it
    Promote(Promote),
    /// Sign that what a run waits with may go into a protected environment, and make it live
    Approve(Approve),
    /// Let what served before serve again in an environment
    Rollback(Rollback),
    /// End what serves in an environment, or in all of them
    Down(Down),
    /// Show channels, what serves where, the latest run, and what waits for somebody
    Status(Status),
    /// Print a step's log, or list the logs of a run
    Logs(Logs),
    /// Explain why a step ran, was skipped or was cached
    Why(Why),
    /// Serve the packages of this pipeline as an index, until interrupted
    Serve(Serve),
    /// Show a recorded run as it was shown then
    Replay(Replay),
    /// Repeat a build server's run here: the same commit, context and decisions
    Rerun(Rerun),
    /// Show how much is remembered of earlier runs; `gc` makes it less, `verify` reads it all
    Cache(CacheCommand),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Hold the front's port of an environment, and run its slots
    #[command(hide = true)]
    Supervise(Supervise),
}

/// What a context is made from.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Wanted {
    /// Plan as for this branch
    #[arg(long, value_name = "BRANCH", value_parser = branch)]
    pub(super) branch: Option<String>,
    /// Plan as for this kind of build
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    pub(super) kind: Option<BuildKind>,
}

/// How to execute, and what to show of it.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Executing {
    /// After a failure, go on with what does not need the failed step
    #[arg(long)]
    pub(super) keep_going: bool,
    /// How many steps run at once [default: the number of processors]
    #[arg(id = "parallel", long = "jobs", short = 'j', value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// Print events as JSON, one a line, and nothing else
    #[arg(long)]
    pub(super) json: bool,
    /// Leave out that steps start and what their commands print
    #[arg(long, short, conflicts_with = "json")]
    pub(super) quiet: bool,
    /// Write JUnit, Cobertura, lcov and SARIF of each step into this directory
    #[arg(long, value_name = "DIR")]
    pub(super) reports: Option<PathBuf>,
    /// Print plain lines on a terminal too
    #[arg(long, conflicts_with = "json")]
    pub(super) plain: bool,
}

fn branch(name: &str) -> Result<String, &'static str> {
    if is_branch_name(name) { Ok(name.to_owned()) } else { Err("git would not take this as the name of a branch") }
}

fn kinds() -> impl TypedValueParser<Value = BuildKind> {
    PossibleValuesParser::new(BuildKind::ALL.map(BuildKind::word)).try_map(|word| word.parse::<BuildKind>())
}

/// Options of every command that have a value.
const VALUED: [&str; 5] = ["--root", "--state", "--shared", "--settings", "--set"];

/// The command that a word which is no job's name was perhaps meant to be: a slip of one or two letters.
pub(super) fn nearest_command(word: &str) -> Option<String> {
    let command = CommandLine::command();
    words::nearest(word, command.get_subcommands().map(clap::Command::get_name)).map(str::to_owned)
}

/// Puts `run` where no command is named: before the first word that is neither a command nor an option of every command.
pub(super) fn with_default_command(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let command = CommandLine::command();
    let mut at = 1;
    while let Some(word) = arguments.get(at) {
        match word.to_str() {
            Some("--offline") => at += 1,
            Some(word) if VALUED.contains(&word) => at += 2,
            Some(word) if VALUED.iter().any(|option| word.split_once('=').is_some_and(|(name, _)| name == *option)) => {
                at += 1;
            }
            Some("-h" | "--help" | "-V" | "--version") => return arguments,
            Some(word) if command.get_subcommands().any(|command| command.get_name() == word) => return arguments,
            _ => break,
        }
    }
    if at <= arguments.len() {
        arguments.insert(at, "run".into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, expect: &str) {
        let words = ["pipeline"].into_iter().chain(given.split_whitespace()).map(OsString::from);
        let words: Vec<String> =
            with_default_command(words).into_iter().map(|word| word.into_string().expect("text")).collect();
        assert_eq!(words[1..].join(" "), expect);
    }

    #[test]
    fn run_is_the_default_command() {
        check("", "run");
        check("--dry-run", "run --dry-run");
        check("money --json", "run money --json");
        check("--offline --root x --state=y --kind master", "--offline --root x --state=y run --kind master");
        check("--root x plan --all", "--root x plan --all");
        check("--set port=8080 --set=a.b=c --jobs 2", "--set port=8080 --set=a.b=c run --jobs 2");
        check("plan", "plan");
        check("--help", "--help");
        check("--offline", "--offline run");
        check("--root", "--root");
    }

    #[test]
    fn a_slip_in_a_command_is_seen() {
        assert_eq!(nearest_command("pln").as_deref(), Some("plan"));
        assert_eq!(nearest_command("catalogue"), None);
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn options_of_every_command_stand_before_or_behind_it() {
        for words in [["pipeline", "--offline", "plan"], ["pipeline", "plan", "--offline"]] {
            let line = CommandLine::try_parse_from(words).expect("valid");
            assert!(line.common.offline);
        }
    }

    #[test]
    fn a_branch_that_git_would_not_take_is_refused() {
        let error = CommandLine::try_parse_from(["pipeline", "run", "--branch", "release/"]).expect_err("no branch");
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn an_unknown_kind_is_refused_with_the_known_ones() {
        let error = CommandLine::try_parse_from(["pipeline", "run", "--kind", "mater"]).expect_err("no such kind");
        assert_eq!(error.exit_code(), 2);
        let text = error.to_string();
        assert!(text.contains("pull-request") && text.contains("'master'"), "{text}");
    }
}
