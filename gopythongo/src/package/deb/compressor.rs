//! What compresses a package's data: the `zstd` program, beside what is read and looked at, or gzip in this process.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    thread,
};

use flate2::{Compression, GzBuilder};

use crate::{
    run::{Failure, Work, process::Command},
    support::Digest,
};

/// How much is written at once.
const BUFFER: usize = 256 * 1024;

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

    /// Compresses what `write` writes into a file, and gives what it gives.
    ///
    /// # Errors
    /// When `write` fails, the program does, or the file cannot be written.
    pub(super) fn compress<T: Send>(
        &self,
        work: &mut Work<'_>,
        target: &Path,
        write: impl FnOnce(&mut dyn Write) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        match self {
            Self::Zstd(program) => {
                // with threads, whose number changes nothing in the bytes; `--single-thread` would
                let command = Command::new(program)
                    .args(["--quiet", "-3", "--threads=0", "--force", "-o"])
                    .arg(target)
                    .env("PATH", "/usr/bin:/bin");
                let (reader, writer) = io::pipe().map_err(Failure::io("cannot make a pipe to", program))?;
                thread::scope(|scope| {
                    let producer =
                        scope.spawn(move || flushed(BufWriter::with_capacity(BUFFER, writer), target, write));
                    let compressed = work.feed(&command, reader);
                    let produced =
                        producer.join().map_err(|_| Failure::new("what was to be packed was not written"))?;
                    // a program that has ended is why nobody reads any more
                    compressed.and(produced)
                })
            }
            Self::Gzip => {
                let file = File::create(target).map_err(Failure::io("cannot make", target))?;
                let encoder = GzBuilder::new().mtime(0).write(file, Compression::default());
                flushed(BufWriter::with_capacity(BUFFER, encoder), target, write)
            }
        }
    }
}

fn flushed<W: Write, T>(
    mut writer: BufWriter<W>,
    target: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let value = write(&mut writer)?;
    writer.flush().map_err(Failure::io("cannot write", target))?;
    Ok(value)
}
