//! What compresses a package's data: the `zstd` program, beside what is read and looked at, or gzip in this process.

use std::{
    fs::File,
    io::{self, BufReader, PipeReader, PipeWriter, Write},
    path::{Path, PathBuf},
    thread,
};

use flate2::{Compression, GzBuilder};

use super::tree::Tree;
use crate::{
    run::{Failure, Work, process::Command},
    support::Digest,
};

/// What a pipe holds, in bytes: the kernel's own limit for users (pipe(7)).
const BUFFER: usize = 1 << 20;

/// A way to compress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Compressor {
    /// The program.
    Zstd(PathBuf),
    /// The library.
    Gzip,
}

impl Compressor {
    /// zstd where there is one, unless gzip is wanted.
    pub(super) fn find(gzip: bool) -> Self {
        match which::which("zstd") {
            Ok(program) if !gzip => Self::Zstd(program),
            _ => Self::Gzip,
        }
    }

    /// What decides the bytes that come out of it.
    pub(super) fn identity(&self) -> Result<String, Failure> {
        match self {
            Self::Zstd(program) => {
                let digest = Digest::of_file(program).map_err(Failure::io("cannot read", program))?;
                Ok(format!("zstd {digest}"))
            }
            Self::Gzip => Ok("gzip".to_owned()),
        }
    }

    /// The end of a member's name: `zst`.
    pub(super) fn extension(&self) -> &'static str {
        match self {
            Self::Zstd(_) => "zst",
            Self::Gzip => "gz",
        }
    }

    /// Compresses a tree and what follows it into a file.
    ///
    /// # Errors
    /// When the tree cannot be read, the program fails, or the file cannot be written.
    pub(super) fn compress(&self, work: &mut Work<'_>, tree: &Tree, rest: &[u8], target: &Path) -> Result<(), Failure> {
        match self {
            Self::Zstd(program) => {
                // with threads, whose number changes nothing in the bytes; `--single-thread` would
                let command = Command::new(program)
                    .args(["--quiet", "-3", "--threads=0", "--force", "-o"])
                    .arg(target)
                    .env("PATH", "/usr/bin:/bin");
                let (reader, writer) = pipe().map_err(Failure::io("cannot make a pipe to", program))?;
                thread::scope(|scope| {
                    let producer = scope.spawn(move || give(tree, rest, writer));
                    let compressed = work.feed(&command, reader);
                    let produced = producer.join().unwrap_or_else(|_| Err(io::Error::other("it was not written")));
                    // a program that has ended is why nobody reads any more
                    compressed.and(produced.map_err(Failure::io("cannot write", target)))
                })
            }
            Self::Gzip => {
                let file = File::create(target).map_err(Failure::io("cannot make", target))?;
                let mut encoder = GzBuilder::new().mtime(0).write(file, Compression::default());
                let copied = copy(tree, rest, &mut encoder).and_then(|()| encoder.finish());
                copied.map(drop).map_err(Failure::io("cannot write", target))
            }
        }
    }
}

/// A pipe that holds as much as an ordinary user's may, so that both its ends wait rarely.
fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    // a smaller one works as well
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&writer, BUFFER);
    Ok((reader, writer))
}

/// Gives the tree and what follows it to a program; the kernel hands it the file's own pages (splice(2)). [`io::copy`] would
/// not: it copies to pipes in pieces of 8 KiB.
#[cfg(target_os = "linux")]
fn give(tree: &Tree, rest: &[u8], mut to: PipeWriter) -> io::Result<()> {
    use rustix::pipe::{SpliceFlags, splice};

    let mut at = 0;
    while at < tree.end {
        let left = usize::try_from(tree.end - at).unwrap_or(usize::MAX).min(BUFFER);
        if splice(tree.file(), Some(&mut at), &to, None, left, SpliceFlags::empty())? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    to.write_all(rest)
}

#[cfg(not(target_os = "linux"))]
fn give(tree: &Tree, rest: &[u8], to: PipeWriter) -> io::Result<()> {
    copy(tree, rest, &mut io::BufWriter::with_capacity(BUFFER, to))
}

fn copy(tree: &Tree, rest: &[u8], to: &mut impl Write) -> io::Result<()> {
    io::copy(&mut BufReader::with_capacity(BUFFER, tree.bytes()?), to)?;
    to.write_all(rest)?;
    to.flush()
}
