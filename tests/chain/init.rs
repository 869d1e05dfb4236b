//! What `gopythongo init` writes compiles, passes its own tests and runs; `gopythongo run` finds it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use tests::{Outcome, root};

use crate::transcript::blocks;

/// A repository to write a pipeline for.
struct Repository {
    directory: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory") }
    }

    /// The sources of the storefront without its pipeline.
    fn storefront(self) -> Self {
        for sources in ["apps", "libs"] {
            let from = root().join("examples/storefront").join(sources);
            let status = Command::new("cp").arg("-R").arg(from).arg(self.top()).status().expect("cp");
            assert!(status.success(), "cannot copy the {sources} of the storefront");
        }
        self.git(&["init", "--quiet", "--initial-branch", "develop"]);
        self.commit();
        self
    }

    /// The release of flask, as an index has it.
    fn flask(self) -> Self {
        let fetch = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"];
        let downloaded = self.directory.path().join("downloaded");
        let mut pip = self.command("python3", &fetch);
        let pip = pip.arg("--dest").arg(&downloaded).arg("flask==3.1.3").output().expect("python3");
        let _ = Outcome::of(&pip).ends_with(0);
        let sdist = fs::read_dir(&downloaded).expect("downloaded").next().expect("one file").expect("readable").path();
        let mut tar = Command::new("tar");
        let tar = tar.arg("-xzf").arg(sdist).args(["--strip-components", "1", "-C"]).arg(self.top()).status();
        assert!(tar.expect("tar").success());
        self
    }

    fn top(&self) -> PathBuf {
        let top = self.directory.path().join("repository");
        fs::create_dir_all(&top).expect("made");
        top
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        tests::plain(&mut command);
        // what this checkout's own build has compiled is not compiled again; its programs are left alone
        command.args(arguments).current_dir(self.top()).envs(rust()).env("CARGO_BUILD_BUILD_DIR", target());
        command.env("CARGO_TARGET_DIR", self.directory.path().join("target"));
        command
    }

    fn run(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Outcome {
        Outcome::of(&self.command(program, arguments).output().expect("the program starts"))
    }

    /// Runs `init`. Cargo tells packages apart by their names, versions and places in their workspaces: where the tests of this
    /// file share what is compiled, each has a version of its own.
    fn init(&self, version: &str) -> Outcome {
        let outcome = self.gopythongo(&["init"]).ends_with(0);
        let manifest = self.read("pipeline/Cargo.toml");
        let manifest = manifest.replace("version = \"0.1.0\"", &format!("version = {version:?}"));
        fs::write(self.top().join("pipeline/Cargo.toml"), manifest).expect("written");
        outcome
    }

    fn gopythongo(&self, arguments: &[&str]) -> Outcome {
        self.run(gopythongo(), arguments)
    }

    fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=A", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false"];
        let _ = self.run("git", &[&identity, arguments].concat()).ends_with(0);
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "More"]);
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.top().join(file)).expect(file)
    }
}

#[test]
fn the_storefront_without_its_pipeline_gets_one_that_works() {
    let front = Repository::new().storefront();
    let printed = front.gopythongo(&["init", "--dry-run"]).ends_with(0).stdout;
    assert!(!front.top().join("Cargo.toml").exists(), "a dry run writes nothing");
    let told = front.init("0.1.1").stdout;
    let guide = fs::read_to_string(root().join("gopythongo/src/guide/first_pipeline.md")).expect("a chapter");
    let shown = blocks(&guide, "console").into_iter().find(|block| block.contains("gopythongo init")).expect("a block");
    assert!(shown.ends_with(&told), "the guide shows\n{shown}\nand this is printed:\n{told}");
    let written = front.read("pipeline/pipeline.rs");
    assert!(printed.contains(&written), "the dry run prints what is written");
    for line in [
        r#".downstream(["catalog", "shop"])"#,
        r#".downstream(["shop"])"#,
        r#".integration_tests("tests/integration")"#,
        r#".deb(Deb::new().service(Service::gunicorn("shop.wsgi:app")))"#,
        r#".blue_green(BlueGreen::new().health_check("/healthz"))"#,
        r#".needs("shop/integration-tests", "catalog/upload")"#,
    ] {
        assert!(written.contains(line), "`{line}` is not in\n{written}");
    }
    let _ = front.run("rustfmt", &["--check", "--edition", "2024", "pipeline/pipeline.rs"]).ends_with(0);
    let _ = front.run("cargo", &["test", "--quiet", "--package", "pipeline"]).ends_with(0);
    front.commit();

    let plan = front.gopythongo(&["plan"]).ends_with(0).stdout;
    assert!(plan.contains("⇡ switch:testing"), "{plan}");
    let mut below = front.command(gopythongo(), &["run", "--quiet"]);
    let run = below.current_dir(front.top().join("libs/money/src")).output().expect("the program starts");
    let run = Outcome::of(&run).ends_with(0);
    assert!(run.stdout.contains("is live in testing: http://127.0.0.1:"), "{}", run.stdout);
    let status = front.gopythongo(&["status"]).ends_with(0).stdout;
    assert!(status.contains("shop in testing: 0.7.0~dev1 in the blue slot since "), "{status}");
    assert!(status.contains("healthy: http://127.0.0.1:"), "{status}");
    let _ = front.gopythongo(&["down"]).ends_with(0);
    assert!(front.run("git", &["status", "--porcelain"]).stdout.is_empty(), "what a run makes is ignored");

    let again = front.gopythongo(&["init"]).ends_with(4).says("is a pipeline already: nothing was written");
    assert!(again.stdout.is_empty());
    let unknown = front.gopythongo(&["run", "till"]).ends_with(2);
    assert!(unknown.stderr.contains("till"), "the exit code and the words are the pipeline's");
}

