//! `completions`: a script for a shell.

use clap::{Args, CommandFactory};

use super::{Exit, arguments::CommandLine, print};

/// `completions SHELL`
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

impl Completions {
    pub(super) fn execute(&self) -> Exit {
        let mut command = CommandLine::command();
        let program = std::env::args_os().next().map(std::path::PathBuf::from);
        let name = program.as_deref().and_then(|program| program.file_name()?.to_str()).unwrap_or("pipeline");
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        print::result(String::from_utf8_lossy(&script));
        Exit::Done
    }
}
