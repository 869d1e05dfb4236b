//! A throw-away Debian that was booted.

use std::{
    ffi::OsStr,
    fs,
    io::{Read, Seek},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;

/// How long systemd may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running system; it is ended when this is dropped.
#[derive(Debug)]
pub struct Booted {
    child: Child,
    /// Its first process, by the number that the host gives it.
    leader: u32,
}

impl Booted {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut said = tempfile::tempfile().expect("a temporary file");
        let heard = said.try_clone().expect("a descriptor");
        let child = command.stdout(Stdio::null()).stderr(heard).spawn().expect("it starts");
        let begin = Instant::now();
        let mut booted = Self { child, leader: 0 };
        loop {
            assert!(begin.elapsed() < PATIENCE, "systemd is not up after {PATIENCE:?}");
            let ended = booted.child.try_wait().expect("it can be waited for");
            if let Some(ended) = ended {
                let mut text = String::new();
                let _ = said.rewind().and_then(|()| said.read_to_string(&mut text));
                panic!("systemd-nspawn ended with {ended}: {text}");
            }
            if let Some(leader) = first_process(booted.child.id()) {
                booted.leader = leader;
                let state = booted.run(&["systemctl", "is-system-running", "--wait"]);
                if ["running", "degraded"].contains(&state.stdout.trim()) {
                    return booted;
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A program in it, not yet started.
    #[must_use]
    pub fn command<A: AsRef<OsStr>>(&self, argv: &[A]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.leader.to_string(), "--mount", "--uts", "--ipc", "--net", "--pid", "--root"]);
        command.arg("--wd=/").args(argv).stdin(Stdio::null());
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
        command
    }

    /// Runs a program in it to its end.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn run<A: AsRef<OsStr>>(&self, argv: &[A]) -> Outcome {
        Outcome::of(&self.command(argv).output().expect("nsenter starts"))
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        // `unshare --kill-child` takes everything within along
        let _ = kill_process(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

/// The descendant that is the first process of a namespace within the namespace of `unshare`'s child: systemd.
fn first_process(ancestor: u32) -> Option<u32> {
    let mut known = vec![ancestor];
    let mut next = 0;
    while let Some(process) = known.get(next).copied() {
        next += 1;
        let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
        known.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    known.into_iter().find(|process| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
        let numbers: Vec<&str> = numbers.split_whitespace().collect();
        // host, unshare's namespace, systemd's own
        numbers.len() >= 3 && numbers.last() == Some(&"1")
    })
}
