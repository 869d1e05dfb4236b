//! Python environments of the tests' own, made by hand: what a stranger would use against our index.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{Outcome, example};

/// A virtual environment with what a test needs.
#[derive(Debug)]
pub struct Python {
    directory: TempDir,
}

impl Python {
    /// An empty environment with pip.
    ///
    /// # Panics
    /// When the machine cannot make environments.
    #[must_use]
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut command = Command::new("python3");
        let made = command.args(["-m", "venv"]).arg(directory.path().join("env")).status().expect("python3");
        assert!(made.success(), "python3 -m venv");
        Self { directory }
    }

    /// One with packages of the machine's usual index.
    ///
    /// # Panics
    /// When they cannot be installed.
    #[must_use]
    pub fn with(packages: &[&str]) -> Self {
        let python = Self::new();
        let _ = python.run("pip", &[&["install", "--quiet"], packages].concat()).ends_with(0);
        python
    }

    /// A program of the environment.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.directory.path().join("env/bin").join(program));
        example::plain(&mut command);
        command.current_dir(self.directory.path());
        command
    }

    /// Runs a program of the environment.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn run(&self, program: &str, arguments: &[&str]) -> Outcome {
        Outcome::of(&self.command(program).args(arguments).output().expect("the program starts"))
    }

    /// Runs pip with an index and nothing beside it, whatever this machine is configured to.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn pip(&self, index: &str, arguments: &[&str]) -> Outcome {
        let mut command = self.command("pip");
        command.arg("install").args(["--no-cache-dir", "--index-url", index]).args(arguments);
        command.env_remove("PIP_FIND_LINKS").env("PIP_CONFIG_FILE", "/dev/null");
        Outcome::of(&command.output().expect("pip starts"))
    }

    /// The version of a package that is installed.
    #[must_use]
    pub fn version(&self, package: &str) -> Option<String> {
        let script = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))";
        let found = self.run("python", &["-c", script, package]);
        (found.code == 0).then(|| found.stdout.trim().to_owned())
    }

    /// A file in a directory of this environment's own.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Default for Python {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes a wheel with the members given, as `zipfile` writes them: what a stranger may send.
///
/// # Panics
/// When python3 cannot write it.
pub fn archive(path: &Path, members: &[(&str, &str)]) {
    let script = "\
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as archive:
    for name, text in zip(sys.argv[2::2], sys.argv[3::2]):
        archive.writestr(name, text)
";
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory can be made");
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(path);
    members.iter().for_each(|(name, text)| {
        command.args([name, text]);
    });
    assert!(command.status().expect("python3").success(), "cannot write {}", path.display());
}
