//! The store itself: what is under its lock.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use pep440_rs::Version;

use super::{
    Blobs, Generation, PromoteError, Promotion, Release, Settled, Stage, StoreError,
    allocations::{Allocation, Allocations},
    generations::Generations,
    promotion,
    series::Series,
    settlement, stage, upload,
};
use crate::{
    support::{Digest, FileLock},
    version::VersionPlan,
};

/// A store in a directory. Several processes may use one; commits are serialised by its lock.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
    generations: Generations,
    #[cfg(test)]
    pub(super) tap: super::tests::Tap,
}

impl Store {
    /// Opens a store, making its directory if it is missing.
    ///
    /// # Errors
    /// When the directory cannot be made, or its current generation cannot be read.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(directory).map_err(StoreError::io("cannot make", directory))?;
        let store = Self {
            directory: directory.to_owned(),
            generations: Generations::new(directory.to_owned()),
            #[cfg(test)]
            tap: super::tests::Tap::default(),
        };
        store.current()?;
        Ok(store)
    }

    /// Its blobs.
    #[must_use]
    pub fn blobs(&self) -> Blobs {
        Blobs::new(self.directory.join("blobs"))
    }

    /// The current generation.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn current(&self) -> Result<Arc<Generation>, StoreError> {
        self.generations.current()
    }

    /// An earlier generation, by its number; 0 is the empty one.
    ///
    /// # Errors
    /// When it cannot be read, or there is none of that number.
    pub fn generation(&self, number: u64) -> Result<Arc<Generation>, StoreError> {
        self.generations.get(number)
    }

    /// Allocates a version for a build of `package`: the number that the plan wants, or the next one that nobody has. A
    /// reservation holds its number for good, since its owner may be building. Versions with a local label take their
    /// numbers from the same series. Asking again in the same run gives the same version. A final version has no number: it
    /// is given as it is.
    ///
    /// # Errors
    /// When the allocation cannot be written.
    pub fn reserve(&self, run: &str, package: &str, plan: &VersionPlan) -> Result<Version, StoreError> {
        let series = Series::of_plan(plan);
        if series.is_final() {
            return Ok(plan.version(plan.number));
        }
        let _lock = self.lock()?;
        let (mut file, allocations) = Allocations::open(&self.directory.join("allocations.ndjson"))?;
        if let Some(version) = allocations.iter().find_map(|record| record.answers(run, package, plan)) {
            return Ok(version.clone());
        }
        let current = self.current()?;
        let released = current.everywhere(package).filter_map(|release| {
            let (own, number) = Series::of(&release.parsed()?);
            number.filter(|_| own == series)
        });
        let taken: BTreeSet<u64> =
            allocations.iter().filter_map(|record| record.takes(package, &series)).chain(released).collect();
        let number = (plan.number..).find(|number| !taken.contains(number)).unwrap_or(plan.number);
        let version = plan.version(number);
        file.append(&Allocation::Reserved {
            run: run.to_owned(),
            package: package.to_owned(),
            base: plan.base.clone(),
            numbering: plan.numbering,
            wanted: plan.number,
            number,
            local: plan.local.clone(),
            version: version.clone(),
        })?;
        Ok(version)
    }

    /// Says which payload an allocated version got. A release with the same payload is used again: the channel's newest one,
    /// or one of the same base and numbering from any channel or from this run's stage. A build without a local label never
    /// uses bytes again that have one; a build with one prefers bytes without.
    ///
    /// # Errors
    /// When the version is in a channel with another payload (names both commits), or the record cannot be written.
    pub fn settle(
        &self,
        run: &str,
        package: &str,
        version: &Version,
        payload: &Digest,
        channel: &str,
        commit: Option<&str>,
    ) -> Result<Settled, StoreError> {
        let _lock = self.lock()?;
        let build = settlement::Build { package, version, payload, channel, commit };
        let settled = settlement::settle(&build, &*self.current()?, self.staged(run)?.as_ref())?;
        let (mut file, allocations) = Allocations::open(&self.directory.join("allocations.ndjson"))?;
        let record = Allocation::Settled {
            run: run.to_owned(),
            package: package.to_owned(),
            version: version.clone(),
            payload: *payload,
            commit: commit.map(str::to_owned),
        };
        if !allocations.contains(&record) {
            file.append(&record)?;
        }
        Ok(settled)
    }

    /// A run's stage; made on the current generation if there is none.
    ///
    /// # Errors
    /// When it cannot be read or written, or is for another channel.
    pub fn stage(&self, run: &str, channel: &str) -> Result<Stage, StoreError> {
        let _lock = self.lock()?;
        if let Some(stage) = self.staged(run)? {
            return if stage.channel == channel {
                Ok(stage)
            } else {
                let message = format!("the stage of run `{run}` is for `{}`, not for `{channel}`", stage.channel);
                Err(StoreError::new(message))
            };
        }
        let stage = Stage::new(run, channel, self.generations.number()?);
        stage::write(&self.stage_path(run)?, &stage)?;
        Ok(stage)
    }

    /// A run's stage, if it has one.
    ///
    /// # Errors
    /// When it cannot be read, or `run` is no run's id.
    pub fn staged(&self, run: &str) -> Result<Option<Stage>, StoreError> {
        stage::read(&self.stage_path(run)?)
    }

    /// Changes a run's stage, under the store's lock, synced.
    ///
    /// # Errors
    /// When the run has none, or it cannot be written.
    pub fn update_stage(&self, run: &str, change: impl FnOnce(&mut Stage)) -> Result<Stage, StoreError> {
        let _lock = self.lock()?;
        let before = self.staged(run)?.ok_or_else(|| StoreError::new(format!("run `{run}` has no stage")))?;
        let mut stage = before.clone();
        change(&mut stage);
        if stage != before {
            stage::write(&self.stage_path(run)?, &stage)?;
        }
        Ok(stage)
    }

    /// Promotes everything in a run's stage: compare-and-set against what the run resolved. Asking again finds it done. If the
    /// channel already is what it would be, no generation is made, and the current one is told.
    ///
    /// # Errors
    /// When the channel moved, a rule refuses the set, or the store cannot be written; nothing has then changed.
    pub fn promote(&self, run: &str) -> Result<Promotion, PromoteError> {
        let _lock = self.lock()?;
        if let Some(promotion) = self.promoted(run)? {
            return Ok(promotion);
        }
        let current = self.current()?;
        let Some(stage) = self.staged(run)? else {
            return Ok(Promotion { generation: current.number, set: Default::default() });
        };
        let base = self.generation(stage.base)?;
        match promotion::promote(&stage, &base, &current)? {
            Some(next) => Ok(self.commit(&next, stage.staged.values())?),
            None => {
                let newest = |(name, staged): (&String, &Release)| {
                    let newest = current.newest(&stage.channel, name).unwrap_or(staged);
                    (name.clone(), newest.version.clone())
                };
                Ok(Promotion { generation: current.number, set: stage.staged.iter().map(newest).collect() })
            }
        }
    }

    /// The version under which the newest release below a run's stage is what a build of `version` with this payload would
    /// be; `None` if it is something else.
    ///
    /// # Errors
    /// When the stage or its generation cannot be read.
    pub(crate) fn standing_for(
        &self,
        run: &str,
        channel: &str,
        package: &str,
        version: &Version,
        payload: &Digest,
    ) -> Result<Option<String>, StoreError> {
        let base = match self.staged(run)? {
            Some(stage) => self.generation(stage.base)?,
            None => self.current()?,
        };
        let newest = base.newest(channel, package).filter(|newest| settlement::stands_for(newest, version, payload));
        Ok(newest.map(|newest| newest.version.clone()))
    }

    /// The generation that a run's stage was promoted in, if it was.
    ///
    /// # Errors
    /// When generations cannot be read.
    pub fn promoted(&self, run: &str) -> Result<Option<Promotion>, StoreError> {
        let Some(stage) = self.staged(run)? else { return Ok(None) };
        for number in (stage.base + 1..=self.generations.number()?).rev() {
            let generation = self.generation(number)?;
            if generation.run == run {
                return Ok(Some(Promotion { generation: number, set: generation.set.clone() }));
            }
        }
        Ok(None)
    }

    /// Moves a run's stage onto the current generation; gives the names whose newest release is another one now. What the run
    /// resolved stays as it was until its resolve steps say anew, so that nothing is promoted untested; what it staged and
    /// another run has promoted meanwhile is dropped. A run that was promoted stays where it is.
    ///
    /// # Errors
    /// When the run has no stage, or it cannot be read or written.
    pub fn rebase(&self, run: &str) -> Result<Vec<String>, StoreError> {
        let _lock = self.lock()?;
        let mut stage = self.staged(run)?.ok_or_else(|| StoreError::new(format!("run `{run}` has no stage")))?;
        if self.promoted(run)?.is_some() {
            return Ok(Vec::new());
        }
        let current = self.current()?;
        let moved = promotion::moved(&stage, &*self.generation(stage.base)?, &current);
        if stage.base != current.number {
            stage.base = current.number;
            let channel = stage.channel.clone();
            stage.staged.retain(|name, staged| promotion::public(&channel, name, staged, &current).is_none());
            stage::write(&self.stage_path(run)?, &stage)?;
        }
        Ok(moved)
    }

    /// Takes an upload from outside (twine): one or more files of a release, whose blobs are there, into a channel. The same
    /// files again are fine and change nothing; further files are added to the release.
    ///
    /// # Errors
    /// When a file's name is taken by other bytes, its label keeps it out of the channel, or the store cannot be written;
    /// nothing has then changed.
    pub fn upload(&self, channel: &str, package: &str, release: Release) -> Result<Promotion, StoreError> {
        let _lock = self.lock()?;
        let current = self.current()?;
        match upload::upload(channel, package, &release, &current)? {
            Some(next) => self.commit(&next, [&release]),
            None => {
                let set = [(package.to_owned(), release.version)].into();
                Ok(Promotion { generation: current.number, set })
            }
        }
    }

    /// Makes a generation current: blobs first, then their directories, then its file, then the pointer.
    fn commit<'a>(
        &self,
        next: &Generation,
        releases: impl IntoIterator<Item = &'a Release>,
    ) -> Result<Promotion, StoreError> {
        self.reached("decided")?;
        self.blobs().sync(&releases.into_iter().flat_map(Release::blobs).collect())?;
        self.reached("blobs synced")?;
        self.generations.commit(next, |point| self.reached(point))?;
        Ok(Promotion { generation: next.number, set: next.set.clone() })
    }

    fn lock(&self) -> Result<FileLock, StoreError> {
        let path = self.directory.join("lock");
        FileLock::wait(&path).map_err(StoreError::io("cannot lock", &path))
    }

    fn stage_path(&self, run: &str) -> Result<PathBuf, StoreError> {
        stage::path(&self.directory.join("stages"), run)
    }

    /// Tests look at the directory, or fail, between any two writes.
    #[cfg(test)]
    fn reached(&self, point: &'static str) -> Result<(), StoreError> {
        self.tap.reached(point)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the shape of the one for tests")]
    fn reached(&self, _point: &'static str) -> Result<(), StoreError> {
        Ok(())
    }
}
