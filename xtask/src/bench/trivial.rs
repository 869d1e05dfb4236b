//! The smallest application from its source to a signed, published apt repository, against GoPythonGo 0.7, and against the
//! commands that do so by hand.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Result, ensure};
use tempfile::TempDir;

use super::{
    figure::Figure,
    measured::{Measured, measure},
    pallets::{finished, target},
};
use crate::{
    command::{cargo, output, root},
    machine,
};

/// How often each side runs, one after the other.
const ROUNDS: usize = 5;
/// The tool of this name in Python, and what else it needs today: its own Jinja does not run on this Python.
const OLDER: [&str; 2] = ["gopythongo==0.7.4.dev0", "virtualenv"];
const JINJA: &str = "Jinja2==3.1.4";
const SDIST: &str = "\
[build-system]
requires = [\"setuptools==80.9.0\"]
build-backend = \"setuptools.build_meta\"

[project]
name = \"hello\"
version = \"1.0.0\"

[project.scripts]
hello = \"hello:main\"
";
/// The same with nothing but the tools, from an empty directory on.
const BY_HAND: &str = "
uv build --quiet --python /usr/bin/python3 --wheel --out-dir dist \"$SOURCE\"
uv venv --quiet --python /usr/bin/python3 tree/opt/hello
uv pip install --quiet --python tree/opt/hello dist/*.whl
/usr/bin/python3 -m compileall -q tree/opt/hello >/dev/null
mkdir tree/DEBIAN repository key
printf 'Package: hello\\nVersion: 1.0.0\\nArchitecture: all\\nMaintainer: A <a@example.org>\\nDescription: hello\\n' \\
    >tree/DEBIAN/control
dpkg-deb -Zzstd -z3 --root-owner-group --build tree repository/hello.deb >/dev/null
chmod 700 key
export GNUPGHOME=$PWD/key
gpg --batch --quiet --passphrase '' --quick-generate-key a@example.org ed25519 sign never 2>/dev/null
cd repository
dpkg-scanpackages --multiversion . >Packages 2>/dev/null
printf 'Suite: develop\\nSHA256:\\n %s %s Packages\\n' \"$(sha256sum Packages | cut -d' ' -f1)\" \"$(stat -c%s Packages)\" >Release
gpg --batch --quiet --clearsign --output InRelease Release
gpgconf --kill gpg-agent
";

pub(super) fn run() -> Result<Vec<Figure>> {
    let needs = [
        ("zstd", "zstd"),
        ("gpg", "gpg"),
        ("dpkg-scanpackages", "dpkg-dev"),
        ("/usr/bin/python3", "python3"),
        ("aptly", "aptly"),
    ];
    let missing = machine::prepare(&needs)?;
    ensure!(missing.is_empty(), "this machine lacks {}", missing.join(", "));
    let bench = Bench::new()?;
    eprintln!("trivial: a run of each side fills the download caches");
    bench.ours(0)?;
    bench.by_hand(0)?;
    bench.older(0)?;
    let (mut ours, mut beyond, mut hand, mut older) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        eprintln!("trivial: round {round} of {ROUNDS}");
        let (run, script) = (bench.ours(round)?, bench.by_hand(round)?);
        beyond.push(run.wall.saturating_sub(script.wall));
        ours.push(run);
        hand.push(script);
        older.push(bench.older(round)?);
    }
    Ok(vec![
        Figure::seconds("a trivial package, from source to a signed repository, wall", ours.iter().map(|run| run.wall))
            .against("GoPythonGo 0.7", older.iter().map(|run| run.wall))
            .ratio_at_most(1.0 / 3.0),
        Figure::seconds("the same, CPU", ours.iter().map(|run| run.cpu))
            .against("GoPythonGo 0.7", older.iter().map(|run| run.cpu))
            .ratio_at_most(1.0 / 3.0),
        Figure::seconds("the same, beyond the tools' own commands", beyond).at_most(0.5),
        Figure::seconds("CPU, against the same by hand", ours.iter().map(|run| run.cpu))
            .against("the tools' own commands", hand.iter().map(|script| script.cpu)),
    ])
}

/// A source, and a place for each run.
struct Bench {
    directory: TempDir,
    path: std::ffi::OsString,
}

impl Bench {
    fn new() -> Result<Self> {
        output(cargo().args(["build", "--quiet", "--release", "--locked", "-p", "tests", "--bin", "trivial"]))?;
        let directory = tempfile::tempdir()?;
        let tools = directory.path().join("tools");
        output(Command::new("/usr/bin/python3").args(["-m", "venv"]).arg(&tools))?;
        output(Command::new(tools.join("bin/pip")).args(["install", "--quiet", "--no-input", "uv"]))?;
        let older = directory.path().join("older");
        output(Command::new("/usr/bin/python3").args(["-m", "venv"]).arg(&older))?;
        output(Command::new(older.join("bin/pip")).args(["install", "--quiet", "wheel"]))?;
        let pip = || {
            let mut pip = Command::new(older.join("bin/pip"));
            pip.args(["install", "--quiet", "--no-input"]);
            pip
        };
        output(pip().args(OLDER))?;
        output(pip().args(["--no-deps", JINJA]))?;
        let source = directory.path().join("source/hello");
        fs::create_dir_all(source.join("hello"))?;
        fs::write(source.join("pyproject.toml"), SDIST)?;
        fs::write(source.join("hello/__init__.py"), "def main() -> None:\n    print(\"hello\")\n")?;
        let own = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(
            ["/usr/bin".into(), tools.join("bin")].into_iter().chain(std::env::split_paths(&own)),
        )?;
        Ok(Self { directory, path })
    }

    fn place(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Our pipeline, with nothing but downloads and tools.
    fn ours(&self, round: usize) -> Result<Measured> {
        let mut command = Command::new(target().join("release/trivial"));
        command
            .args(["run", "--json", "--root"])
            .arg(self.place("source"))
            .env("GOPYTHONGO_STATE", self.place(&format!("state-{round}")))
            .env("GOPYTHONGO_CACHE", self.place("cache"))
            .env("PATH", &self.path)
            .env_remove("CARGO_MANIFEST_DIR");
        let run = measure(&mut command, &self.place("ours.log"))?;
        let published = finished(&run.stdout).iter().any(|event| event["step"] == "hello/publish");
        ensure!(published, "`hello/publish` did not run");
        Ok(run)
    }

    /// GoPythonGo 0.7. Its repository and its key are there before.
    fn older(&self, round: usize) -> Result<Measured> {
        let script = |mode| {
            let mut bash = Command::new("bash");
            bash.arg(root().join("xtask/baselines/gopythongo.sh")).arg(mode).arg(self.place(&format!("older-{round}")));
            bash.args([self.place("source/hello"), self.place("older")]);
            bash
        };
        output(&mut script("prepare"))?;
        measure(&mut script("run"), &self.place("older.log"))
    }

    fn by_hand(&self, round: usize) -> Result<Measured> {
        let place = self.place(&format!("hand-{round}"));
        fs::create_dir(&place)?;
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", BY_HAND]).current_dir(place);
        measure(bash.env("SOURCE", self.place("source/hello")).env("PATH", &self.path), &self.place("hand.log"))
    }
}
