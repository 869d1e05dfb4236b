//! Starting and ending processes. One supervisor a program: it adopts orphans, so that no descendant escapes.

use std::{
    ffi::{OsStr, OsString},
    io::{self, PipeReader},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::{
    Cancel, Command, Finished, ProcessError, Status, Usage,
    busy::once_written,
    error::is_bare,
    family::Family,
    leftovers::RunMark,
    lines::Lines,
    ordinary::Ordinary,
    streams::{Heard, Streams},
};

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// How long what was killed is waited for. Only a process within the kernel (a dead network file system) takes longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often cancellation is looked at.
const TICK: Duration = Duration::from_millis(50);

/// How often a long command's descendants are remembered.
const CENSUS: Duration = Duration::from_secs(1);

/// The same, for one that is meant to last.
const RARE_CENSUS: Duration = Duration::from_secs(30);

/// Starts commands and ends them with all their descendants.
#[derive(Debug)]
pub struct Supervisor {
    run: Mutex<Option<RunMark>>,
    ordinary: OnceLock<Ordinary>,
    said: AtomicBool,
    signals: Mutex<Option<signal_hook::iterator::Handle>>,
}

impl Supervisor {
    /// Becomes the adopter of orphans (`PR_SET_CHILD_SUBREAPER`).
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn start() -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        Ok(Self::idle())
    }

    /// One that adopts nobody, for runs without commands.
    pub(crate) fn idle() -> Self {
        Self {
            run: Mutex::new(None),
            ordinary: OnceLock::new(),
            said: AtomicBool::new(false),
            signals: Mutex::new(None),
        }
    }

    /// Gives commands that are started from now on the run's id, in `GOPYTHONGO_RUN`. Should this program be killed,
    /// they are ended soon after; [`end_leftovers`](super::end_leftovers) ends what even then is left.
    pub fn set_run(&self, run: &str) {
        let mark = RunMark::new(run);
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
    }

    /// Turns SIGINT, SIGTERM and SIGHUP into a cancellation; a second one kills at once.
    ///
    /// # Errors
    /// When handlers cannot be installed.
    pub fn handle_signals(&self, cancel: &Cancel) -> io::Result<()> {
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let handle = signals.handle();
        let cancel = cancel.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in &mut signals {
                if cancel.is_cancelled() {
                    cancel.hurry();
                }
                cancel.cancel(signal);
            }
        })?;
        let mut held = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = held.replace(handle) {
            earlier.close();
        }
        Ok(())
    }

    /// Runs a command to its end. Each line of its standard output and standard error goes to `line` as it comes, without
    /// its end, invalid UTF-8 replaced. When it ends, for whatever reason, no descendant of it is left.
    ///
    /// # Errors
    /// When it cannot be started. A command that fails is `Ok`.
    pub fn run(
        &self,
        command: &Command,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<Finished, ProcessError> {
        self.supervise(command, cancel, line, None, None, None)
    }

    /// The same with something to read on its standard input, whose other end belongs to the caller. Commands have nothing
    /// there otherwise.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn feed(
        &self,
        command: &Command,
        input: PipeReader,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<Finished, ProcessError> {
        self.supervise(command, cancel, line, Some(input), None, None)
    }

    /// Runs a command as [`run`](Self::run) does, and stores its pid as soon as it has one.
    pub(crate) fn run_with_pid(
        &self,
        command: &Command,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
        pid: &AtomicI32,
    ) -> Result<Finished, ProcessError> {
        self.supervise(command, cancel, line, None, None, Some(pid))
    }

    /// Runs a command to its end and gives its standard output; standard error goes to `line`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn capture(
        &self,
        command: &Command,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<(Finished, Vec<u8>), ProcessError> {
        let mut output = Vec::new();
        let finished = self.supervise(command, cancel, line, None, Some(&mut output), None)?;
        Ok((finished, output))
    }

    fn supervise(
        &self,
        command: &Command,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
        input: Option<PipeReader>,
        output: Option<&mut Vec<u8>>,
        pid: Option<&AtomicI32>,
    ) -> Result<Finished, ProcessError> {
        let start = Instant::now();
        if cancel.is_cancelled() {
            return Ok(Finished { status: Status::Cancelled, usage: Usage::default(), wall: Duration::ZERO });
        }
        let words = self.words(command, cancel, line);
        let mut streams = Streams::default();
        let (handle, family) = self
            .launch(command, &words, &mut streams, input, output.is_some())
            .map_err(|error| ProcessError::new(command, &error))?;
        if let Some(pid) = pid {
            pid.store(family.root(), Ordering::SeqCst);
        }
        let mut watch = Watch { streams, family, cancel, lines: Lines::new(start), line, output };
        let early = watch.until_dead(start, command);
        // What outlives a command that ended by itself has no claim to the grace of one that is told to end.
        let grace = early.and(command.lasting).unwrap_or(GRACE);
        watch.end_all(grace);
        let usage = watch.family.usage();
        let exit = handle.wait_timeout(PATIENCE).ok().flatten().map(|output| output.status);
        watch.drain();
        let ended = || exit.map_or(Status::Signalled(Signal::KILL.as_raw()), status);
        // What was told to end may well end with code 0: that is no success.
        Ok(Finished { status: early.unwrap_or_else(ended), usage, wall: start.elapsed() })
    }

    /// The command as words, the program first.
    fn words(&self, command: &Command, cancel: &Cancel, line: &mut dyn FnMut(&str)) -> Vec<OsString> {
        let mut words = command.under.clone();
        if command.ordinary_user {
            words.extend(self.ordinary(cancel, line).prefix());
        }
        words.push(command.program.clone().into());
        words.extend(command.args.iter().cloned());
        words
    }

    fn ordinary(&self, cancel: &Cancel, line: &mut dyn FnMut(&str)) -> &Ordinary {
        let ordinary = self.ordinary.get_or_init(|| {
            Ordinary::probe(|words| {
                let probe = Command::new(&words[0])
                    .args(&words[1..])
                    .env("PATH", "/usr/bin:/bin")
                    .timeout(Duration::from_secs(10));
                self.run(&probe, cancel, &mut |_| {}).is_ok_and(|finished| finished.status == Status::Exited(0))
            })
        });
        if *ordinary == Ordinary::Impossible && !self.said.swap(true, Ordering::SeqCst) {
            line("running as root: neither `unshare` nor `setpriv` can make an ordinary user here");
        }
        ordinary
    }

    fn launch(
        &self,
        command: &Command,
        words: &[OsString],
        streams: &mut Streams,
        input: Option<PipeReader>,
        captures: bool,
    ) -> io::Result<(duct::Handle, Family)> {
        let mut environment = command.environment.clone();
        if let Some(mark) = &*self.run.lock().unwrap_or_else(PoisonError::into_inner) {
            let (name, value) = mark.variable();
            environment.insert(name.into(), value.into());
        }
        let lines = streams.pipe(false)?;
        let output = if captures { streams.pipe(true)? } else { lines.try_clone()? };
        let (handle, family) = Family::start(streams.names.clone(), |name, value| {
            environment.insert(name.into(), value.into());
            // A wrapper would hide that the program is missing; one that shows other files may well have it.
            if command.under.is_empty() && words.len() > command.args.len() + 1 {
                find(command)?;
            }
            // By its path, the standard library can start it without a copy of this program's page tables, which takes longer
            // than many a command. It is told the name that it was called by all the same.
            let called = words[0].clone();
            let path = located(command, &called)?.map_or_else(|| called.clone(), PathBuf::into_os_string);
            let expression = duct::cmd(path, &words[1..]);
            let expression = match input {
                Some(input) => expression.stdin_file(input),
                None => expression.stdin_null(),
            };
            let mut expression =
                expression.stdout_file(output).stderr_file(lines).full_env(environment).unchecked().before_spawn(
                    move |command| {
                        command.process_group(0).arg0(&called);
                        Ok(())
                    },
                );
            if let Some(directory) = &command.directory {
                expression = expression.dir(directory);
            }
            let handle = once_written(|| expression.start())?;
            let pid = handle.pids().first().copied().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
            Ok::<_, io::Error>((handle, pid))
        })?;
        if let Some(pid) = Pid::from_raw(family.root()) {
            streams.watch(pid);
        }
        Ok((handle, family))
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if let Some(signals) = self.signals.get_mut().unwrap_or_else(PoisonError::into_inner) {
            signals.close();
        }
    }
}

