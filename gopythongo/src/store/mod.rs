//! The embedded place where packages live: blobs, generations, stages, promotion. The simple index is a view of it.
//!
//! Layout below the state directory: `store/blobs/ab/cdef…`, `store/generations/000001.json`, `store/current`,
//! `store/allocations.ndjson`, `store/stages/RUN.json`, `store/lock`.

mod allocations;
mod blobs;
mod error;
mod generation;
mod generations;
mod promotion;
mod series;
mod settlement;
mod stage;
mod steps;
#[expect(clippy::module_inception, reason = "the noun of this room")]
mod store;
mod upload;

#[cfg(test)]
mod tests;

pub use blobs::Blobs;
pub use error::StoreError;
pub use generation::{Channel, Figure, Generation, Release, StoredFile};
pub use promotion::{PromoteError, Promotion};
pub use settlement::Settled;
pub use stage::Stage;
pub use steps::{Promote, Upload};
pub use store::Store;
