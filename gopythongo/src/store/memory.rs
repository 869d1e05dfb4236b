//! A shelf in memory, for simulations: it can be put back to what it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    Generation, Stage, StoreError,
    allocations::Allocation,
    shelf::{Guard, Shelf},
};
use crate::support::Digest;

/// What a store keeps that no other process sees.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    held: Arc<Mutex<Kept>>,
    writing: Arc<Mutex<()>>,
}

/// Everything that was kept at some moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    /// The first one is number 1.
    generations: Vec<Arc<Generation>>,
    stages: BTreeMap<String, Stage>,
    allocations: Vec<Allocation>,
}

impl Memory {
    /// What is kept now.
    pub(crate) fn kept(&self) -> Kept {
        self.get().clone()
    }

    /// Puts back what was kept at another moment.
    pub(crate) fn put_back(&self, kept: Kept) {
        *self.get() = kept;
    }

    fn get(&self) -> MutexGuard<'_, Kept> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf for Memory {
    fn lock(&self) -> Result<Box<dyn Guard + '_>, StoreError> {
        Ok(Box::new(self.writing.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn number(&self) -> Result<u64, StoreError> {
        Ok(self.get().generations.len() as u64)
    }

    fn holds(&self, number: u64) -> bool {
        self.get().generations.len() as u64 >= number
    }

    fn generation(&self, number: u64) -> Result<Arc<Generation>, StoreError> {
        let kept = self.get();
        let place = usize::try_from(number).unwrap_or(usize::MAX).checked_sub(1);
        let Some(place) = place else { return Ok(Arc::default()) };
        let found = kept.generations.get(place).cloned();
        found.ok_or_else(|| StoreError::new(format!("generation {number} does not exist")))
    }

    fn commit(
        &self,
        next: &Generation,
        _blobs: &BTreeSet<Digest>,
        reached: &dyn Fn(&'static str) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        self.get().generations.push(Arc::new(next.clone()));
        reached("pointer written")?;
        Ok(true)
    }

    fn staged(&self, run: &str) -> Result<Option<Stage>, StoreError> {
        Ok(self.get().stages.get(run).cloned())
    }

    fn put_stage(&self, stage: &Stage) -> Result<(), StoreError> {
        self.get().stages.insert(stage.run.clone(), stage.clone());
        Ok(())
    }

    fn allocate(&self, decide: &mut dyn FnMut(&[Allocation]) -> Option<Allocation>) -> Result<(), StoreError> {
        let mut kept = self.get();
        let record = decide(&kept.allocations);
        kept.allocations.extend(record);
        Ok(())
    }
}
