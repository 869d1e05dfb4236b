//! What a command's pipes and its end report, as messages to the thread that supervises it.

use std::{
    io::{self, PipeReader, PipeWriter, Read},
    path::PathBuf,
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// How many chunks wait to be read, before the command waits in its turn.
const QUEUE: usize = 64;

/// What a command is heard of.
pub(super) enum Heard {
    /// Bytes of its lines.
    Lines(Vec<u8>),
    /// Bytes of its standard output, where that is captured.
    Output(Vec<u8>),
    /// One of its pipes was closed by its last holder.
    Closed,
    /// The command itself is dead, and nobody has waited for it yet.
    Dead,
}

/// Reads pipes and waits for a death, on a thread each. Threads end with what they read; nobody joins them, because a
/// process that cannot be killed may hold a pipe for ever.
pub(super) struct Streams {
    sender: SyncSender<Heard>,
    /// Pipes that are still open.
    pub(super) open: usize,
    /// The pipes, as `/proc` shows them.
    pub(super) names: Vec<PathBuf>,
}

impl Streams {
    pub(super) fn new() -> (Self, Receiver<Heard>) {
        let (sender, receiver) = mpsc::sync_channel(QUEUE);
        (Self { sender, open: 0, names: Vec::new() }, receiver)
    }

    /// Makes a pipe and reads it; gives its other end.
    pub(super) fn pipe(&mut self, heard: fn(Vec<u8>) -> Heard) -> io::Result<PipeWriter> {
        let (reader, writer) = io::pipe()?;
        let sender = self.sender.clone();
        thread::Builder::new().name("pipe".to_owned()).spawn(move || read(reader, &sender, heard))?;
        self.names.push(format!("pipe:[{}]", rustix::fs::fstat(&writer)?.st_ino).into());
        self.open += 1;
        Ok(writer)
    }

    /// Reports when the child is dead.
    pub(super) fn watch(&self, pid: Pid) -> io::Result<()> {
        let sender = self.sender.clone();
        thread::Builder::new().name("wait".to_owned()).spawn(move || {
            while waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
                .is_err_and(|error| error == rustix::io::Errno::INTR)
            {}
            let _ = sender.send(Heard::Dead);
        })?;
        Ok(())
    }
}

fn read(mut reader: PipeReader, sender: &SyncSender<Heard>, heard: fn(Vec<u8>) -> Heard) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
            Ok(n) => {
                if sender.send(heard(buffer[..n].to_vec())).is_err() {
                    return;
                }
            }
        }
    }
    let _ = sender.send(Heard::Closed);
}
