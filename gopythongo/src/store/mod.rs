//! The embedded place where packages live: blobs, generations, stages, promotion. The simple index and the apt repository
//! are views of it.
//!
//! Layout below the state directory:
//!
//! | path | what |
//! |---|---|
//! | `store/blobs/ab/cdef…` | files by their digests |
//! | `store/generations/000001/generation.json` | what all channels held |
//! | `store/generations/000001/apt/` | the apt repository that shows it; `pool` in it is a link to the one pool |
//! | `store/current` | a link to the current generation: the one thing that a promotion changes for readers |
//! | `store/pool/`, `store/by-hash/` | packages and indices of all generations |
//! | `store/shared` | the number of the latest generation that other machines share |
//! | `store/keyring/` | the key that signs |
//! | `store/stages/RUN.json` | what a run has staged |
//! | `store/allocations.ndjson`, `store/lock` | versions that were given out; the lock of who writes |

mod allocations;
mod apt;
mod blobs;
mod common;
mod deb_promotion;
mod deb_release;
mod deb_series;
mod disk;
mod error;
mod figure;
mod generation;
mod generations;
mod memory;
mod promotion;
mod series;
mod settlement;
mod shelf;
mod stage;
mod steps;
#[expect(clippy::module_inception, reason = "the noun of this room")]
mod store;
mod upload;

#[cfg(test)]
mod tests;

pub(crate) use apt::native as debian_architecture;
pub use blobs::Blobs;
pub use deb_release::DebRelease;
pub use error::StoreError;
pub use figure::Figure;
pub use generation::{Channel, Generation, Release, StoredFile};
pub(crate) use memory::{Kept, Memory};
pub use promotion::{PromoteError, Promotion};
pub use settlement::Settled;
pub use stage::Stage;
pub use steps::{Promote, Publish, Upload};
pub use store::{AllocatedDeb, Repository, Store};
