//! The kernel's table of processes, as `/proc` shows it. Elsewhere than on Linux it is empty.
//!
//! `/proc/PID/task/*/children` is shorter to read, but not every kernel is built with it, and who is waited for meanwhile may
//! hide another one: [`descendants`] serves whoever only wants to remember them.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    io::Read,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// One process, dead ones that nobody has waited for among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(crate) zombie: bool,
    /// Ticks after boot; with the pid it tells a process from a later one with the same pid.
    pub(crate) start: u64,
    /// Ticks in user mode, those of waited-for descendants among them.
    pub(super) user: u64,
    /// The same in the kernel.
    pub(super) system: u64,
}

/// All processes.
pub(super) fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| of(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// Processes, each with its start if that is known, and their descendants, as far as the kernel tells
/// (`proc_pid_task_tid_children(5)`); `None` where it does not.
pub(super) fn descendants(of_these: impl IntoIterator<Item = (i32, Option<u64>)>) -> Option<Vec<Process>> {
    static TELLS: OnceLock<bool> = OnceLock::new();
    if !TELLS.get_or_init(|| Path::new("/proc/thread-self/children").exists()) {
        return None;
    }
    let mut queue: Vec<(i32, Option<u64>)> = of_these.into_iter().collect();
    let mut found: HashMap<i32, Process> = HashMap::new();
    while let Some((pid, start)) = queue.pop() {
        let process = of(pid).filter(|process| start.is_none_or(|start| start == process.start));
        if let Some(process) = process
            && found.insert(pid, process).is_none()
        {
            queue.extend(children(pid).map(|child| (child, None)));
        }
    }
    Some(found.into_values().collect())
}

fn children(pid: i32) -> impl Iterator<Item = i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
}

/// The pid that was given out last (proc_loadavg(5)): to a process or a thread, which may be gone.
pub(super) fn latest() -> Option<i32> {
    fs::read_to_string("/proc/loadavg").ok()?.split_ascii_whitespace().last()?.parse().ok()
}

/// One process, if it is still there.
pub(crate) fn of(pid: i32) -> Option<Process> {
    // One read gives the whole line: this is asked for every process of the machine, some forty times a run.
    let mut line = [0; 1024];
    let length = fs::File::open(format!("/proc/{pid}/stat")).and_then(|mut file| file.read(&mut line)).ok()?;
    parse(pid, &line[..length])
}

/// proc_pid_stat(5). The second field is the program's name in parentheses, with whatever bytes it likes.
fn parse(pid: i32, stat: &[u8]) -> Option<Process> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let fields: Vec<&str> = std::str::from_utf8(&stat[name_end + 1..]).ok()?.split_ascii_whitespace().collect();
    // `fields[0]` is field 3 of the manual page.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Process {
        pid,
        parent: i32::try_from(number(4)?).ok()?,
        group: i32::try_from(number(5)?).ok()?,
        zombie: matches!(*fields.first()?, "Z" | "X"),
        start: number(22)?,
        user: number(14)? + number(16)?,
        system: number(15)? + number(17)?,
    })
}

/// A variable of the environment that a process was started with; `None` as well where it may not be read.
pub(super) fn variable(pid: i32, name: &str) -> Option<OsString> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment
        .split(|byte| *byte == 0)
        .find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
        .map(|value| OsString::from_vec(value.to_vec()))
}

/// Whether a process has one of these open, named as links in `/proc/PID/fd` name them: `pipe:[1234]`.
pub(super) fn holds(pid: i32, files: &[PathBuf]) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    entries.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|file| files.contains(&file)))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_fields() {
        let stat = b"7 (a) b) S 1 7 5 0 -1 0 0 0 0 0 11 12 13 14 20 0 1 0 99 0";
        let process = parse(7, stat).expect("it is well formed");
        assert_eq!((process.parent, process.group, process.start, process.zombie), (1, 7, 99, false));
        assert_eq!((process.user, process.system), (24, 26));
    }

    #[test]
    fn descendants_are_found_from_their_ancestor() {
        use std::{
            io::{BufRead, BufReader},
            process::{Command, Stdio},
        };

        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 600 & echo $!; read -r _; kill $!"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().expect("there is a shell");
        let root = i32::try_from(shell.id()).expect("pids are small");
        let mut line = String::new();
        let said = BufReader::new(shell.stdout.take().expect("it is piped")).read_line(&mut line);
        let child: i32 = said.ok().and_then(|_| line.trim().parse().ok()).expect("it says a pid");
        let pids = |start| {
            let mut pids: Vec<i32> = descendants([(root, start)])?.iter().map(|process| process.pid).collect();
            pids.sort_unstable();
            Some(pids)
        };
        if Path::new("/proc/thread-self/children").exists() {
            let mut both = vec![root, child];
            both.sort_unstable();
            assert_eq!(pids(None), Some(both.clone()));
            assert_eq!(pids(of(root).map(|process| process.start)), Some(both));
            assert_eq!(pids(Some(1)), Some(Vec::new()), "that is another process");
        } else {
            assert_eq!(pids(None), None);
        }
        drop(shell.stdin.take());
        shell.wait().expect("nobody has waited for it");
    }

    #[test]
    fn this_process_is_in_the_table() {
        let own = i32::try_from(std::process::id()).expect("pids are small");
        assert!(all().iter().any(|process| process.pid == own && !process.zombie));
        assert_eq!(of(own).map(|process| process.pid), Some(own));
    }
}
