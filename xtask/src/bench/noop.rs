//! A run that finds everything done: ten thousand steps on twenty thousand files, against ninja, make and doit on the same graph,
//! and the Pallets example. The first run, of ten thousand times `true`, is measured too.
//!
//! What others do on the machine makes all wait alike, and is in no CPU time: limits are on that.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{
    figure::Figure,
    measured::{Measured, measure},
    pallets::{Bench, finished, target},
};
use crate::command::{cargo, output};

/// The generated tree: as `tests/pipelines/generated.rs` declares it.
const LIBRARIES: usize = 1000;
const FILES: usize = 20;
const COMMANDS: usize = 10;

/// How often each side finds everything done.
const ROUNDS: usize = 5;

/// The peers that come from the package index.
const PEERS: [&str; 2] = ["ninja==1.13.0", "doit==0.36.0"];

pub(super) fn run() -> Result<Vec<Figure>> {
    let bench = Bench::in_memory()?;
    output(cargo().args(["build", "--quiet", "--release", "--locked", "-p", "tests", "--bin", "generated"]))?;
    let tree = Tree::generate(&bench.place("tree"))?;
    let peers = Peers::install(&bench.place("peers"))?;

    eprintln!("noop: {} × `true`, twice on each side", LIBRARIES * COMMANDS);
    let (mut first, mut ninja_first) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        bench.forget("state")?;
        let run = tree.ours(&bench)?;
        let done = finished(&run.stdout).iter().filter(|event| event["outcome"] == "passed").count();
        ensure!(done == LIBRARIES * COMMANDS, "{done} steps passed in our first run");
        first.push(run);
        ninja_first.push(tree.peer(&bench, peers.only_true())?);
    }
    tree.peer(&bench, peers.ninja())?;
    tree.peer(&bench, peers.make())?;
    tree.peer(&bench, peers.doit())?;
    // the others have touched its stamps
    tree.peer(&bench, peers.ninja())?;
    // what is younger than two seconds when it is read is read again the next time, by us and by git
    tree.ours(&bench)?;

    let (mut ours, mut ninja, mut make, mut doit) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        eprintln!("noop: round {round} of {ROUNDS}");
        let run = tree.ours(&bench)?;
        let done = finished(&run.stdout).iter().filter(|event| event["outcome"] == "cached").count();
        ensure!(done == LIBRARIES * COMMANDS, "{done} steps were cached in a later run");
        ours.push(run);
        ninja.push(tree.peer(&bench, peers.ninja())?);
        make.push(tree.peer(&bench, peers.make())?);
        if round <= 2 {
            doit.push(tree.peer(&bench, peers.doit())?);
        }
    }
    let memory = tree.memory(&bench)?;
    let pallets = pallets(&bench)?;
    let git = git_processes(&bench)?;

    let cpu = |what, runs: &[Measured]| Figure::seconds(what, runs.iter().map(|run| run.cpu));
    let nothing = || cpu("10,000 steps, nothing has changed: CPU", &ours);
    Ok(vec![
        nothing().against("ninja", cpus(&ninja)).ratio_at_most(2.0),
        nothing().against("make", cpus(&make)).ratio_at_most(1.0),
        nothing().against("doit", cpus(&doit)).ratio_at_most(0.05),
        Figure::seconds("the same: wall", walls(&ours)).against("ninja", walls(&ninja)).ratio_at_most(2.0),
        Figure::seconds("the same: wall", walls(&ours)).against("make", walls(&make)).ratio_at_most(1.0),
        Figure::seconds("the same: wall", walls(&ours)).against("doit", walls(&doit)).ratio_at_most(0.05),
        cpu("10,000 × `true`: CPU", &first).against("ninja -j2", cpus(&ninja_first)).ratio_at_most(2.0),
        Figure::seconds("the same: wall", walls(&first)).against("ninja -j2", walls(&ninja_first)),
        Figure::new("peak memory of 10,000 steps", "MiB", vec![memory]).at_most(100.0),
        Figure::seconds("examples/pallets, nothing has changed: wall", walls(&pallets)).at_most(0.06),
        cpu("the same: CPU", &pallets),
        Figure::new("the same: git processes", "", vec![git]).at_most(2.0),
    ])
}

