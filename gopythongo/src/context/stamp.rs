//! What tells a file or a directory from another one, and from what it was; and how that is written down.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::fs::Stat;

use crate::support::Digest;

/// What was changed more recently than this is looked at again the next time: within one tick of a file system's clock (2 s for
/// the coarsest) it could change once more without a new time. Git calls such files racy.
const SETTLED: Duration = Duration::from_secs(2);

/// What `stat` says of a file or directory. Whoever changes a file gives it other times; whoever makes, removes or renames one
/// gives its directory other times (POSIX.1-2024, XBD 4.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    /// In nanoseconds after the epoch, as the next one.
    modified: i64,
    changed: i64,
    device: u64,
    inode: u64,
}

/// How many bytes a stamp takes.
pub(super) const STAMP: usize = 5 * 8;

impl Stamp {
    pub(super) fn of(stat: &Stat) -> Self {
        let time = |seconds: i64, nanoseconds: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds);
        Self {
            size: stat.st_size.cast_unsigned(),
            modified: time(stat.st_mtime, stat.st_mtime_nsec.try_into().unwrap_or_default()),
            changed: time(stat.st_ctime, stat.st_ctime_nsec.try_into().unwrap_or_default()),
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }

    /// Whether it was changed long enough before a moment: from then on another change shows.
    pub(super) fn is_settled(&self, at: SystemTime) -> bool {
        let at = at.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(SETTLED);
        self.modified.max(self.changed) < i64::try_from(at.as_nanos()).unwrap_or_default()
    }

    /// Numbers in eight bytes, the least one first.
    pub(super) fn bytes(&self) -> [u8; STAMP] {
        let numbers = [self.size, self.modified.cast_unsigned(), self.changed.cast_unsigned(), self.device, self.inode];
        let mut bytes = [0; STAMP];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}

/// Writes numbers, texts and digests one after the other.
pub(super) trait Put {
    /// A number in eight bytes, the least one first.
    fn put_number(&mut self, number: usize);
    /// How many bytes, and these.
    fn put_part(&mut self, part: &[u8]);
    /// As [`put_part`](Put::put_part).
    fn put_text(&mut self, text: &OsStr);
}

impl Put for Vec<u8> {
    fn put_number(&mut self, number: usize) {
        self.extend((number as u64).to_le_bytes());
    }

    fn put_part(&mut self, part: &[u8]) {
        self.put_number(part.len());
        self.extend(part);
    }

    fn put_text(&mut self, text: &OsStr) {
        self.put_part(text.as_bytes());
    }
}

/// Reads what [`Put`] wrote; `None` where it is cut off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Take<'a>(pub(super) &'a [u8]);

impl<'a> Take<'a> {
    pub(super) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn number(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(*self.array()?)).ok()
    }

    pub(super) fn part(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.bytes(length)
    }

    pub(super) fn text(&mut self) -> Option<&'a OsStr> {
        self.part().map(OsStr::from_bytes)
    }

    pub(super) fn owned_text(&mut self) -> Option<OsString> {
        self.text().map(|text| OsString::from_vec(text.as_bytes().to_vec()))
    }

    pub(super) fn digest(&mut self) -> Option<Digest> {
        self.array().map(|bytes| Digest::from_bytes(*bytes))
    }
}
