//! Asking uv or pip which distributions fit together.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::python::{Installer, Lock, Toolchain, pip};
use crate::{
    context::Interpreter,
    run::{Failure, Work, process::Command},
};

/// What is resolved, as files.
struct Files<'a> {
    requirements: PathBuf,
    further: &'a [PathBuf],
    constraints: PathBuf,
}

impl Toolchain {
    /// Resolves requirements (lines) and requirement files against the run's index, under constraints (lines), for an
    /// interpreter. Nothing is installed.
    ///
    /// # Errors
    /// When they do not fit together, or cannot be asked for.
    pub(in crate::python) fn resolve(
        &self,
        work: &mut Work<'_>,
        python: &Interpreter,
        requirements: &str,
        files: &[PathBuf],
        constraints: &[String],
    ) -> Result<Lock, Failure> {
        let directory = work.scratch().join(".resolve");
        fs::create_dir_all(&directory).map_err(Failure::io("cannot make", &directory))?;
        let write = |name: &str, text: String| {
            let path = directory.join(name);
            fs::write(&path, text).map_err(Failure::io("cannot write", &path))?;
            Ok::<_, Failure>(path)
        };
        let files = Files {
            requirements: write("requirements.txt", format!("{requirements}\n"))?,
            further: files,
            constraints: write("constraints.txt", format!("{}\n", constraints.join("\n")))?,
        };
        let unreadable = |error: crate::python::lock::LockError| Failure::refused(error.to_string());
        match self.installer(work)? {
            Installer::Uv(uv) => {
                let answer = directory.join("pylock.toml");
                let command = uv_command(&uv, python, &self.urls().run, &files, &answer);
                work.run(&command.directory(&directory).envs(self.installer_env(work)))?;
                let text = fs::read_to_string(&answer).map_err(Failure::io("cannot read", &answer))?;
                Lock::from_pylock(&text, &python.version).map_err(unreadable)
            }
            Installer::Pip => {
                let pip = pip::environment(self, work, python)?;
                let command = pip_command(&pip, &self.urls().run, &files);
                let text = work.capture(&command.directory(&directory).envs(self.installer_env(work)))?;
                Lock::from_pip(&text, &python.version).map_err(unreadable)
            }
        }
    }
}

fn uv_command(uv: &Path, python: &Interpreter, index: &str, files: &Files<'_>, answer: &Path) -> Command {
    Command::new(uv)
        .args(["pip", "compile", "--no-config", "--quiet", "--no-header", "--no-annotate"])
        .args(["--format", "pylock.toml", "--default-index", index, "--python"])
        .arg(&python.path)
        .arg("--constraints")
        .arg(&files.constraints)
        .arg("--output-file")
        .arg(answer)
        .arg(&files.requirements)
        .args(files.further)
}

fn pip_command(pip: &Path, index: &str, files: &Files<'_>) -> Command {
    let further = files.further.iter().flat_map(|file| ["-r".as_ref(), file.as_os_str()]);
    Command::new(pip)
        .args(["-I", "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"])
        .args(["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--index-url", index, "-c"])
        .arg(&files.constraints)
        .arg("-r")
        .arg(&files.requirements)
        .args(further)
}
