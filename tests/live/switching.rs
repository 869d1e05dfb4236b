//! Versions that take over from each other while the programs that see to it are killed.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::web::get;

const SWITCH: &str = env!("CARGO_BIN_EXE_switch");

/// The system calls by which a switch changes files, and finds services.
const CHANGES: &str = "?mkdir,mkdirat,?rename,?renameat,renameat2,?symlink,symlinkat,?unlink,unlinkat,connect";

/// A state directory. What runs for it is ended when it is dropped.
struct Ground {
    state: TempDir,
    program: PathBuf,
    user: Option<u32>,
}

impl Ground {
    fn new() -> Self {
        Self { state: tempfile::tempdir().expect("a directory"), program: SWITCH.into(), user: None }
    }

    /// One of an ordinary user, where the suite runs as root.
    fn ordinary() -> Self {
        let mut ground = Self::new();
        if rustix::process::geteuid().is_root() {
            // a checkout may stand in somebody's home
            ground.program = ground.state.path().join("switch");
            tests::copy_program(Path::new(SWITCH), &ground.program);
            std::os::unix::fs::chown(ground.state.path(), Some(65534), Some(65534)).expect("it can be given away");
            ground.user = Some(65534);
        }
        ground
    }

    fn command(&self, what: &str) -> Command {
        // with a copy of its output, as the shells of some build servers have one
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec 9>&1; exec \"$@\"", "sh"]).arg(&self.program);
        command.arg(self.state.path()).arg(what).env_remove("XDG_RUNTIME_DIR");
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    fn run(&self, what: &str) -> String {
        let output = self.command(what).output().expect("the program starts");
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs the program under `strace`, with options.
    fn traced(&self, what: &str, options: &[&str]) -> Output {
        let mut command = Command::new("strace");
        command.args(["-qq", "-e", &format!("trace={CHANGES}")]).args(options);
        command.arg(&self.program).arg(self.state.path()).arg(what).output().expect("strace starts")
    }

    /// Makes a version live; gives each change of its environment on the way there, as a system call and how often that had
    /// been called by then.
    fn moments(&self, version: &str) -> Vec<(String, usize)> {
        let trace = self.state.path().join("trace");
        let output = self.traced(version, &["-o", &trace.to_string_lossy()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut counts = BTreeMap::new();
        let lines = fs::read_to_string(&trace).expect("it is written");
        let calls = lines.lines().filter_map(|line| line.split_once('('));
        let counted: Vec<_> = calls
            .map(|(call, rest)| {
                let count = counts.entry(call.to_owned()).or_insert(0);
                *count += 1;
                (call.to_owned(), *count, rest)
            })
            .collect();
        // before it, the package is made
        let first =
            counted.iter().position(|(.., rest)| rest.contains("/environments/")).expect("it changes something");
        counted.into_iter().skip(first).map(|(call, count, _)| (call, count)).collect()
    }

    fn directory(&self) -> PathBuf {
        self.state.path().join("environments/testing/switched")
    }

    /// The command lines of its services.
    fn services(&self) -> Vec<String> {
        let record = fs::read_to_string(self.directory().join("supervisor.json")).expect("there is a supervisor");
        let record: serde_json::Value = serde_json::from_str(&record).expect("it is JSON");
        let sockets = record["sockets"].as_str().expect("a directory").to_owned();
        commands(|line| line.contains("service.py") && line.contains(&sockets))
    }

    fn supervisors(&self) -> usize {
        let directory = self.directory().display().to_string();
        commands(|line| line.contains("supervise") && line.contains(&directory)).len()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = self.command("down").output();
    }
}

fn commands(wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("Linux").flatten();
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).filter(|line| wanted(line)).collect()
}

#[test]
fn what_is_live_outlives_the_program_and_holds_nothing_of_it() {
    let ground = Ground::ordinary();
    // reads the program's pipes to their ends: who held one of them would be waited for
    let url = ground.run("1");
    assert_eq!(get(&url), (200, "1".to_owned()));
    assert_eq!((ground.services().len(), ground.supervisors()), (1, 1));
    assert!(!Path::new("/opt/gopythongo-switched").exists(), "the host is not touched");
    assert_eq!(ground.run("2"), url);
    assert_eq!(get(&url), (200, "2".to_owned()));
    assert_eq!(ground.run("down"), "true");
    assert_eq!(ground.supervisors(), 0);
    assert_eq!(ground.run("down"), "false");
    assert_eq!(ground.run("2"), url, "it comes back where it was");
}

/// Becomes a program on a machine that makes no namespaces for it.
const WITHOUT_VIEWS: &str = "echo 0 > /proc/sys/user/max_user_namespaces
    exec setpriv --bounding-set=-all --inh-caps=-all \"$@\"";

#[test]
fn where_no_view_can_be_made_it_runs_relocated_and_says_so() {
    let ground = Ground::new();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "sh", "-c", WITHOUT_VIEWS, "sh"]);
    let output = command.arg(SWITCH).arg(ground.state.path()).arg("1").output().expect("unshare starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("runs relocated, because this machine makes no view: "), "{said}");
    let url = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert_eq!(get(&url), (200, "1".to_owned()));
    let services = ground.services();
    let tree = ground.directory().join("blue/root/opt/gopythongo-switched/service.py");
    assert!(services.iter().any(|line| line.contains(&tree.display().to_string())), "{services:?}");
}

#[test]
fn a_switch_that_is_killed_anywhere_is_finished_by_the_next() {
    let ground = Ground::new();
    let url = ground.run("0");
    let moments = ground.moments("1");
    let mut killed = 0;
    for (round, (call, count)) in moments.iter().enumerate() {
        let (before, version) = ((round + 1).to_string(), (round + 2).to_string());
        let kill = format!("inject={call}:signal=KILL:when={count}");
        let ended = ground.traced(&version, &["-e", &kill, "-o", "/dev/null"]);
        killed += usize::from(ended.status.signal() == Some(9));
        let (status, found) = get(&url);
        assert!(status == 200 && (found == version || found == before), "{call} {count}: {status}: {found}");
        assert_eq!(ground.run(&version), url);
        assert_eq!(get(&url), (200, version.clone()));
        let services = ground.services();
        assert_eq!((services.len(), ground.supervisors()), (1, 1), "{services:?}");
        assert!(services[0].contains(&format!("service.py {version} ")), "{services:?}");
    }
    // it may ask less often whether a service is well than it did the first time
    assert!(killed >= 15, "{killed} of {moments:?}");
}