/// Looks for a command's program as the kernel would, in its own directory and on its own `PATH`.
fn find(command: &Command) -> io::Result<()> {
    let found = if is_bare(&command.program) {
        located(command, command.program.as_os_str())?.is_some()
    } else {
        directory(command)?.join(&command.program).exists()
    };
    if found { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Where a program that is called by its name alone is on a command's own `PATH`; `None` for one that is called by a path.
fn located(command: &Command, program: &OsStr) -> io::Result<Option<PathBuf>> {
    if !is_bare(Path::new(program)) {
        return Ok(None);
    }
    let path = command.environment.get(OsStr::new("PATH"));
    Ok(which::which_in(program, path, directory(command)?).ok())
}

fn directory(command: &Command) -> io::Result<PathBuf> {
    command.directory.clone().map_or_else(std::env::current_dir, Ok)
}

fn status(exit: ExitStatus) -> Status {
    match (exit.code(), exit.signal()) {
        (Some(code), _) => Status::Exited(code),
        (None, signal) => Status::Signalled(signal.unwrap_or_default()),
    }
}

/// A command that runs.
struct Watch<'a> {
    streams: Streams,
    family: Family,
    cancel: &'a Cancel,
    lines: Lines,
    line: &'a mut dyn FnMut(&str),
    output: Option<&'a mut Vec<u8>>,
}

impl Watch<'_> {
    /// Waits until the command is dead; gives why it must be ended before that.
    fn until_dead(&mut self, start: Instant, command: &Command) -> Option<Status> {
        let timeout = command.timeout;
        let pause = if command.lasting.is_some() { RARE_CENSUS } else { CENSUS };
        let mut census = start;
        loop {
            let left = timeout.map_or(TICK, |timeout| timeout.saturating_sub(start.elapsed()));
            if self.hear(left.min(TICK)) {
                return None;
            }
            if self.cancel.is_cancelled() {
                return Some(Status::Cancelled);
            }
            if let Some(timeout) = timeout.filter(|timeout| start.elapsed() >= *timeout) {
                return Some(Status::TimedOut(timeout));
            }
            if census.elapsed() >= pause {
                census = Instant::now();
                self.family.remember();
            }
        }
    }

    /// Ends what is alive of the command: first kindly, and what does not listen by force.
    fn end_all(&mut self, grace: Duration) {
        let start = Instant::now();
        let mut asked = false;
        let mut pause = Duration::from_millis(2);
        loop {
            let living = self.family.living();
            if living.is_empty() || start.elapsed() > grace + PATIENCE {
                return;
            }
            if self.cancel.is_hurried() || start.elapsed() > grace {
                self.family.signal(&living, Signal::KILL);
            } else if !asked {
                self.family.signal(&living, Signal::TERM);
                asked = true;
            }
            let until = Instant::now() + pause;
            while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
                self.hear(left);
            }
            pause = (pause * 2).min(TICK);
        }
    }

    /// Takes in what is left in the pipes. All writers are dead.
    fn drain(&mut self) {
        let start = Instant::now();
        while self.streams.are_open() && start.elapsed() < PATIENCE {
            self.hear(TICK);
        }
        self.lines.finish(Instant::now(), self.line);
    }

    /// Takes in what comes in time; `true` if the command is dead.
    fn hear(&mut self, limit: Duration) -> bool {
        let (lines, line, output) = (&mut self.lines, &mut *self.line, &mut self.output);
        let mut is_dead = false;
        self.streams.hear(limit, &mut |heard| match heard {
            Heard::Lines(bytes) => lines.push(bytes, Instant::now(), line),
            Heard::Output(bytes) => {
                if let Some(output) = output {
                    output.extend(bytes);
                }
            }
            Heard::Dead => is_dead = true,
        });
        is_dead
    }
}

#[cfg(test)]
#[path = "supervisor_tests.rs"]
mod tests;
