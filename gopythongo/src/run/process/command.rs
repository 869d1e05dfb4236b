//! What to run, and how it went; plain data.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::PathBuf, time::Duration};

/// A command: program, arguments, directory and the *whole* environment that it sees, but for `GOPYTHONGO_STEP` and
/// `GOPYTHONGO_RUN`, by which its descendants are told from others.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Command {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) environment: BTreeMap<OsString, OsString>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) ordinary_user: bool,
    pub(crate) under: Vec<OsString>,
    pub(super) lasting: Option<Duration>,
}

impl Command {
    /// A command without arguments and with an empty environment.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            directory: None,
            environment: BTreeMap::new(),
            timeout: None,
            ordinary_user: false,
            under: Vec::new(),
            lasting: None,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets the directory; that of this process by default.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Sets environment variables.
    pub fn envs<N: Into<OsString>, V: Into<OsString>>(mut self, pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        self.environment.extend(pairs.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Sets after how long the command and its descendants are ended; no limit by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Where this process is root, runs the command as an ordinary user: test suites that look at file modes want that.
    pub fn ordinary_user(mut self) -> Self {
        self.ordinary_user = true;
        self
    }

    /// Sets words that are put before the program when it is started: those of a view
    /// ([`View::command`](crate::isolation::View::command)), which may need more power than an [ordinary
    /// user](Self::ordinary_user) has. Nobody is shown them. None by default.
    pub fn under(mut self, words: impl IntoIterator<Item = OsString>) -> Self {
        self.under = words.into_iter().collect();
        self
    }

    /// Says that it is meant to last: told to end, it has `grace` for that, unless [hurried](super::Cancel::hurry);
    /// and its descendants are looked for now and then, not every second.
    pub(crate) fn lasting(mut self, grace: Duration) -> Self {
        self.lasting = Some(grace);
        self
    }
}

/// How a command ended; displayed as `exit code 1`, `signal 9 (SIGKILL)`, `timed out after 30m`, `interrupted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It exited with a code.
    Exited(i32),
    /// A signal ended it.
    Signalled(i32),
    /// It was ended because it took too long.
    TimedOut(Duration),
    /// It was ended because the run was.
    Cancelled,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Signalled(signal) => match signal_hook::low_level::signal_name(*signal) {
                Some(name) => write!(f, "signal {signal} ({name})"),
                None => write!(f, "signal {signal}"),
            },
            Self::TimedOut(limit) => {
                // what is left of a step's time is a hair less than what it was given
                let limit = Duration::from_secs(limit.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1));
                write!(f, "timed out after {}", humantime::format_duration(limit))
            }
            Self::Cancelled => f.write_str("interrupted"),
        }
    }
}

/// What a command and all its descendants used, to a hundredth of a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time in user mode.
    pub user: Duration,
    /// CPU time in the kernel.
    pub system: Duration,
}

/// A command that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// How.
    pub status: Status,
    /// What it used.
    pub usage: Usage,
    /// How long it took.
    pub wall: Duration,
}

/// What the commands of a step took together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    /// CPU time in both modes.
    pub(crate) cpu: Duration,
    /// Wall time.
    pub(crate) wall: Duration,
}

impl Spent {
    /// Adds a command that has ended.
    pub(crate) fn add(&mut self, finished: &Finished) {
        self.cpu += finished.usage.user + finished.usage.system;
        self.wall += finished.wall;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_in_words() {
        let words = [
            (Status::Exited(2), "exit code 2"),
            (Status::Signalled(9), "signal 9 (SIGKILL)"),
            (Status::Signalled(64), "signal 64"),
            (Status::TimedOut(Duration::from_secs(90)), "timed out after 1m 30s"),
            (Status::TimedOut(Duration::from_millis(20)), "timed out after 1s"),
            (Status::TimedOut(Duration::from_millis(1_799_998)), "timed out after 30m"),
            (Status::Cancelled, "interrupted"),
        ];
        for (status, expected) in words {
            assert_eq!(status.to_string(), expected);
        }
    }
}