fn cpus(runs: &[Measured]) -> impl Iterator<Item = Duration> {
    runs.iter().map(|run| run.cpu)
}

fn walls(runs: &[Measured]) -> impl Iterator<Item = Duration> {
    runs.iter().map(|run| run.wall)
}

/// Runs of the Pallets example that find everything done.
fn pallets(bench: &Bench) -> Result<Vec<Measured>> {
    eprintln!("noop: a run of the Pallets example fills its cache");
    let run = || {
        let mut command = bench.program("pallets", "pallets", "pallets");
        measure(command.args(["run", "--json"]), &bench.place("pallets.log"))
    };
    run()?;
    run()?;
    (0..ROUNDS).map(|_| run()).collect()
}

/// How many processes of git such a run starts, counted by a `git` of the bench's own that comes first on `PATH`.
fn git_processes(bench: &Bench) -> Result<f64> {
    let (shims, calls) = (bench.place("shims"), bench.place("git.log"));
    fs::create_dir_all(&shims)?;
    let mut command = bench.program("pallets", "pallets", "pallets");
    let path =
        command.get_envs().find_map(|(name, value)| value.filter(|_| name == "PATH")).unwrap_or_default().to_owned();
    // the one that the runs before have asked: another one may be configured otherwise
    let git = which::which_in("git", Some(&path), bench.place("")).context("`git` is missing")?;
    let script = format!("#!/bin/sh\necho \"$*\" >>'{}'\nexec '{}' \"$@\"\n", calls.display(), git.display());
    fs::write(shims.join("git"), script)?;
    fs::set_permissions(shims.join("git"), fs::Permissions::from_mode(0o755))?;
    fs::write(&calls, "")?;
    let path = std::env::join_paths(std::iter::once(shims).chain(std::env::split_paths(&path)))?;
    measure(command.args(["run", "--json"]).env("PATH", path), &bench.place("pallets.log"))?;
    let count = u32::try_from(fs::read_to_string(&calls)?.lines().count())?;
    Ok(count.into())
}

