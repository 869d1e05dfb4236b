//! Whose descendant a process is. Several commands run at once on several threads, and what escapes from any of them
//! (by `setsid` and the death of its parent) is adopted by this program: its owner has to be found.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ffi::OsStr,
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, waitpid};

use super::{
    Usage,
    table::{self, Process},
};

/// The variable that tells a command's descendants: a path of ids, the outermost first, for a GoPythonGo may run
/// within a step of another one.
const MARKER: &str = "GOPYTHONGO_STEP";

/// USER_HZ, what `/proc` counts in: 100 on every architecture that people run Python shops on.
const TICK: Duration = Duration::from_millis(10);

/// How long a command may have lasted that is asked whether it left nobody; giving out every pid takes longer.
const BRIEF: Duration = Duration::from_secs(1);

/// How many pids are looked at one by one. The table of all processes is read sooner than more.
const FEW: i32 = 128;

/// The commands of this program, whichever supervisor started them.
static LIVE: Mutex<Live> = Mutex::new(Live { commands: BTreeSet::new(), helpers: BTreeSet::new(), since: 0 });

static COUNTER: AtomicU64 = AtomicU64::new(0);

struct Live {
    /// Direct children that are commands.
    commands: BTreeSet<i32>,
    /// Direct children that belong to no command.
    helpers: BTreeSet<i32>,
    /// When the first of the commands started since there was none, in ticks after boot.
    since: u64,
}

fn live() -> MutexGuard<'static, Live> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a child that belongs to no command; [`forget_helper`] when it is waited for.
pub(super) fn start_helper<T>(start: impl FnOnce() -> std::io::Result<(T, i32)>) -> std::io::Result<T> {
    let mut live = live();
    let (helper, pid) = start()?;
    live.helpers.insert(pid);
    Ok(helper)
}

pub(super) fn forget_helper(pid: i32) {
    live().helpers.remove(&pid);
}

/// A command with all its descendants.
pub(super) struct Family {
    root: i32,
    begun: Instant,
    marker: String,
    /// The pipes that it was given, as `/proc` shows them.
    pipes: Vec<PathBuf>,
    /// Descendants met so far, with their starts.
    known: HashMap<i32, u64>,
    user: u64,
    system: u64,
}

