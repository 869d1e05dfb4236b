//! The Pallets set: our program and the scripts that do the same by hand.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::measured::{Measured, measure};
use crate::command::{cargo, output, root};

/// How many tests the set has.
const TESTS: u64 = 4095;

/// Where both sides work: the same downloads, the same interpreter, no state.
pub(super) struct Bench {
    directory: TempDir,
    python: PathBuf,
    path: std::ffi::OsString,
}

impl Bench {
    /// Builds the programs, and makes the places.
    pub(super) fn new() -> Result<Self> {
        Self::within(tempfile::tempdir()?)
    }

    /// The same in memory, where there is such a place: there our own time is not the disk's file system's, which on ext4
    /// depends on what others have removed in the last minute.
    pub(super) fn in_memory() -> Result<Self> {
        let memory = Path::new("/dev/shm");
        Self::within(if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? })
    }

    fn within(directory: TempDir) -> Result<Self> {
        output(cargo().args(["build", "--quiet", "--release", "--locked", "-p", "pipeline", "-p", "pallets"]))?;
        let system = PathBuf::from("/usr/bin/python3");
        let python = if system.exists() { system } else { which::which("python3").context("`python3` is missing")? };
        // ahead of shims that start a shell for each call: both sides get the same interpreter
        let own = std::env::var_os("PATH").unwrap_or_default();
        let path = python.parent().map(Path::to_owned).into_iter().chain(std::env::split_paths(&own));
        let path = std::env::join_paths(path)?;
        Ok(Self { directory, python, path })
    }

    /// A place of this bench's own.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// One of our programs, in a release build.
    pub(super) fn program(&self, example: &str, package: &str, state: &str) -> Command {
        let mut command = Command::new(target().join("release").join(package));
        command
            .current_dir(root().join("examples").join(example))
            .env("GOPYTHONGO_STATE", self.place(state))
            .env("GOPYTHONGO_CACHE", self.place("cache"))
            .env("PATH", &self.path)
            .env_remove("CARGO_MANIFEST_DIR");
        command
    }

    /// Empties a place of this bench's own, if it is there. What it held is removed with the bench: for a minute after
    /// many files were removed, ext4 makes new ones slowly, and that would be measured.
    pub(super) fn forget(&self, name: &str) -> Result<()> {
        let place = self.place(name);
        if place.exists() {
            fs::rename(&place, tempfile::tempdir_in(self.directory.path())?.keep().join("forgotten"))?;
        }
        Ok(())
    }

    /// Copies a place of this bench's own to another.
    pub(super) fn keep(&self, name: &str, to: &str) -> Result<()> {
        output(Command::new("cp").arg("-a").arg(self.place(name)).arg(self.place(to))).map(drop)
    }

    /// Runs our pipeline from nothing but downloads.
    pub(super) fn ours(&self) -> Result<Measured> {
        self.forget("pallets")?;
        // the scripts make the environments of their tools in every run; downloads stay on both sides
        self.forget("cache/tools")?;
        // the scripts' mypy remembers nothing of an earlier run
        self.forget("cache/mypy")?;
        let measured =
            measure(self.program("pallets", "pallets", "pallets").args(["run", "--json"]), &self.place("ours.log"))?;
        let passed: u64 = finished(&measured.stdout).iter().filter_map(|event| event["tests"]["passed"].as_u64()).sum();
        ensure!(passed == TESTS, "{passed} tests passed in our run, not {TESTS}");
        Ok(measured)
    }

    /// Runs one of the scripts.
    pub(super) fn script(&self, name: &str) -> Result<(Measured, Script)> {
        let sdists = self.place("sdists");
        if !sdists.exists() {
            output(self.bash("fetch.sh").arg(&sdists))?;
        }
        self.forget(name)?;
        let uv = self.uv()?;
        // a pool of one: nobody else can have taken it between here and there but by very bad luck
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = self.bash(name);
        command
            .arg(&sdists)
            .arg(self.place(name))
            .env("UV", uv)
            .env("PORT", port.to_string())
            .env("constraints", root().join("xtask/baselines/constraints"));
        let measured = measure(&mut command, &self.place("script.log"))?;
        let script = Script::read(&measured.stdout);
        ensure!(script.passed == TESTS, "{} tests passed in `{name}`, not {TESTS}", script.passed);
        Ok((measured, script))
    }

    fn bash(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        command.arg(root().join("xtask/baselines").join(script)).env("PY", &self.python).env("PATH", &self.path);
        command
    }

    /// The uv on PATH, or the one that our own run has fetched: both sides use the same.
    fn uv(&self) -> Result<PathBuf> {
        if let Ok(uv) = which::which("uv") {
            return Ok(uv);
        }
        let fetched = fs::read_dir(self.place("cache/uv")).context("our run has fetched no uv")?;
        let found = fetched.flatten().map(|entry| entry.path().join("uv")).find(|program| program.is_file());
        found.context("our run has fetched no uv")
    }
}

/// What a script says of its steps.
pub(super) struct Script {
    passed: u64,
    /// CPU time of the projects' own work, by step.
    pub(super) cpu: BTreeMap<String, Duration>,
}

impl Script {
    /// Lines `library step exit … user sys`, and `tests passed: N`.
    fn read(stdout: &str) -> Self {
        let mut script = Self { passed: 0, cpu: BTreeMap::new() };
        for line in stdout.lines() {
            if let Some(count) = line.strip_prefix("tests passed: ") {
                script.passed = count.trim().parse().unwrap_or_default();
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [_, step, .., user, system] = words.as_slice()
                && let (Ok(user), Ok(system)) = (user.parse::<f64>(), system.parse::<f64>())
            {
                *script.cpu.entry((*step).to_owned()).or_default() += Duration::from_secs_f64(user + system);
            }
        }
        script
    }

    /// What the projects' own tools used: tests under coverage, types, lint, back ends.
    pub(super) fn projects(&self) -> Duration {
        ["test", "mypy", "flake8", "build"].iter().filter_map(|step| self.cpu.get(*step)).sum()
    }
}

/// The `step-finished` events of a run with `--json`.
pub(super) fn finished(stdout: &str) -> Vec<Value> {
    let events = stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event["type"] == "step-finished").collect()
}

/// Where cargo builds.
pub(super) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |target| root().join(target))
}

/// The URL that a line of `serve` names.
pub(super) fn served(line: &str) -> Result<&str> {
    let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://")) else {
        bail!("`serve` begins with `{line}`, where a URL is expected");
    };
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_scripts_are_read() {
        let script = Script::read(
            "click test 0 17.5 20.5 2.25 0.25\n- tools 0 1.0 0.5 0.5\nclick build 0 1 0.5 0\ntests passed: 78\n",
        );
        assert_eq!(script.passed, 78);
        assert_eq!(script.cpu["tools"], Duration::from_secs(1));
        assert_eq!(script.projects(), Duration::from_secs(3));
    }
}
