//! Why a command could not be started.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::Command;

/// A command that could not be started.
#[derive(Debug)]
pub struct ProcessError {
    /// The program.
    pub program: PathBuf,
    /// Why.
    pub message: String,
}

impl ProcessError {
    /// The kernel says "no such file" of a missing program and of a missing directory alike.
    pub(super) fn new(command: &Command, error: &io::Error) -> Self {
        let message = match (&command.directory, error.kind()) {
            (Some(directory), io::ErrorKind::NotFound) if !directory.is_dir() => {
                format!("its directory `{}` does not exist", directory.display())
            }
            (_, io::ErrorKind::NotFound) if is_bare(&command.program) => {
                let path = command.environment.get(std::ffi::OsStr::new("PATH"));
                let path = path.map_or_else(|| "nothing".into(), |path| format!("`{}`", path.display()));
                format!("it is not on its PATH, which is {path}")
            }
            (_, io::ErrorKind::NotFound) if !command.program.exists() => "no such file".to_owned(),
            (_, io::ErrorKind::NotFound) => "its interpreter (the first line of the file) does not exist".to_owned(),
            _ => error.to_string(),
        };
        Self { program: command.program.clone(), message }
    }
}

/// Whether a program is a name to look up on `PATH`.
pub(super) fn is_bare(program: &Path) -> bool {
    program.components().count() == 1 && !program.has_root()
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot start `{}`: {}", self.program.display(), self.message)
    }
}

impl std::error::Error for ProcessError {}
