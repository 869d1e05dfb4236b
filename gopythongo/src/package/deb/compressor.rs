//! What compresses a package's data: the `zstd` program, beside what is read and looked at, or gzip in this process.

use std::{
    fs::File,
    io::{self, PipeReader, PipeWriter, Write},
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
                    let producer = scope.spawn(move || copy(tree, rest, writer));
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

/// Generic, so that the kernel can hand a file's pages to a pipe without a copy (splice(2), which [`io::copy`] uses).
fn copy<W: Write>(tree: &Tree, rest: &[u8], mut to: W) -> io::Result<()> {
    io::copy(&mut tree.bytes()?, &mut to)?;
    to.write_all(rest)?;
    to.flush()
}
