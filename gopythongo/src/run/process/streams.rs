//! What a command writes into its pipes, and its death: heard by the thread that supervises it.

use std::{
    io::{self, PipeReader, PipeWriter, Read},
    os::fd::OwnedFd,
    path::PathBuf,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, WaitId, WaitIdOptions, waitid},
};

/// How much is read at once, in bytes: what a pipe holds.
const CHUNK: usize = 64 * 1024;

/// How often a death is looked for where no descriptor tells it.
const LOOK: Duration = Duration::from_millis(10);

/// What a command is heard of.
pub(super) enum Heard<'a> {
    /// Bytes of its lines.
    Lines(&'a [u8]),
    /// Bytes of its standard output, where that is captured.
    Output(&'a [u8]),
    /// The command itself is dead, and nobody has waited for it yet.
    Dead,
}

/// The pipes of a command that are still open, and the command until it is dead. No thread waits for them: to start one
/// takes longer than many a command.
#[derive(Default)]
pub(super) struct Streams {
    pipes: Vec<Pipe>,
    /// The command, and what becomes readable when it dies.
    command: Option<(Pid, Option<OwnedFd>)>,
    /// The pipes, as `/proc` shows them.
    pub(super) names: Vec<PathBuf>,
    /// Made when there is something to read.
    buffer: Vec<u8>,
}

struct Pipe {
    reader: PipeReader,
    /// Whether it is captured, and not cut into lines.
    is_output: bool,
}

impl Streams {
    /// Makes a pipe for lines, or for output that is captured; gives the command's end of it.
    pub(super) fn pipe(&mut self, is_output: bool) -> io::Result<PipeWriter> {
        let (reader, writer) = io::pipe()?;
        self.names.push(format!("pipe:[{}]", rustix::fs::fstat(&writer)?.st_ino).into());
        self.pipes.push(Pipe { reader, is_output });
        Ok(writer)
    }

    /// Listens for the death of this child from now on.
    pub(super) fn watch(&mut self, pid: Pid) {
        self.command = Some((pid, descriptor(pid)));
    }

    /// Whether somebody may still write into one of the pipes.
    pub(super) fn are_open(&self) -> bool {
        !self.pipes.is_empty()
    }

    /// Waits so long for something to be heard; gives all that is.
    pub(super) fn hear(&mut self, limit: Duration, heard: &mut dyn FnMut(Heard<'_>)) {
        let (ready, may_be_dead) = self.wait(limit);
        if self.command.take_if(|(pid, _)| may_be_dead && is_dead(*pid)).is_some() {
            heard(Heard::Dead);
        }
        let mut ready = ready.into_iter();
        let buffer = &mut self.buffer;
        self.pipes.retain_mut(|pipe| {
            if !ready.next().unwrap_or_default() {
                return true;
            }
            buffer.resize(CHUNK, 0);
            match pipe.reader.read(buffer) {
                Ok(0) => return false,
                Ok(length) if pipe.is_output => heard(Heard::Output(&buffer[..length])),
                Ok(length) => heard(Heard::Lines(&buffer[..length])),
                Err(error) => return error.kind() == io::ErrorKind::Interrupted,
            }
            true
        });
    }

    /// Which of the pipes can be read, and whether the command may be dead.
    fn wait(&self, limit: Duration) -> (Vec<bool>, bool) {
        let descriptor = self.command.as_ref().and_then(|(_, descriptor)| descriptor.as_ref());
        let looks = self.command.is_some() && descriptor.is_none();
        let limit = if looks { limit.min(LOOK) } else { limit };
        let pipes = self.pipes.iter().map(|pipe| PollFd::new(&pipe.reader, PollFlags::IN));
        let mut all: Vec<PollFd<'_>> = pipes.chain(descriptor.map(|it| PollFd::new(it, PollFlags::IN))).collect();
        let timeout = Timespec::try_from(limit).unwrap_or_default();
        if poll(&mut all, Some(&timeout)).is_err() {
            // a signal came
            return (Vec::new(), true);
        }
        let mut ready: Vec<bool> = all.iter().map(|polled| !polled.revents().is_empty()).collect();
        let dead = if descriptor.is_some() { ready.pop() } else { None };
        (ready, dead.unwrap_or(looks))
    }
}

#[cfg(target_os = "linux")]
fn descriptor(pid: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn descriptor(_: Pid) -> Option<OwnedFd> {
    None
}

/// Whether a child is dead; it stays to be waited for. One that cannot be asked for is, too.
fn is_dead(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    /// What is heard of a command until it is dead and its pipes are closed.
    fn heard(child: &mut Child, mut streams: Streams) -> (String, bool) {
        let (mut text, mut is_dead) = (Vec::new(), false);
        while streams.are_open() || !is_dead {
            streams.hear(Duration::from_secs(600), &mut |heard| match heard {
                Heard::Lines(bytes) => text.extend_from_slice(bytes),
                Heard::Output(_) => panic!("nothing is captured"),
                Heard::Dead => is_dead = true,
            });
        }
        let lasted = child.wait().expect("nobody has waited for it").success();
        (String::from_utf8(text).expect("it is text"), lasted)
    }

    #[test]
    fn a_command_is_heard_to_its_end_with_and_without_a_descriptor() -> io::Result<()> {
        for has_descriptor in [true, false] {
            let mut streams = Streams::default();
            let writer = streams.pipe(false)?;
            let mut command = Command::new("sh");
            let mut child = command.args(["-c", "seq 1 20000; exec >&-; :"]).stdout(writer).spawn()?;
            // it holds the other end of the pipe, too
            drop(command);
            let pid = Pid::from_child(&child);
            streams.watch(pid);
            if !has_descriptor {
                streams.command = Some((pid, None));
            }
            let (text, lasted) = heard(&mut child, streams);
            assert!(lasted && text.lines().count() == 20_000 && text.ends_with("\n20000\n"), "{}", text.len());
        }
        Ok(())
    }
}
