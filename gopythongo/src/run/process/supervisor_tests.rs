//! Commands that misbehave, run by a real `sh`.

use std::{path::PathBuf, sync::Barrier};

use super::*;
use crate::run::process::table;

fn sh(script: &str) -> Command {
    Command::new("sh").args(["-c", script]).env("PATH", "/usr/local/bin:/usr/bin:/bin")
}

fn run(command: &Command) -> (Finished, Vec<String>) {
    let mut lines = Vec::new();
    let supervisor = Supervisor::start().expect("orphans can be adopted");
    let finished =
        supervisor.run(command, &Cancel::new(), &mut |line| lines.push(line.to_owned())).expect("sh can be started");
    (finished, lines)
}

/// The pids that a script printed.
fn pids(lines: &[String]) -> Vec<i32> {
    lines.iter().filter_map(|line| line.parse().ok()).collect()
}

fn is_gone(pid: i32) -> bool {
    table::of(pid).is_none()
}

#[test]
fn codes_signals_and_lines() {
    let (finished, lines) = run(&sh("echo out; echo err >&2; printf 'no end'; exit 3"));
    assert_eq!(finished.status, Status::Exited(3));
    assert_eq!(lines, ["out", "err", "no end"]);
    assert_eq!(run(&sh("kill -SEGV $$")).0.status, Status::Signalled(11));
}

#[test]
fn a_command_sees_its_own_environment_directory_and_an_empty_input() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().canonicalize().expect("it exists");
    let (_, lines) =
        run(&sh("cat; pwd; echo $COLOUR; env | sort | cut -d= -f1").directory(&path).env("COLOUR", "green"));
    assert_eq!(lines[..2], [path.display().to_string(), "green".to_owned()]);
    assert_eq!(lines[2..], ["COLOUR", "GOPYTHONGO_STEP", "PATH", "PWD"]);
}

#[test]
fn a_command_that_is_fed_reads_to_the_end_and_one_that_ends_early_holds_nobody_up() {
    let feed = |script: &str| {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let supervisor = Supervisor::start().expect("orphans can be adopted");
        let mut lines = Vec::new();
        let (finished, written) = thread::scope(|scope| {
            // more than a pipe holds
            let written = scope.spawn(move || io::Write::write_all(&mut writer, &[b'x'; 1 << 20]));
            let finished =
                supervisor.feed(&sh(script), reader, &Cancel::new(), &mut |line| lines.push(line.to_owned()));
            (finished.expect("sh can be started"), written.join().expect("no panic"))
        });
        (finished.status, lines, written.map_err(|error| error.kind()))
    };
    assert_eq!(feed("wc -c"), (Status::Exited(0), vec!["1048576".to_owned()], Ok(())));
    assert_eq!(feed("exit 3"), (Status::Exited(3), Vec::new(), Err(io::ErrorKind::BrokenPipe)));
}

#[test]
fn what_cannot_be_started_says_why() {
    let supervisor = Supervisor::start().expect("orphans can be adopted");
    let message = |command: &Command| {
        supervisor.run(command, &Cancel::new(), &mut |_| {}).expect_err("it cannot be started").to_string()
    };
    let missing = Command::new("no-such-program").env("PATH", "/bin");
    let expected = "cannot start `no-such-program`: it is not on its PATH, which is `/bin`";
    assert_eq!(message(&missing), expected);
    assert_eq!(message(&missing.clone().ordinary_user()), expected);
    assert_eq!(message(&Command::new("/no/such")), "cannot start `/no/such`: no such file");
    assert_eq!(
        message(&sh("true").directory("/no/such")),
        "cannot start `sh`: its directory `/no/such` does not exist"
    );
}

#[test]
fn much_output_and_wrong_text_arrive() {
    let (finished, lines) = run(&sh(
        "i=0; while [ $i -lt 4000 ]; do echo 01234567890123456789012345678901234567890123456789; i=$((i+1)); done; printf '\\377\\n'",
    ));
    assert_eq!(finished.status, Status::Exited(0));
    assert_eq!(lines.len(), 4001);
    assert_eq!(lines.last().map(String::as_str), Some("\u{fffd}"));
}

#[test]
fn captured_output_is_apart_from_lines() {
    let supervisor = Supervisor::start().expect("orphans can be adopted");
    let mut lines = Vec::new();
    let (finished, output) = supervisor
        .capture(&sh("printf 'a\\nb'; echo why >&2"), &Cancel::new(), &mut |line| lines.push(line.to_owned()))
        .expect("sh can be started");
    assert_eq!((finished.status, output.as_slice(), lines), (Status::Exited(0), &b"a\nb"[..], vec!["why".to_owned()]));
}

#[test]
fn no_descendant_survives_a_good_end() {
    let script = "mkfifo ready; sleep 600 & echo $!
        setsid sh -c 'echo $$; echo >ready; exec sleep 600' & read -r _ <ready";
    let directory = tempfile::tempdir().expect("a directory");
    let (finished, lines) = run(&sh(script).directory(directory.path()));
    assert_eq!(finished.status, Status::Exited(0));
    let pids = pids(&lines);
    assert_eq!(pids.len(), 2, "{lines:?}");
    assert!(pids.into_iter().all(is_gone));
}

#[cfg(target_os = "linux")]
#[test]
fn an_escapee_without_environment_is_ended() {
    let script = "mkfifo ready; (env -i setsid sh -c 'echo $$; echo >ready; exec sleep 600' &); read -r _ <ready";
    let directory = tempfile::tempdir().expect("a directory");
    let (_, lines) = run(&sh(script).directory(directory.path()));
    let pids = pids(&lines);
    assert_eq!(pids.len(), 1, "{lines:?}");
    assert!(pids.into_iter().all(is_gone), "{lines:?}");
}

