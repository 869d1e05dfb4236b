//! A shelf in a directory. Several processes may use one.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Blobs, Generation, Stage, StoreError,
    allocations::{Allocation, Allocations},
    apt::{Keyring, View},
    generations::Generations,
    shelf::{Guard, Shelf},
    stage,
};
use crate::support::{Digest, FileLock};

/// What a store keeps below its directory.
#[derive(Debug)]
pub(super) struct Disk {
    directory: PathBuf,
    generations: Generations,
    keyring: Keyring,
}

impl Disk {
    pub(super) fn new(directory: &Path) -> Self {
        let keyring = Keyring::new(directory.join("keyring"));
        Self { directory: directory.to_owned(), generations: Generations::new(directory.to_owned()), keyring }
    }

    /// The same, looking for `gpg` in these directories.
    #[cfg(test)]
    pub(super) fn on_path(mut self, path: &str) -> Self {
        self.keyring = self.keyring.on_path(path);
        self
    }

    fn stage_path(&self, run: &str) -> Result<PathBuf, StoreError> {
        stage::path(&self.directory.join("stages"), run)
    }
}

impl Shelf for Disk {
    fn lock(&self) -> Result<Box<dyn Guard + '_>, StoreError> {
        let path = self.directory.join("lock");
        Ok(Box::new(FileLock::wait(&path).map_err(StoreError::io("cannot lock", &path))?))
    }

    fn number(&self) -> Result<u64, StoreError> {
        self.generations.number()
    }

    fn holds(&self, number: u64) -> bool {
        self.generations.holds(number)
    }

    fn generation(&self, number: u64) -> Result<Arc<Generation>, StoreError> {
        self.generations.get(number)
    }

    /// Blobs first, then their directories, then the generation with its signed apt repository, then the pointer.
    fn commit(
        &self,
        next: &Generation,
        blobs: &BTreeSet<Digest>,
        reached: &dyn Fn(&'static str) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        let own = Blobs::new(self.directory.join("blobs"));
        own.sync(blobs)?;
        reached("blobs synced")?;
        let view = View { store: &self.directory, blobs: own, keyring: &self.keyring };
        let fill = |previous: &Path, into: &Path| {
            view.write(next, previous, into)?;
            reached("repository written")
        };
        self.generations.commit(next, fill, reached)?;
        Ok(true)
    }

    fn staged(&self, run: &str) -> Result<Option<Stage>, StoreError> {
        stage::read(&self.stage_path(run)?)
    }

    fn put_stage(&self, stage: &Stage) -> Result<(), StoreError> {
        stage::write(&self.stage_path(&stage.run)?, stage)
    }

    fn allocate(&self, decide: &mut dyn FnMut(&[Allocation]) -> Option<Allocation>) -> Result<(), StoreError> {
        let (mut file, allocations) = Allocations::open(&self.directory.join("allocations.ndjson"))?;
        decide(&allocations).map_or(Ok(()), |record| file.append(&record))
    }
}
