//! Children die with their parent: all commands carry their run's id, and a guardian ends what a killed run leaves.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, getpid, kill_process};

use super::{
    family,
    table::{self, Process},
    watched::Watched,
};

/// The variable that tells a run's processes: ids of runs joined by `/`, the outermost first.
const RUN: &str = "GOPYTHONGO_RUN";

/// How long killed processes are waited for: the kernel may be busy writing for them.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until its input ends, which is when this program is gone, and kills what carries the run's id, with its process
/// group: tox clears the environment of its commands. Three times: what is being started meanwhile is met in the next round.
const GUARDIAN: &str = r#"
while read -r _; do :; done
pattern=$1
for _ in 1 2 3; do
    for file in $(grep -lzE "$pattern" /proc/[0-9]*/environ 2>/dev/null); do
        pid=${file#/proc/}
        pid=${pid%/environ}
        read -r stat <"/proc/$pid/stat" 2>/dev/null || continue
        # after the program's name: state, parent, group
        set -- ${stat##*) }
        kill -KILL "-$3" "$pid" 2>/dev/null
    done
done
"#;

/// Kills every process that a run's commands left behind, and gives how many there were. Returns when they are dead.
/// Only for a run whose program is gone: a run that still works loses its commands.
pub fn end_leftovers(run: &str) -> usize {
    let start = Instant::now();
    let (mut killed, mut groups) = (BTreeSet::new(), BTreeSet::new());
    let own = table::of(getpid().as_raw_pid()).map_or(0, |process| process.group);
    loop {
        let processes: Vec<Process> = table::all()
            .into_iter()
            .filter(|process| !process.zombie && process.pid != getpid().as_raw_pid())
            .collect();
        let is_marked = |process: &&Process| table::variable(process.pid, RUN).is_some_and(|value| names(&value, run));
        // a command is the leader of its group, so nobody else's are in it; some clear the environment of their children
        groups.extend(processes.iter().filter(is_marked).map(|process| process.group).filter(|group| *group != own));
        let found: Vec<i32> = processes
            .iter()
            .filter(|process| groups.contains(&process.group) || is_marked(process))
            .map(|process| process.pid)
            .collect();
        if found.is_empty() || start.elapsed() > PATIENCE {
            return killed.len();
        }
        end(&found, PATIENCE.saturating_sub(start.elapsed()));
        killed.extend(found);
    }
}

/// Kills processes that are no children of ours, and waits until they are dead, but not for ever.
fn end(pids: &[i32], limit: Duration) {
    let end = Instant::now() + limit;
    let kill = |pid: &i32| {
        let watched = Watched::of(*pid);
        if let Some(pid) = Pid::from_raw(*pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
        watched
    };
    // all of them are killed before the first one is waited for
    let dying: Vec<Watched> = pids.iter().filter_map(kill).collect();
    for process in dying {
        process.until_dead(end.saturating_duration_since(Instant::now()));
    }
}

fn names(value: &OsStr, run: &str) -> bool {
    value.to_str().is_some_and(|value| value.split('/').any(|id| id == run))
}

/// A run's id, given to its commands, and the guardian of its processes.
#[derive(Debug)]
pub(super) struct RunMark {
    value: String,
    /// None where there is no `sh`: [`end_leftovers`] remains.
    guardian: Option<Child>,
}

impl RunMark {
    pub(super) fn new(run: &str) -> Self {
        let value = std::env::var(RUN).map_or_else(|_| run.to_owned(), |outer| format!("{outer}/{run}"));
        let guardian = family::start_helper(|| {
            let child = Command::new("/bin/sh")
                .args(["-c", GUARDIAN, "gopythongo-guardian", &pattern(run)])
                .env_clear()
                .env("PATH", "/usr/bin:/bin")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                // Ctrl-C at the terminal is not meant for it.
                .process_group(0)
                .spawn()?;
            let pid = i32::try_from(child.id()).map_err(std::io::Error::other)?;
            Ok((child, pid))
        });
        Self { value, guardian: guardian.ok() }
    }

    pub(super) fn variable(&self) -> (&'static str, &str) {
        (RUN, &self.value)
    }
}

impl Drop for RunMark {
    fn drop(&mut self) {
        if let Some(guardian) = &mut self.guardian {
            let _ = guardian.kill();
            let _ = guardian.wait();
            family::forget_helper(i32::try_from(guardian.id()).unwrap_or_default());
        }
    }
}

/// The extended regular expression of a variable that names the run.
fn pattern(run: &str) -> String {
    let escaped: String = run
        .chars()
        .flat_map(|c| (!c.is_alphanumeric() && !"-_/".contains(c)).then_some('\\').into_iter().chain([c]))
        .collect();
    format!("^{RUN}=(.*/)?{escaped}(/.*)?$")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// A child that other tests of this program leave alone.
    fn start(command: &mut Command) -> Child {
        let mut start = || command.spawn().map(|child| i32::try_from(child.id()).map(|pid| (child, pid)));
        family::start_helper(|| start()?.map_err(std::io::Error::other)).expect("sleep can be started")
    }

    fn sleeper(run: &str) -> Child {
        start(Command::new("sleep").arg("600").env(RUN, run).process_group(0))
    }

    /// A child that clears its environment, as tox does, in the group of `leader`.
    fn cleared(leader: &Child) -> Child {
        let group = i32::try_from(leader.id()).expect("pids are small");
        start(Command::new("sleep").arg("600").env_clear().process_group(group))
    }

    #[test]
    fn leftovers_of_one_run_are_ended_and_others_are_not() {
        let run = format!("left.{}", std::process::id());
        let first = sleeper(&run);
        let mut mine = [cleared(&first), sleeper(&format!("outer/{run}")), first];
        let mut other = sleeper(&format!("{run}x"));
        assert_eq!(end_leftovers(&run), 3);
        for child in &mut mine {
            assert!(!child.wait().expect("it was started").success());
        }
        assert!(other.try_wait().expect("it was started").is_none(), "another run's process is left alone");
        other.kill().expect("it runs");
        other.wait().expect("it was started");
    }

    #[test]
    fn the_guardian_ends_what_a_killed_program_leaves() {
        let run = format!("guard.{}", std::process::id());
        let mut mark = RunMark::new(&run);
        let child = sleeper(&run);
        let mut children = [cleared(&child), child];
        // The kernel closes a killed program's end of the pipe as this does.
        drop(mark.guardian.as_mut().expect("there is a shell").stdin.take());
        for child in &mut children {
            assert!(!child.wait().expect("it was started").success());
        }
    }
}
