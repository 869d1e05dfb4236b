//! What is spoken on the control socket: a line of JSON each way.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{deploy::Slot, support::Digest};

/// How long an answer may take: nothing that is asked for makes the supervisor wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a change is waited for before it is asked again.
const LOOK: Duration = Duration::from_millis(250);

/// What a supervisor is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::deploy) enum Ask {
    /// How things are.
    Report,
    /// The same, once it is other than what was answered last, or so much time has passed. Requests that come and go do
    /// not count, but the last one of a slot that is not live does.
    Change(Duration),
    /// Run a slot though it is not live, as long as this connection is open.
    Hold(Slot),
    /// Hold it no longer.
    Release(Slot),
    /// End a slot's process and start it again.
    Restart(Slot),
    /// End everything.
    End,
}

/// What it answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::deploy) struct Report {
    /// The slots that run.
    pub(in crate::deploy) slots: Vec<SlotReport>,
}

/// One slot that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::deploy) struct SlotReport {
    pub(in crate::deploy) slot: Slot,
    /// The digest of what was unpacked there when it was started.
    pub(in crate::deploy) digest: Digest,
    /// Where it listens.
    pub(in crate::deploy) socket: PathBuf,
    /// How often its process ended by itself.
    pub(in crate::deploy) deaths: u32,
    /// How it ended the last time: `exit code 1`.
    pub(in crate::deploy) last: Option<String>,
    /// Whether its process lives. What it started may outlive it for a moment, and even answer.
    pub(in crate::deploy) alive: bool,
    /// Requests that it is answering.
    pub(in crate::deploy) in_flight: usize,
    /// Whether it is being ended.
    pub(in crate::deploy) ending: bool,
    /// Why it sees the host's own file system, where it does.
    pub(in crate::deploy) relocated: Option<String>,
}

impl Report {
    /// What is said of a slot, if it runs.
    pub(in crate::deploy) fn slot(&self, slot: Slot) -> Option<&SlotReport> {
        self.slots.iter().find(|report| report.slot == slot)
    }
}

/// A connection to a supervisor. What it holds is released when it is dropped.
#[derive(Debug)]
pub(in crate::deploy) struct Control {
    stream: BufReader<UnixStream>,
}

impl Control {
    /// Connects.
    ///
    /// # Errors
    /// When nobody is there.
    pub(in crate::deploy) fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// When it goes away meanwhile.
    pub(in crate::deploy) fn ask(&mut self, ask: Ask) -> io::Result<Report> {
        let mut line = serde_json::to_vec(&ask)?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line)?;
        let mut answer = String::new();
        if self.stream.read_line(&mut answer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        serde_json::from_str(&answer).map_err(io::Error::other)
    }

    /// Waits until nothing runs in a slot, or so much time has passed.
    ///
    /// # Errors
    /// When it goes away meanwhile.
    pub(in crate::deploy) fn until_ended(&mut self, slot: Slot, limit: Duration) -> io::Result<()> {
        let begin = Instant::now();
        let mut report = self.ask(Ask::Report)?;
        while report.slot(slot).is_some() && begin.elapsed() < limit {
            report = self.ask(Ask::Change(LOOK))?;
        }
        Ok(())
    }
}
