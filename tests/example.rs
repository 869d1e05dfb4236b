//! A copy of an example in a git repository of its own, with an empty state, and the example's program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;

use crate::{Outcome, Promoted, seed};

/// The checkout's top directory.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// The arguments of a run of everything that the storefront builds and promotes. The deployment is left out: what is
/// deployed serves on, and has a suite of its own.
#[must_use]
pub fn building<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["run", "money", "catalog", "shop"], arguments].concat()
}

/// A copy of an example, removed with everything that it made when it is dropped.
#[derive(Debug)]
pub struct Example {
    directory: TempDir,
    name: &'static str,
    program: PathBuf,
    /// The state of another example; its own by default.
    shared_state: Option<PathBuf>,
}

impl Example {
    /// The storefront, committed on `develop`.
    #[must_use]
    pub fn storefront() -> Self {
        Self::copy("storefront", "pipeline", "develop")
    }

    /// The Pallets set, committed on `develop`.
    #[must_use]
    pub fn pallets() -> Self {
        Self::copy("pallets", "pallets", "develop")
    }

    /// One of the projects beside these tests, committed on `develop`, with a program that a test brings.
    #[must_use]
    pub fn project(name: &str, program: &str) -> Self {
        Self::copy_of(&root().join("tests/projects").join(name), program.into(), "develop", "checkout")
    }

    /// A copy at another place: with spaces, with letters that are not ASCII.
    #[must_use]
    pub fn storefront_at(name: &'static str) -> Self {
        Self::copy_as("storefront", "pipeline", "develop", name)
    }

    /// A storefront that was promoted before: a copy of one checkout and its state, which the suite makes once.
    #[must_use]
    pub fn promoted_storefront() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        seed::copy(&seed::promoted().place, directory.path());
        Self { directory, name: "checkout", program: program("pipeline"), shared_state: None }
    }

    /// The same, with what the run that promoted it (`run --json`) printed.
    #[must_use]
    pub fn promoted_storefront_and_its_first_run() -> (Self, Outcome) {
        (Self::promoted_storefront(), seed::promoted().first.clone())
    }

    /// A copy of this checkout and its state, apart from them from now on.
    #[must_use]
    pub fn copied(&self) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        seed::copy(&self.directory(), directory.path());
        Self { directory, name: self.name, program: self.program.clone(), shared_state: self.shared_state.clone() }
    }

    /// Another copy of this checkout, which shares the state.
    #[must_use]
    pub fn with_another_checkout(&self) -> Self {
        let mut copy = self.copied();
        copy.shared_state = Some(self.state());
        copy
    }

    fn copy(example: &str, package: &str, branch: &str) -> Self {
        Self::copy_as(example, package, branch, "checkout")
    }

    fn copy_as(example: &str, package: &str, branch: &str, name: &'static str) -> Self {
        Self::copy_of(&root().join("examples").join(example), program(package), branch, name)
    }

    fn copy_of(from: &Path, program: PathBuf, branch: &str, name: &'static str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let copy = Self { directory, name, program, shared_state: None };
        copy_tracked(from, &copy.path());
        copy.git(&["init", "--quiet", "--initial-branch", branch]);
        copy.commit("Start");
        copy
    }

    /// The copy's top directory.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.path().join(self.name)
    }

    /// The directory around it, which holds the state too.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// Where the pipeline keeps its state.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.shared_state.clone().unwrap_or_else(|| self.directory.path().join("state"))
    }

    /// Commits everything.
    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    /// What readers of its store see.
    #[must_use]
    pub fn promoted(&self) -> Promoted {
        Promoted::read(&self.state())
    }

    /// The number of its store's current generation; 0 where nothing is promoted.
    ///
    /// # Panics
    /// When the store cannot be read.
    #[must_use]
    pub fn generation(&self) -> u64 {
        let store = gopythongo::store::Store::open(&self.state().join("store")).expect("the store opens");
        store.current().expect("it has a generation").number
    }

    /// The text of a blob of the cache.
    ///
    /// # Panics
    /// When there is no such blob.
    #[must_use]
    pub fn blob(&self, digest: &str) -> String {
        fs::read_to_string(self.cached(digest)).expect("text")
    }

    /// The path of a blob of the cache.
    ///
    /// # Panics
    /// When there is no such blob.
    #[must_use]
    pub fn cached(&self, digest: &str) -> PathBuf {
        self.below("cache", digest)
    }

    /// The path of a blob of the store.
    ///
    /// # Panics
    /// When there is no such blob.
    #[must_use]
    pub fn stored(&self, digest: &str) -> PathBuf {
        self.below("store", digest)
    }

    fn below(&self, room: &str, digest: &str) -> PathBuf {
        let mut paths = vec![self.state().join(room)];
        while let Some(path) = paths.pop() {
            if path.is_dir() {
                paths.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
            } else if path.to_string_lossy().replace('/', "").ends_with(digest) {
                return path;
            }
        }
        panic!("there is no blob {digest} in the {room}")
    }

    /// Runs git in the copy, which must succeed, and gives what it prints.
    ///
    /// # Panics
    /// When git fails.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=A", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false"])
            // the copy may have been given to another user
            .args(["-c", "safe.directory=*"])
            .args(arguments)
            .current_dir(self.path())
            .stderr(Stdio::inherit())
            .output()
            .expect("git");
        assert!(output.status.success(), "git {arguments:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Replaces the first occurrence of a text in a file, which must be there.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path().join(file);
        let text = fs::read_to_string(&path).expect("the file is there");
        assert!(text.contains(from), "`{from}` is not in {file}");
        fs::write(&path, text.replacen(from, to, 1)).expect("the file can be written");
    }

    /// The example's program with arguments, not yet started.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(&self.program, arguments)
    }

    /// Another program in the place of the example's own, not yet started.
    #[must_use]
    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        plain(&mut command);
        command.args(arguments).current_dir(self.path()).env("GOPYTHONGO_STATE", self.state());
        command
    }

    /// Where the example's program is.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Runs the example's program to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&self.command(arguments).output().expect("the program starts"))
    }

    /// Runs the storefront's program up to the promotion.
    #[must_use]
    pub fn build(&self, arguments: &[&str]) -> Outcome {
        self.run(&building(arguments))
    }

    /// Runs another program in the place of the example's own.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn run_as(&self, program: &str, arguments: &[&str]) -> Outcome {
        Outcome::of(&self.command_of(program.as_ref(), arguments).output().expect("the program starts"))
    }

    /// Starts the example's program and leaves it running.
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }
}

