//! Where a store keeps its things: what it asks of a disk, and of what stands for one in a simulation.

use std::{collections::BTreeSet, fmt, sync::Arc};

use super::{Generation, Stage, StoreError, allocations::Allocation};
use crate::support::Digest;

/// Generations, stages and allocations. It decides nothing: what may become of what is the store's business.
pub(super) trait Shelf: fmt::Debug + Send + Sync {
    /// Keeps others from writing until what it gives is dropped.
    fn lock(&self) -> Result<Box<dyn Guard + '_>, StoreError>;

    /// The number of the current generation; 0 for the empty one.
    fn number(&self) -> Result<u64, StoreError>;

    /// Whether that generation is here: earlier ones that other machines made may not be.
    fn holds(&self, number: u64) -> bool;

    /// A generation that is or was current.
    fn generation(&self, number: u64) -> Result<Arc<Generation>, StoreError>;

    /// Whether other machines see what is committed.
    fn is_shared(&self) -> bool {
        false
    }

    /// Makes current what other machines have made; whoever is about to commit looks `beyond` what is said to be the latest.
    fn catch_up(&self, _beyond: bool) -> Result<(), StoreError> {
        Ok(())
    }

    /// Makes a generation the current one, with everything that readers see of it; `reached` is told of every step between
    /// two writes, and an error of it ends the commit there. `false` if another machine has made the one of that number.
    fn commit(
        &self,
        next: &Generation,
        blobs: &BTreeSet<Digest>,
        reached: &dyn Fn(&'static str) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError>;

    /// A run's stage, if it has one.
    fn staged(&self, run: &str) -> Result<Option<Stage>, StoreError>;

    /// Puts a run's stage, in place of the one before.
    fn put_stage(&self, stage: &Stage) -> Result<(), StoreError>;

    /// Shows what was allocated, and keeps what is allocated then, if anything is.
    fn allocate(&self, decide: &mut dyn FnMut(&[Allocation]) -> Option<Allocation>) -> Result<(), StoreError>;
}

/// Whatever ends a lock when it is dropped.
pub(super) trait Guard {}

impl<T> Guard for T {}
