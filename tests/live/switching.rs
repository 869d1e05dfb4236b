//! Versions that take over from each other while the programs that see to it are killed.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::web::get;

const SWITCH: &str = env!("CARGO_BIN_EXE_switch");

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
            fs::copy(SWITCH, &ground.program).expect("the program can be copied");
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
    for round in 1..=16_u64 {
        let version = round.to_string();
        let mut killed =
            ground.command(&version).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        // another moment each time, from before the first step to after the last
        thread::sleep(Duration::from_millis(round * 45));
        killed.kill().expect("it was not waited for");
        killed.wait().expect("it was started");
        let (status, found) = get(&url);
        assert!(status == 200 && (found == version || found == (round - 1).to_string()), "{status}: {found}");
        assert_eq!(ground.run(&version), url);
        assert_eq!(get(&url), (200, version.clone()));
        let services = ground.services();
        assert_eq!((services.len(), ground.supervisors()), (1, 1), "{services:?}");
        assert!(services[0].contains(&format!("service.py {version} ")), "{services:?}");
    }
}
