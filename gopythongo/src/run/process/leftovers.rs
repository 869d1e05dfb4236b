//! Children die with their parent: all commands carry their run's id, and a guardian ends what a killed run leaves.

use std::{
    ffi::OsStr,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, getpid, kill_process};

use super::{family, table};

/// The variable that tells a run's processes: ids of runs joined by `/`, the outermost first.
const RUN: &str = "GOPYTHONGO_RUN";

/// How long killed processes are waited for: the kernel may be busy writing for them.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until its input ends, which is when this program is gone, and kills what carries the run's id.
/// Three times: what is being started meanwhile is met in the next round.
const GUARDIAN: &str = r#"
while read -r _; do :; done
for _ in 1 2 3; do
    for file in $(grep -lzE "$1" /proc/[0-9]*/environ 2>/dev/null); do
        pid=${file#/proc/}
        kill -KILL "${pid%/environ}" 2>/dev/null
    done
done
"#;

/// Kills every process that a run's commands left behind, and gives how many there were. Returns when they are dead.
/// Only for a run whose program is gone: a run that still works loses its commands.
pub fn end_leftovers(run: &str) -> usize {
    let start = Instant::now();
    let mut killed = std::collections::BTreeSet::new();
    loop {
        let found: Vec<i32> = table::all()
            .into_iter()
            .filter(|process| !process.zombie && process.pid != getpid().as_raw_pid())
            .filter(|process| table::variable(process.pid, RUN).is_some_and(|value| names(&value, run)))
            .map(|process| process.pid)
            .collect();
        if found.is_empty() || start.elapsed() > PATIENCE {
            return killed.len();
        }
        for pid in found {
            if let Some(pid) = Pid::from_raw(pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
            killed.insert(pid);
        }
        thread::sleep(Duration::from_millis(5));
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

    fn sleeper(run: &str) -> Child {
        Command::new("sleep").arg("600").env(RUN, run).spawn().expect("sleep can be started")
    }

    #[test]
    fn leftovers_of_one_run_are_ended_and_others_are_not() {
        let run = format!("left.{}", std::process::id());
        let mut mine = [sleeper(&run), sleeper(&format!("outer/{run}"))];
        let mut other = sleeper(&format!("{run}x"));
        assert_eq!(end_leftovers(&run), 2);
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
        let mut child = sleeper(&run);
        // The kernel closes a killed program's end of the pipe as this does.
        drop(mark.guardian.as_mut().expect("there is a shell").stdin.take());
        assert!(!child.wait().expect("it was started").success());
    }
}