#[test]
fn those_that_do_not_listen_are_ended_by_force() {
    let script = "trap '' TERM; sh -c 'echo $$; while :; do sleep 600; done' & echo $$; wait; wait";
    let supervisor = Supervisor::start().expect("orphans can be adopted");
    let cancel = Cancel::new();
    let mut lines = Vec::new();
    let finished = supervisor
        .run(&sh(script), &cancel, &mut |line| {
            lines.push(line.to_owned());
            if lines.len() == 2 {
                cancel.cancel(0);
            }
        })
        .expect("sh can be started");
    assert_eq!(finished.status, Status::Cancelled);
    assert!(finished.wall >= GRACE, "{finished:?}");
    assert!(pids(&lines).into_iter().all(is_gone));
}

#[test]
fn a_timeout_ends_grandchildren() {
    let limit = Duration::from_millis(500);
    let (finished, lines) = run(&sh("sleep 600 & echo $!; wait").timeout(limit));
    assert_eq!(finished.status, Status::TimedOut(limit));
    assert!(pids(&lines).into_iter().all(is_gone));
}

#[test]
fn a_command_that_ends_well_when_told_to_end_has_not_ended_well() {
    let script = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
    let (finished, _) = run(&sh(script).timeout(Duration::from_millis(200)));
    assert_eq!(finished.status, Status::TimedOut(Duration::from_millis(200)));
}

#[test]
fn another_thread_cancels() {
    let supervisor = Supervisor::start().expect("orphans can be adopted");
    let cancel = Cancel::new();
    let mut lines = Vec::new();
    let finished = supervisor
        .run(&sh("echo $$; exec sleep 600"), &cancel, &mut |line| {
            lines.push(line.to_owned());
            let cancel = cancel.clone();
            thread::spawn(move || cancel.cancel(SIGTERM));
        })
        .expect("sh can be started");
    assert_eq!(finished.status, Status::Cancelled);
    assert_eq!(cancel.signal(), Some(SIGTERM));
    assert!(pids(&lines).into_iter().all(is_gone));
    let second = supervisor.run(&sh("echo never"), &cancel, &mut |_| {}).expect("nothing is started");
    assert_eq!(second.status, Status::Cancelled);
}

#[test]
fn a_signal_cancels_and_a_second_one_hurries() {
    let supervisor = Supervisor::start().expect("orphans can be adopted");
    let cancel = Cancel::new();
    supervisor.handle_signals(&cancel).expect("handlers can be installed");
    let mut told = false;
    let finished = supervisor
        .run(&sh("trap 'echo told' HUP TERM; echo ready; while :; do sleep 0.05; done"), &cancel, &mut |line| {
            if line == "ready" || line == "told" && !told {
                told = line == "told";
                signal_hook::low_level::raise(SIGHUP).expect("it is handled");
            }
        })
        .expect("sh can be started");
    assert_eq!((finished.status, cancel.signal()), (Status::Cancelled, Some(SIGHUP)));
    assert!(told && cancel.is_hurried());
}

#[cfg(target_os = "linux")]
#[test]
fn the_usage_of_all_descendants_is_counted() {
    let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
    let (finished, _) = run(&sh(&format!("sh -c '{busy}' & ({busy}); wait")));
    assert!(finished.usage.user > Duration::from_millis(50), "{finished:?}");
    assert!(finished.usage.user < finished.wall * 16, "{finished:?}");
}

#[test]
fn commands_that_run_at_once_do_not_end_each_other() {
    let supervisor = Supervisor::start().expect("orphans can be adopted");
    let directory = tempfile::tempdir().expect("a directory");
    let both_run = Barrier::new(2);
    thread::scope(|scope| {
        let long = scope.spawn(|| {
            let mut lines = Vec::new();
            let script = "mkfifo go gone
                (setsid sh -c 'read -r _ <go; echo escaped and alive; echo >gone' &); echo ready; read -r _ <gone";
            let finished = supervisor.run(&sh(script).directory(directory.path()), &Cancel::new(), &mut |line| {
                if line == "ready" {
                    both_run.wait();
                }
                lines.push(line.to_owned());
            });
            (finished.expect("sh can be started").status, lines)
        });
        both_run.wait();
        for _ in 0..3 {
            let finished = supervisor.run(&sh("setsid sleep 600 &"), &Cancel::new(), &mut |_| {});
            assert_eq!(finished.expect("sh can be started").status, Status::Exited(0));
        }
        std::fs::write(directory.path().join("go"), "\n").expect("it is being read");
        let (status, lines) = long.join().expect("no panic");
        assert_eq!((status, lines.as_slice()), (Status::Exited(0), &["ready".into(), "escaped and alive".into()][..]));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn an_ordinary_user_may_not_read_what_nobody_may_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("secret");
    std::fs::write(&file, "x").expect("it can be written");
    let script = "chmod 0 secret; cat secret 2>/dev/null || echo refused; echo y > mine; cat mine";
    let (_, lines) = run(&sh(script).directory(directory.path()).ordinary_user());
    let (_, said) = run(&sh("true").ordinary_user());
    // Where nothing works, the line says so.
    assert!(lines == ["refused", "y"] || !said.is_empty(), "{lines:?}");
}

#[test]
fn commands_carry_the_id_of_their_run() {
    let supervisor = Supervisor::start().expect("orphans can be adopted");
    supervisor.set_run("20261123-1");
    let (_, output) = supervisor
        .capture(&sh("printf %s \"$GOPYTHONGO_RUN\""), &Cancel::new(), &mut |_| {})
        .expect("sh can be started");
    assert!(PathBuf::from(String::from_utf8_lossy(&output).into_owned()).ends_with("20261123-1"));
}
