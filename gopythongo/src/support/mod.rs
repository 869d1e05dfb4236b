//! Small things without domain words: archives, digests, atomic files, locks, words in sentences.

pub(crate) mod accept;
pub mod archive;
mod bytes;
mod digest;
mod epoch;
mod files;
mod ini;
mod lines;
mod lock;
pub(crate) mod operations;
#[cfg(test)]
pub(crate) mod patience;
pub(crate) mod race;
#[cfg(test)]
mod seeded;
pub(crate) mod shared;
mod sum;
#[cfg(test)]
pub(crate) mod trees;
pub mod words;
mod written;

pub use bytes::{bytes, parse_bytes};
pub use digest::{Digest, Hasher, ParseDigestError};
pub use epoch::SOURCE_DATE_EPOCH;
pub use files::{Durability, copy_tree, sync_together, write_atomic};
pub use ini::{Entry, Ini};
pub(crate) use lines::Lines;
pub use lock::{FileLock, Held};
#[cfg(test)]
pub(crate) use seeded::seeded;
pub(crate) use sum::Sum;
pub use written::Written;