#[test]
fn a_release_of_flask_gets_one_that_promotes_it() {
    let flask = Repository::new().flask();
    let told = flask.init("0.1.2").stdout;
    assert!(told.starts_with("library `flask` in .\n"), "{told}");
    let written = flask.read("pipeline/pipeline.rs");
    assert!(written.contains("`examples/tutorial`") && written.contains(".source(\"..\")"), "{written}");
    let _ = flask.run("cargo", &["test", "--quiet", "--package", "pipeline"]).ends_with(0);
    let run = flask.gopythongo(&["run", "--json"]).ends_with(0);
    assert_eq!(run.steps().get("flask/pytest").map(String::as_str), Some("passed"));
    assert_eq!(run.steps().get("promote").map(String::as_str), Some("passed"));
    assert_eq!(run.tests_passed(), 490);
    // neither the pipeline nor its state is a part of what it builds
    let again = flask.gopythongo(&["run", "--json"]).ends_with(0);
    assert_eq!(again.executed(), [""; 0]);
}

#[test]
fn a_workspace_that_is_there_gets_a_member() {
    let front = Repository::new().storefront();
    let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\n    \"native\", # Rust for Python\n]\n";
    for (file, text) in [
        ("Cargo.toml", manifest),
        ("native/Cargo.toml", "[package]\nname = \"native\"\nedition = \"2024\"\n"),
        ("native/src/lib.rs", "//! Nothing yet.\n"),
    ] {
        let path = front.top().join(file);
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs::write(path, text).expect("written");
    }
    fs::copy(root().join("Cargo.lock"), front.top().join("Cargo.lock")).expect("copied");
    let _ = front.init("0.1.3");
    let joined = front.read("Cargo.toml");
    assert!(joined.contains("    \"native\",\n    \"pipeline\", # Rust for Python\n]"), "{joined}");
    let _ = front.gopythongo(&["plan"]).ends_with(0);
}

#[test]
fn without_a_pipeline_the_way_to_one_is_said() {
    let empty = Repository::new();
    let _ = empty.gopythongo(&["plan"]).ends_with(2).says("`gopythongo init` writes one");
    let _ = empty.gopythongo(&["init"]).ends_with(2).says("there is no Python project in");
    let help = empty.gopythongo(&["--help"]).ends_with(0).stdout;
    assert!(help.contains("init ") && help.contains("plan "), "{help}");
    let completions = empty.gopythongo(&["completions", "bash"]).ends_with(0).stdout;
    assert!(completions.contains("gopythongo") && completions.contains("promote"), "{completions}");
}

/// The program, built once by the cargo that built us.
fn gopythongo() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let arguments = ["build", "--quiet", "--package", "gopythongo", "--bin", "gopythongo"];
        let status = Command::new(cargo).args(arguments).current_dir(root()).status().expect("cargo");
        assert!(status.success(), "the program does not build");
        target().join("debug/gopythongo")
    })
}

/// target/debug/deps/chain-… -> target
fn target() -> PathBuf {
    let own = std::env::current_exe().expect("our own path");
    own.ancestors().nth(3).expect("a target directory").to_owned()
}

/// Where cargo and its toolchains are, which is no part of a plain environment.
fn rust() -> impl Iterator<Item = (String, String)> {
    std::env::vars().filter(|(name, _)| ["CARGO_HOME", "RUSTUP_HOME"].contains(&name.as_str()))
}
