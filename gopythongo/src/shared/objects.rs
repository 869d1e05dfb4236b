//! What is asked of a place that machines share: named bytes, put as they are or only if nobody else was faster.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use super::SharedError;
use crate::support::Digest;

/// Named bytes. A name is words of `a-z A-Z 0-9 . _ -`, divided by slashes. An object appears whole or not at all.
pub(super) trait Objects: fmt::Debug + Send + Sync {
    /// An object, if there is one of that name.
    fn get(&self, name: &str) -> Result<Option<Found>, SharedError>;

    /// Puts an object. `false` if it was not put, since what is there is not what was expected.
    fn put(&self, name: &str, content: &Content, when: &When) -> Result<bool, SharedError>;
}

/// An object that was found.
pub(super) struct Found {
    /// Its bytes: a break-off before the end is an error of the reader.
    pub(super) body: Box<dyn Read + Send>,
    /// What the place calls this state of the object, if it has a word for it.
    pub(super) tag: Option<String>,
}

/// A state of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) digest: Digest,
    pub(super) tag: Option<String>,
}

/// What must be there for something to be put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum When {
    /// Anything: the name says what the bytes are, and what is there are the same or damaged ones.
    Always,
    /// Nothing.
    Absent,
    /// This.
    Is(State),
}

/// Bytes to put.
#[derive(Debug, Clone)]
pub(super) struct Content {
    bytes: Bytes,
    pub(super) digest: Digest,
    pub(super) size: u64,
}

#[derive(Debug, Clone)]
enum Bytes {
    Here(Vec<u8>),
    File(PathBuf),
}

impl Content {
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self { digest: Digest::of(&bytes), size: bytes.len() as u64, bytes: Bytes::Here(bytes) }
    }

    /// A file that does not change, whose digest and size are known.
    pub(super) fn of_file(path: PathBuf, digest: Digest, size: u64) -> Self {
        Self { bytes: Bytes::File(path), digest, size }
    }

    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match &self.bytes {
            Bytes::Here(bytes) => Box::new(bytes.as_slice()),
            Bytes::File(path) => Box::new(File::open(path)?),
        })
    }
}