/// Gives a command only what a user's shell has: nothing of cargo, nor of the build server that runs this suite.
pub fn plain(command: &mut Command) {
    const KEPT: [&str; 11] = [
        "PATH",
        "HOME",
        "USER",
        "TMPDIR",
        "LANG",
        "XDG_CACHE_HOME",
        "GOPYTHONGO_CACHE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "PYENV_ROOT",
    ];
    let kept = |name: &str| {
        KEPT.contains(&name)
            || ["PIP_", "UV_", "GOPYTHONGO_CACHE"].iter().any(|start| name.starts_with(start))
            || name.to_lowercase().ends_with("_proxy")
    };
    let variables = std::env::vars().filter(|(name, _)| kept(name));
    command.env_clear().envs(variables).env("NO_COLOR", "1").stdin(Stdio::null());
}

/// Copies what git tracks, or would track, of a directory.
fn copy_tracked(from: &Path, to: &Path) {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(from)
        .output()
        .expect("git");
    assert!(output.status.success(), "git ls-files in {}", from.display());
    for file in String::from_utf8(output.stdout).expect("names in UTF-8").split('\0').filter(|file| !file.is_empty()) {
        let target = to.join(file);
        fs::create_dir_all(target.parent().expect("a directory")).expect("a directory can be made");
        fs::copy(from.join(file), target).expect("a file can be copied");
    }
}

/// The program of an example, built once by the cargo that built us.
fn program(package: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let arguments = ["build", "--quiet", "--package", "pipeline", "--package", "pallets"];
        let status = Command::new(cargo).args(arguments).current_dir(root()).status().expect("cargo");
        assert!(status.success(), "the examples do not build");
        // target/debug/deps/chain-… -> target/debug
        let own = std::env::current_exe().expect("our own path");
        own.ancestors().nth(2).expect("a target directory").to_owned()
    });
    directory.join(package)
}
