//! State that several machines share: what one of them has done, the others need not do again.
//!
//! A pipeline says where it is ([`Pipeline::shared`](crate::pipeline::Pipeline::shared)): an S3-compatible bucket, a WebDAV
//! directory, or a directory that all machines see. `Objects` is what is asked of such a place; one suite
//! holds its kinds together. Knows names and bytes, knows nothing of steps or packages.
//!
//! Layout, below the place and the pipeline's name:
//!
//! | name | what |
//! |---|---|
//! | `v2/latest` | the latest outcomes of every step; the one object that a run which finds everything done reads of the cache |
//! | `v2/entries/DIGEST` | an outcome with its key |
//! | `v2/sources/DIGEST` | what a source in a key consisted of |
//! | `v2/durations` | how long steps took |
//! | `v2/receipts` | what effects changed, and in which runs |
//! | `blobs/ab/cdef…` | artifacts by their digests |

mod declared;
mod directory;
mod error;
mod http;
mod objects;
mod open;
mod s3;
mod sign;
mod state;
mod webdav;

pub use declared::{S3, SharedDirectory, SharedIn, WebDav};
pub use error::SharedError;
pub use state::SharedState;
