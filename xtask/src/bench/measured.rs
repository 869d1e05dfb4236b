//! A command, and what it took: wall time, CPU time of its own, CPU time of everything that it started.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde_json::Value;

/// Ticks a second in `/proc/PID/stat`, on every architecture that we build for.
const TICKS: u32 = 100;

/// What a command took.
pub(super) struct Measured {
    pub(super) wall: Duration,
    /// CPU time of the process itself.
    pub(super) own: Duration,
    /// CPU time of the process and of all its descendants that were waited for.
    pub(super) cpu: Duration,
    pub(super) stdout: String,
}

/// Runs a command that must succeed; its standard output is kept, its standard error goes to `log`.
pub(super) fn measure(command: &mut Command, log: &Path) -> Result<Measured> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = log.with_extension("out");
    let make = |path: &Path| File::create(path).with_context(|| format!("cannot write `{}`", path.display()));
    command.stdin(Stdio::null()).stdout(make(&output)?).stderr(make(log)?);
    let begin = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start `{program}`"))?;
    // left unwaited, so that the kernel keeps its times
    waitid(WaitId::Pid(Pid::from_child(&child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    let wall = begin.elapsed();
    let (own, cpu) = times(child.id())?;
    let status = child.wait()?;
    let stdout = fs::read_to_string(&output)?;
    if !status.success() {
        let stderr = fs::read_to_string(log).unwrap_or_default();
        let tail: Vec<&str> = stderr.lines().chain(stdout.lines().filter(|line| !line.starts_with('{'))).collect();
        let tail = tail[tail.len().saturating_sub(40)..].join("\n");
        bail!("`{program}` ended with {status}:\n{tail}{}", failures(&stdout));
    }
    Ok(Measured { wall, own, cpu, stdout })
}

/// What a run with `--json` says of the steps that failed.
fn failures(stdout: &str) -> String {
    let events = stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let failed = events.filter(|event| event["type"] == "step-finished" && event["outcome"] == "failed");
    failed.map(|event| format!("\n{}: {:#}", event["step"].as_str().unwrap_or_default(), event["failure"])).collect()
}

/// The most memory that a process has had, in MiB.
pub(super) fn peak_memory(child: &Child) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in /proc/PID/status")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

/// Ends a server that was asked to end politely.
pub(super) fn end(mut child: Child) -> Result<ExitStatus> {
    rustix::process::kill_process(Pid::from_child(&child), rustix::process::Signal::TERM)?;
    Ok(child.wait()?)
}

fn times(pid: u32) -> Result<(Duration, Duration)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse(&stat).with_context(|| format!("cannot read the times in `{stat}`"))
}

/// proc_pid_stat(5): fields 14 and 15 are the process's own ticks, 16 and 17 those of waited-for children.
fn parse(stat: &str) -> Option<(Duration, Duration)> {
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    // `fields[0]` is field 3 of the manual page
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u32>().ok();
    let own = ticks(14)? + ticks(15)?;
    let children = ticks(16)? + ticks(17)?;
    let time = |ticks: u32| Duration::from_secs(ticks.into()) / TICKS;
    Some((time(own), time(own + children)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_command_are_measured() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let busy = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
        let script = format!("sh -c '{busy}; echo done'; true");
        let measured = measure(Command::new("sh").args(["-c", &script]), &directory.path().join("log")).expect("runs");
        assert_eq!(measured.stdout, "done\n");
        assert!(measured.own < measured.cpu, "{:?} {:?}", measured.own, measured.cpu);
    }

    #[test]
    fn a_command_that_fails_is_no_measurement() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let failed = measure(Command::new("sh").args(["-c", "echo why >&2; exit 3"]), &directory.path().join("log"));
        assert!(failed.err().is_some_and(|error| error.to_string().ends_with("why")));
    }

    #[test]
    fn the_steps_that_failed_are_named_with_their_failures() {
        let event = |step: &str, outcome: &str| {
            let failure = r#"{"message":"2 tests failed"}"#;
            format!(r#"{{"type":"step-finished","step":"{step}","outcome":"{outcome}","failure":{failure}}}"#)
        };
        let said = failures(&format!("{}\nnonsense\n{}\n", event("a/wheel", "passed"), event("a/pytest", "failed")));
        assert_eq!(said, "\na/pytest: {\n  \"message\": \"2 tests failed\"\n}");
    }

    #[test]
    fn names_of_programs_may_hold_anything() {
        let stat = "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 150 50 200 100 20 0 1 0 5";
        assert_eq!(parse(stat), Some((Duration::from_secs(2), Duration::from_secs(5))));
    }
}
