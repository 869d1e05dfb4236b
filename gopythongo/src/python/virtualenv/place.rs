//! Where a virtual environment is built: seen at its final path if this machine can show it there, else elsewhere.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    isolation::View,
    run::{
        Failure, FailureKind, Work,
        process::{Command, Status},
    },
};

/// A directory of the step's own that stands for a path of the hosts.
#[derive(Debug)]
pub(in crate::python) struct Place {
    /// Where it will be: `/opt/shop`.
    pub(in crate::python) path: PathBuf,
    /// What stands for `/`.
    pub(in crate::python) root: PathBuf,
    /// Where it really is, below the root.
    pub(in crate::python) directory: PathBuf,
    /// The words under which a command sees it at its path.
    pub(in crate::python) under: Vec<OsString>,
    /// Why it cannot be seen there.
    pub(in crate::python) relocated: Option<String>,
}

impl Place {
    /// Makes the empty directory, and tries whether commands can see it at `path`.
    pub(in crate::python) fn make(work: &mut Work<'_>, path: &Path) -> Result<Self, Failure> {
        let root = work.scratch().join("tree");
        let directory = root.join(path.strip_prefix("/").unwrap_or(path));
        fs::create_dir_all(&directory).map_err(Failure::io("cannot make", &directory))?;
        let under = View::new().bind(&directory, path).command();
        let relocated = refusal(work, &under)?;
        let under = if relocated.is_some() { Vec::new() } else { under };
        Ok(Self { path: path.to_owned(), root, directory, under, relocated })
    }

    /// The path at which commands see it.
    pub(in crate::python) fn seen(&self) -> &Path {
        if self.relocated.is_some() { &self.directory } else { &self.path }
    }

    /// A command that sees it there.
    pub(in crate::python) fn command(&self, program: &str) -> Command {
        Command::new(self.seen().join(program)).under(self.under.iter().cloned())
    }
}

/// Why nothing can be run under these words; `None` if it can.
fn refusal(work: &mut Work<'_>, under: &[OsString]) -> Result<Option<String>, Failure> {
    let command = Command::new("/bin/true").under(under.iter().cloned()).directory("/");
    match work.observe(&command) {
        Ok((finished, _)) if finished.status == Status::Exited(0) => Ok(None),
        Ok((finished, tail)) => Ok(Some(match tail.last() {
            Some(line) => line.clone(),
            None => format!("it ended with {}", finished.status),
        })),
        Err(failure) if failure.kind == FailureKind::Cancelled => Err(failure),
        Err(failure) => Ok(Some(failure.message)),
    }
}