impl Family {
    /// Starts a command that writes to these pipes. `start` is given the name and the value of the variable that its environment must have.
    ///
    /// No search for descendants happens meanwhile: until `exec`, a child still looks like this program.
    pub(super) fn start<T, E>(
        pipes: Vec<PathBuf>,
        start: impl FnOnce(&str, &str) -> Result<(T, i32), E>,
    ) -> Result<(T, Self), E> {
        let own = format!("{}.{}", getpid().as_raw_pid(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let marker = std::env::var(MARKER).map_or_else(|_| own.clone(), |outer| format!("{outer}/{own}"));
        let (mut live, begun) = (live(), Instant::now());
        let (started, root) = start(MARKER, &marker)?;
        if live.commands.is_empty() {
            live.since = table::of(root).map_or(0, |process| process.start);
        }
        live.commands.insert(root);
        Ok((started, Self { root, begun, marker, pipes, known: HashMap::new(), user: 0, system: 0 }))
    }

    /// The command's pid.
    pub(super) fn root(&self) -> i32 {
        self.root
    }

    /// Remembers the descendants of this moment, so that they are known when they hide later.
    pub(super) fn remember(&mut self) {
        let known = self.known.iter().map(|(pid, start)| (*pid, Some(*start)));
        match table::descendants(known.chain([(self.root, None)])) {
            // those that are dead by now cannot hide
            Some(found) => self.known = found.iter().map(|process| (process.pid, process.start)).collect(),
            None => {
                let found = self.search();
                self.known.extend(found.iter().map(|process| (process.pid, process.start)));
            }
        }
    }

    /// The command's living processes, itself among them. Those of them that died as our children are waited for.
    pub(super) fn living(&mut self) -> Vec<Process> {
        if self.left_nobody() {
            return Vec::new();
        }
        let found = self.search();
        self.known.extend(found.iter().map(|process| (process.pid, process.start)));
        let own = getpid().as_raw_pid();
        for dead in found.iter().filter(|process| process.zombie && process.parent == own && process.pid != self.root) {
            // By pid: waiting for any child would steal other commands'.
            if let Some(pid) = Pid::from_raw(dead.pid)
                && waitpid(Some(pid), WaitOptions::NOHANG).is_ok_and(|status| status.is_some())
            {
                self.user += dead.user;
                self.system += dead.system;
            }
        }
        found.into_iter().filter(|process| !process.zombie).collect()
    }

    /// Sends a signal to these processes, and to the command's group as a whole.
    pub(super) fn signal(&self, processes: &[Process], signal: Signal) {
        // The group id cannot have been given to strangers: the command itself has not been waited for.
        if let Some(group) = Pid::from_raw(self.root) {
            let _ = kill_process_group(group, signal);
        }
        for process in processes.iter().filter(|process| process.group != self.root) {
            if let Some(pid) = Pid::from_raw(process.pid) {
                let _ = kill_process(pid, signal);
            }
        }
    }

    /// What the command and its waited-for descendants used; to be asked when it is dead and nobody has waited for it.
    pub(super) fn usage(&self) -> Usage {
        let (user, system) = table::of(self.root).map_or((0, 0), |root| (root.user, root.system));
        let time = |ticks: u64| TICK * u32::try_from(ticks).unwrap_or(u32::MAX);
        Usage { user: time(self.user + user), system: time(self.system + system) }
    }

    /// Whether the command is dead and has certainly left nobody, alive or dead. Most commands end so, and looking at every
    /// process of the machine takes longer than many a command.
    ///
    /// What a dead command left is a child of this program, which adopted it before that death could be seen, or descends
    /// from such a child; and pids are given out in order, so that only later ones can be its. Where that proves nothing, as
    /// after more time than it takes to give out every pid once, the answer is no.
    fn left_nobody(&self) -> bool {
        let live = live();
        if self.begun.elapsed() > BRIEF || !table::of(self.root).is_none_or(|root| root.zombie) {
            return false;
        }
        let own = getpid().as_raw_pid();
        let later = table::latest().filter(|latest| (self.root..=self.root + FEW).contains(latest));
        later.is_some_and(|latest| {
            (self.root + 1..=latest)
                .filter(|pid| !live.commands.contains(pid) && !live.helpers.contains(pid))
                .all(|pid| table::of(pid).is_none_or(|process| process.parent != own))
        })
    }

    fn search(&self) -> Vec<Process> {
        let live = live();
        let table = table::all();
        let own = getpid().as_raw_pid();
        let group = own_group(&table, own);
        let mut members: HashSet<i32> = table
            .iter()
            .filter(|process| process.parent == own && self.owns(process, &live, group))
            .map(|process| process.pid)
            .collect();
        // Parents may come after their children in the table: repeat until nobody is added.
        let mut before = usize::MAX;
        while members.len() != before {
            before = members.len();
            let children = table.iter().filter(|process| members.contains(&process.parent)).map(|process| process.pid);
            let children: Vec<i32> = children.collect();
            members.extend(children);
        }
        table.into_iter().filter(|process| members.contains(&process.pid)).collect()
    }

    /// Whether a child of this program is this command, or descends from it.
    fn owns(&self, child: &Process, live: &Live, own_group: Option<i32>) -> bool {
        if child.pid == self.root {
            return true;
        }
        // Commands have groups of their own: what is in this program's group, it started otherwise. Until that has become
        // another program, it holds the pipes of every command.
        if live.commands.contains(&child.pid) || live.helpers.contains(&child.pid) || own_group == Some(child.group) {
            return false;
        }
        if child.group == self.root || self.known.get(&child.pid) == Some(&child.start) {
            return true;
        }
        match table::variable(child.pid, MARKER) {
            Some(marker) => self.marks(&marker),
            None if table::holds(child.pid, &self.pipes) => true,
            // It dropped its environment and all it inherited, or is dead. The last command that runs answers for it.
            None => live.commands.len() == 1 && child.start >= live.since && own_group.is_some(),
        }
    }

    fn marks(&self, marker: &OsStr) -> bool {
        let rest = marker.to_str().and_then(|marker| marker.strip_prefix(&self.marker));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The group of this program as the table shows it: 0 where its leader is outside of the PID namespace, which `getpgrp` of
/// rustix takes for impossible.
fn own_group(table: &[Process], own: i32) -> Option<i32> {
    table.iter().find(|process| process.pid == own).map(|process| process.group)
}

impl Drop for Family {
    fn drop(&mut self) {
        live().commands.remove(&self.root);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{os::unix::process::CommandExt, process::Command};

    use super::*;

    #[test]
    fn what_the_program_starts_otherwise_belongs_to_no_command_whatever_it_holds() {
        let (_reader, writer) = std::io::pipe().expect("a pipe");
        let pipe = format!("pipe:[{}]", rustix::fs::fstat(&writer).expect("it is open").st_ino);
        let sleep = || {
            let mut sleep = Command::new("sleep");
            sleep.arg("600");
            sleep
        };
        let pid = |child: &std::process::Child| i32::try_from(child.id()).expect("pids are small");
        let (mut command, mut family) = Family::start(vec![pipe.into()], |name, value| {
            let child = sleep().env(name, value).process_group(0).spawn()?;
            let root = pid(&child);
            Ok::<_, std::io::Error>((child, root))
        })
        .expect("sleep can be started");
        // as everything does that another thread starts, for a moment
        let mut other = sleep().stdout(writer).spawn().expect("sleep can be started");
        let living: Vec<i32> = family.living().iter().map(|process| process.pid).collect();
        for child in [&mut command, &mut other] {
            child.kill().expect("it was not waited for");
            child.wait().expect("it was started");
        }
        assert_eq!(living, [pid(&command)]);
    }
}
