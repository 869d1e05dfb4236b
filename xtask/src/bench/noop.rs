//! A run that finds everything done: ten thousand steps on twenty thousand files, against ninja, make and doit on the same graph,
//! and the Pallets example. The first run, of ten thousand times `true`, is measured too.

use std::{
    fmt::Write as _,
    fs,
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

    eprintln!("noop: {} × `true`, once on each side", LIBRARIES * COMMANDS);
    let first = tree.ours(&bench)?;
    let done = finished(&first.stdout).iter().filter(|event| event["outcome"] == "passed").count();
    ensure!(done == LIBRARIES * COMMANDS, "{done} steps passed in our first run");
    let ninja_first = tree.peer(&bench, peers.ninja())?;
    tree.peer(&bench, peers.make())?;
    tree.peer(&bench, peers.doit())?;
    // what is younger than two seconds when it is read is read again the next time, by us and by git
    tree.ours(&bench)?;

    let (mut ours, mut ninja, mut make, mut doit) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        eprintln!("noop: round {round} of {ROUNDS}");
        let run = tree.ours(&bench)?;
        let done = finished(&run.stdout).iter().filter(|event| event["outcome"] == "cached").count();
        ensure!(done == LIBRARIES * COMMANDS, "{done} steps were cached in a later run");
        ours.push(run.wall);
        ninja.push(tree.peer(&bench, peers.ninja())?.wall);
        make.push(tree.peer(&bench, peers.make())?.wall);
        if round <= 2 {
            doit.push(tree.peer(&bench, peers.doit())?.wall);
        }
    }
    let memory = tree.memory(&bench)?;
    let pallets = pallets(&bench)?;

    let nothing = || ours.iter().copied();
    Ok(vec![
        Figure::seconds("10,000 steps, nothing has changed", nothing()).against("ninja", ninja).ratio_at_most(2.0),
        Figure::seconds("the same", nothing()).against("make", make).ratio_at_most(1.0),
        Figure::seconds("the same", nothing()).against("doit", doit).ratio_at_most(0.05),
        Figure::seconds("10,000 × `true`", [first.wall]).against("ninja -j2", [ninja_first.wall]).ratio_at_most(2.0),
        Figure::new("peak memory of 10,000 steps", "MiB", vec![memory]).at_most(100.0),
        Figure::seconds("examples/pallets, nothing has changed", pallets).at_most(0.06),
    ])
}

/// Runs of the Pallets example that find everything done.
fn pallets(bench: &Bench) -> Result<Vec<Duration>> {
    eprintln!("noop: a run of the Pallets example fills its cache");
    let run = || {
        let mut command = bench.program("pallets", "pallets", "pallets");
        measure(command.args(["run", "--json"]), &bench.place("pallets.log"))
    };
    run()?;
    run()?;
    (0..ROUNDS).map(|_| Ok(run()?.wall)).collect()
}

/// A checkout with libraries, and the same graph in the languages of the peers.
struct Tree {
    root: PathBuf,
}

impl Tree {
    fn generate(root: &Path) -> Result<Self> {
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
        for (file, text) in [
            ("build.ninja", ninja),
            ("Makefile", make),
            ("dodo.py", doit),
            (".gitignore", "/stamps\n/.ninja*\n/.doit*\n/build.ninja\n/Makefile\n/dodo.py\n/__pycache__\n".to_owned()),
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

    fn program(&self, bench: &Bench) -> Command {
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
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
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

    fn make(&self) -> Command {
        let mut command = Command::new("make");
        command.args(["-j2", "--silent", "all"]);
        command
    }

    fn doit(&self) -> Command {
        let mut command = Command::new(self.bin.join("doit"));
        command.args(["--verbosity", "0"]);
        command
    }
}
