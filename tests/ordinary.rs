//! An ordinary user on a machine that has never seen this program, and what they run.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Example, Outcome};

/// `nobody` and its group, on Debian and most others.
const NOBODY: u32 = 65534;

/// Who runs an example: `nobody`, with a home of their own, where the suite runs as root; else whoever runs the suite.
#[derive(Debug)]
pub struct Ordinary<'a> {
    example: &'a Example,
    program: PathBuf,
    home: Option<PathBuf>,
}

impl<'a> Ordinary<'a> {
    /// A user with an empty home, which is the example's directory. `None` where the suite runs as an ordinary user anyway,
    /// whose home is not empty.
    ///
    /// # Panics
    /// When the example cannot be given to them.
    #[must_use]
    pub fn without_caches(example: &'a Example) -> Option<Self> {
        is_root().then(|| Self::at(example, example.directory()))
    }

    /// A user with a home that the suite keeps: tools and downloads are fetched once.
    ///
    /// # Panics
    /// When the example cannot be given to them.
    #[must_use]
    pub fn with_caches(example: &'a Example) -> Self {
        if !is_root() {
            return Self { example, program: example.program().to_owned(), home: None };
        }
        let home = std::env::temp_dir().join("gopythongo-tests-nobody");
        if !home.exists() {
            // somebody else may make it at the same time, and nobody may have it before it is theirs
            let made = tempfile::Builder::new().prefix("gopythongo-tests-").tempdir().expect("a home can be made");
            give(made.path());
            let _ = fs::rename(made.path(), &home);
        }
        Self::at(example, home)
    }

    fn at(example: &'a Example, home: PathBuf) -> Self {
        // what the user may read: a checkout may stand in somebody's home
        let program = example.directory().join("pipeline");
        copy_program(example.program(), &program);
        give(&example.directory());
        Self { example, program, home: Some(home) }
    }

    /// Their home, if it is not that of whoever runs the suite.
    #[must_use]
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// The example's program with arguments, not yet started.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.started(self.example.command_of(&self.program, arguments))
    }

    /// Another program in the place of the example's own, not yet started.
    ///
    /// # Panics
    /// When it cannot be put where they may read it.
    #[must_use]
    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let own = self.example.directory().join(program.file_name().expect("a name"));
        if !own.exists() {
            copy_program(program, &own);
        }
        self.started(self.example.command_of(&own, arguments))
    }

    /// A command as theirs, with their home.
    #[must_use]
    pub fn started(&self, mut command: Command) -> Command {
        if let Some(home) = &self.home {
            command.uid(NOBODY).gid(NOBODY).env("HOME", home).env("PATH", "/usr/local/bin:/usr/bin:/bin");
            for name in ["XDG_CACHE_HOME", "GOPYTHONGO_CACHE", "UV_CACHE_DIR", "PIP_CACHE_DIR", "PYENV_ROOT", "USER"] {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs the example's program to its end.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&self.command(arguments).output().expect("the program starts"))
    }
}

/// Copies a program that is to be started. Another program does that: what this one writes, whatever its other threads start
/// holds, too, until it has become another program, and nobody may run what somebody can still write to.
///
/// # Panics
/// When it cannot be copied.
pub fn copy_program(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg(from).arg(to).status().expect("cp");
    assert!(copied.success(), "{} cannot be copied", from.display());
}

/// Makes everything in a directory theirs.
fn give(directory: &Path) {
    let owner = format!("{NOBODY}:{NOBODY}");
    let given = Command::new("chown").args(["-R", &owner]).arg(directory).status().expect("chown");
    assert!(given.success(), "{} cannot be given away", directory.display());
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