/// A checkout with libraries, and the same graph in the languages of the peers.
pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    pub(super) fn generate(root: &Path) -> Result<Self> {
        let (mut ninja, mut make) = ("rule c\n  command = true && touch $out\n".to_owned(), "all:\n".to_owned());
        let mut doit = "def task_all():\n".to_owned();
        for library in 0..LIBRARIES {
            let name = format!("lib{library:04}");
            let package = root.join("libs").join(&name).join("src").join(&name);
            fs::create_dir_all(&package)?;
            let mut files = vec![format!("libs/{name}/pyproject.toml")];
            fs::write(root.join(&files[0]), format!("[project]\nname = \"{name}\"\nversion = \"1.0.0\"\n"))?;
            for file in 1..FILES {
                let path = format!("libs/{name}/src/{name}/m{file:02}.py");
                fs::write(root.join(&path), format!("\"\"\"Module {file} of {name}.\"\"\"\n\nVALUE = {file}\n"))?;
                files.push(path);
            }
            let files = files.join(" ");
            for command in 0..COMMANDS {
                let stamp = format!("stamps/{name}.{command}");
                let before =
                    command.checked_sub(1).map(|before| format!(" stamps/{name}.{before}")).unwrap_or_default();
                writeln!(ninja, "build {stamp}: c {files}{before}")?;
                writeln!(make, "all: {stamp}\n{stamp}: {files}{before}\n\t@true && touch $@")?;
                let needs: Vec<&str> = files.split(' ').chain(before.split_whitespace()).collect();
                writeln!(
                    doit,
                    "  yield {{'name': '{name}.{command}', 'actions': ['true && touch {stamp}'], \
                     'file_dep': {needs:?}, 'targets': ['{stamp}']}}"
                )?;
            }
        }
        fs::create_dir_all(root.join("stamps"))?;
        // the same without a trace in the tree: what it cost to run the commands and nothing else
        let only_true = format!("builddir = .ninja-true\n{}", ninja.replace(" && touch $out", ""));
        for (file, text) in [
            ("true.ninja", only_true),
            ("build.ninja", ninja),
            ("Makefile", make),
            ("dodo.py", doit),
            (".gitignore", "/stamps\n/.ninja*\n/.doit*\n/*.ninja\n/Makefile\n/dodo.py\n/__pycache__\n".to_owned()),
        ] {
            fs::write(root.join(file), text)?;
        }
        let git = |arguments: &[&str]| {
            let identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false"];
            output(Command::new("git").args(identity).args(arguments).current_dir(root))
        };
        git(&["init", "--quiet", "--initial-branch=develop"])?;
        git(&["add", "--all"])?;
        git(&["commit", "--quiet", "--message=A thousand libraries"])?;
        Ok(Self { root: root.to_owned() })
    }

    /// Our program on it.
    pub(super) fn program(&self, bench: &Bench) -> Command {
        let mut command = Command::new(target().join("release/generated"));
        command
            .args(["--root".as_ref(), self.root.as_os_str()])
            .env("GOPYTHONGO_STATE", bench.place("state"))
            .env("GOPYTHONGO_CACHE", bench.place("cache"))
            .env_remove("CARGO_MANIFEST_DIR")
            .current_dir(&self.root);
        command
    }

    fn ours(&self, bench: &Bench) -> Result<Measured> {
        measure(self.program(bench).args(["run", "--json"]), &bench.place("ours.log"))
    }

    fn peer(&self, bench: &Bench, mut command: Command) -> Result<Measured> {
        measure(command.current_dir(&self.root), &bench.place("peer.log"))
    }

    /// The most memory of one of our processes, in MiB, as the kernel counts it for whoever waits for it (getrusage(2)).
    fn memory(&self, bench: &Bench) -> Result<f64> {
        const SCRIPT: &str = "import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
        let ours = self.program(bench);
        let mut command = Command::new("python3");
        command.args(["-c", SCRIPT]).arg(ours.get_program()).args(ours.get_args()).args(["run", "--quiet"]);
        command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(&self.root);
        let kib: f64 = output(&mut command)?.trim().parse()?;
        Ok(kib / 1024.0)
    }
}

/// What does the same on the same graph.
struct Peers {
    bin: PathBuf,
}

impl Peers {
    fn install(directory: &Path) -> Result<Self> {
        let python = which::which("python3").context("`python3` is missing")?;
        output(Command::new(python).args(["-m", "venv"]).arg(directory))?;
        let bin = directory.join("bin");
        output(Command::new(bin.join("pip")).args(["install", "--quiet", "--disable-pip-version-check"]).args(PEERS))?;
        Ok(Self { bin })
    }

    fn ninja(&self) -> Command {
        let mut command = Command::new(self.bin.join("ninja"));
        command.args(["-j2", "--quiet"]);
        command
    }

    /// Runs `true` for every stamp, from the beginning.
    fn only_true(&self) -> Command {
        let mut command = self.ninja();
        command.args(["-f", "true.ninja"]);
        command
    }

    fn make(&self) -> Command {
        let mut command = Command::new("make");
        command.args(["--no-builtin-rules", "-j2", "--silent", "all"]);
        command
    }

    fn doit(&self) -> Command {
        let mut command = Command::new(self.bin.join("doit"));
        // its database, which it replaces, is no name that comes and goes in the checkout
        command.args(["--verbosity", "0", "--db-file", "stamps/.doit"]);
        command
    }
}
