//! The interpreter's own venv and pip: what is used where there is no uv.
//!
//! pip itself stands in one environment an interpreter, in the tool cache, and installs into others from there: making an
//! environment with a pip of its own takes seconds.

use std::path::{Path, PathBuf};

use crate::python::{Toolchain, installer::Installation};
use crate::{
    context::Interpreter,
    run::{Failure, Work, process::Command},
};

/// The Python of an environment that has pip, for an interpreter.
pub(in crate::python) fn environment(
    toolchain: &Toolchain,
    work: &mut Work<'_>,
    python: &Interpreter,
) -> Result<PathBuf, Failure> {
    let directory =
        toolchain.cached(work, &format!("pip-{}", python.version), &[python.path.display().to_string()], {
            |work, directory| {
                let command = Command::new(&python.path).args(["-I", "-m", "venv"]).arg(directory);
                work.run(&command.envs(toolchain.installer_env(work))).map_err(|failure| {
                    failure.hint(
                        "install uv, or the part of Python that has `ensurepip`: `python3-venv` on Debian and Ubuntu",
                    )
                })
            }
        })?;
    Ok(directory.join("bin/python"))
}

pub(in crate::python) fn install(pip: &Path, target: &Path, installation: &Installation) -> Command {
    let command = Command::new(pip)
        .args(["-I", "-m", "pip", "--python"])
        .arg(target)
        .args(["install", "--no-input", "--disable-pip-version-check", "--no-compile", "--progress-bar", "off"])
        .args(["--index-url", &installation.index]);
    installation.arguments(command)
}
