//! Small things without domain words: archives, digests, atomic files, locks, words in sentences.

pub mod archive;
mod digest;
mod files;
mod ini;
mod lock;
#[cfg(test)]
pub(crate) mod trees;
pub mod words;

pub use digest::{Digest, Hasher, ParseDigestError};
pub use files::{Durability, copy_tree, write_atomic};
pub use ini::{Entry, Ini};
pub use lock::{FileLock, Held};
