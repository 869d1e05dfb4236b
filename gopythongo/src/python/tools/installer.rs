//! What makes environments and puts distributions into them: uv, or the interpreter's own venv and pip with the same behaviour.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::python::{Toolchain, pip, uv};
use crate::{
    context::Interpreter,
    run::{Failure, Work, process::Command},
};

/// The program that environments are made with; one for a whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Installer {
    /// uv, found on `PATH` or fetched into the tool cache.
    Uv(PathBuf),
    /// `venv` and `pip` of the interpreter that an environment is for.
    Pip,
}

/// What to install into an environment. Each is given exactly one index.
#[derive(Debug, Clone, Default)]
#[must_use]
pub(in crate::python) struct Installation {
    /// The index URL.
    pub(in crate::python) index: String,
    /// A requirements file.
    pub(in crate::python) requirements: Option<PathBuf>,
    /// A constraints file.
    pub(in crate::python) constraints: Option<PathBuf>,
    /// Wheels by their paths.
    pub(in crate::python) wheels: Vec<PathBuf>,
    /// Whether nothing is resolved: what is named is installed, and nothing else.
    pub(in crate::python) exactly: bool,
    /// Whether every requirement has a hash that its file must have.
    pub(in crate::python) hashes: bool,
    /// The words under which the environment is seen where it is; none if it really is there.
    pub(in crate::python) under: Vec<OsString>,
}

impl Installer {
    /// The command that makes an environment without pip.
    pub(in crate::python) fn venv(
        &self,
        toolchain: &Toolchain,
        work: &mut Work<'_>,
        python: &Interpreter,
        directory: &Path,
    ) -> Result<(), Failure> {
        let command = match self {
            Self::Uv(program) => uv::venv(program, python, directory),
            Self::Pip => Command::new(&python.path).args(["-I", "-m", "venv", "--without-pip"]).arg(directory),
        };
        let command = command.envs(toolchain.installer_env(work));
        work.run(&command).map_err(|failure| match (self, python.path.starts_with("/usr")) {
            (Self::Pip, true) => failure.hint("on Debian and Ubuntu the package `python3-venv` may be missing"),
            _ => failure,
        })
    }

    /// Installs into the environment in `directory`.
    pub(in crate::python) fn install(
        &self,
        toolchain: &Toolchain,
        work: &mut Work<'_>,
        python: &Interpreter,
        directory: &Path,
        installation: &Installation,
    ) -> Result<(), Failure> {
        let target = directory.join("bin/python");
        let command = match self {
            Self::Uv(program) => uv::install(program, &target, installation),
            Self::Pip => pip::install(&pip::environment(toolchain, work, python)?, &target, installation),
        };
        work.run(&command.under(installation.under.clone()).envs(toolchain.installer_env(work)))
    }
}

impl Installation {
    /// What both programs call by the same names.
    pub(in crate::python) fn arguments(&self, mut command: Command) -> Command {
        if self.exactly {
            command = command.arg("--no-deps");
        }
        if self.hashes {
            command = command.arg("--require-hashes");
        }
        if let Some(file) = &self.requirements {
            command = command.arg("-r").arg(file);
        }
        if let Some(file) = &self.constraints {
            command = command.arg("-c").arg(file);
        }
        command.args(&self.wheels)
    }
}
