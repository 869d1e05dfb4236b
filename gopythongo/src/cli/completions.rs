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
        let program = std::env::args_os().next().map(std::path::PathBuf::from);
        let name = program.as_deref().and_then(|program| program.file_name()?.to_str()).unwrap_or("pipeline");
        self.print(CommandLine::command(), name)
    }

    /// Prints the script for a program's command line.
    pub(super) fn print(&self, mut command: clap::Command, program: &str) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, program, &mut script);
        print::result(String::from_utf8_lossy(&script));
        Exit::Done
    }
}
