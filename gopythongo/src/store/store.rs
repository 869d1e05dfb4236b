//! The store itself: what is decided under its lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use pep440_rs::Version;

use super::{
    Blobs, DebRelease, Generation, PromoteError, Promotion, Release, Settled, Stage, StoreError,
    allocations::Allocation, apt, common::Common, deb_promotion, deb_series::DebSeries, disk::Disk, generations,
    memory::Memory, promotion, series::Series, settlement, shelf::Shelf, upload,
};
use crate::{
    shared::SharedState,
    support::{Digest, operations},
    version::VersionPlan,
};

/// How often a promotion begins again because another machine was faster.
const ROUNDS: u32 = 20;

/// A store in a directory. Several processes may use one; commits are serialised by its lock.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
    shelf: Arc<dyn Shelf>,
    #[cfg(test)]
    pub(super) tap: super::tests::Tap,
}

/// The apt repository, as clients on this machine find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its suites: the channels that show packages.
    pub suites: Vec<String>,
    /// Its directory, for sources with `file:`; what it shows is always the current generation.
    pub path: PathBuf,
    /// The key that signs it, armoured, for `signed-by`; `None` if it is not signed.
    pub key: Option<PathBuf>,
}

/// The version of a Debian package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocatedDeb {
    /// The Debian version.
    pub version: String,
    /// The release with the same payload whose bytes are used again; `None` for a version of its own.
    pub existing: Option<DebRelease>,
}

impl Store {
    /// Opens a store, making its directory if it is missing.
    ///
    /// # Errors
    /// When the directory cannot be made, or its current generation cannot be read.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        make(directory)?;
        let store = Self::on(directory, Arc::new(Disk::new(directory)));
        store.current()?;
        Ok(store)
    }

    /// Opens a store whose generations other machines share, and takes over what they have made since.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when what others made cannot be written. What cannot be had is missing.
    pub fn open_shared(directory: &Path, state: Arc<SharedState>) -> Result<Self, StoreError> {
        make(directory)?;
        let store = Self::on(directory, Arc::new(Common::new(directory, state)));
        let lock = store.shelf.lock()?;
        store.shelf.catch_up(false)?;
        drop(lock);
        store.current()?;
        Ok(store)
    }

    /// A store whose blobs alone are files, below a directory; everything else is in memory, and nobody else sees it. Its
    /// apt repository is what its generations say, and has no files.
    pub(crate) fn in_memory(directory: &Path) -> (Self, Memory) {
        let memory = Memory::default();
        (Self::on(directory, Arc::new(memory.clone())), memory)
    }

    pub(super) fn on(directory: &Path, shelf: Arc<dyn Shelf>) -> Self {
        Self {
            directory: directory.to_owned(),
            shelf,
            #[cfg(test)]
            tap: super::tests::Tap::default(),
        }
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
        self.shelf.generation(self.shelf.number()?)
    }

    /// An earlier generation, by its number; 0 is the empty one.
    ///
    /// # Errors
    /// When it cannot be read, or there is none of that number.
    pub fn generation(&self, number: u64) -> Result<Arc<Generation>, StoreError> {
        self.shelf.generation(number)
    }

    /// The apt repository of the current generation; `None` if no package was promoted yet.
    ///
    /// # Errors
    /// When the current generation cannot be read.
    pub fn repository(&self) -> Result<Option<Repository>, StoreError> {
        let current = self.current()?;
        let apt = self.generation_directory(current.number).join("apt");
        if !apt.is_dir() {
            return Ok(None);
        }
        let has_packages = |name: &&String| !current.channel(name).debs.is_empty();
        let suites = current.channels.keys().filter(has_packages).cloned().collect();
        let path = self.directory.join("current/apt");
        let key = Some(path.join("key.asc")).filter(|key| key.exists());
        Ok(Some(Repository { suites, path, key }))
    }

    /// The directory of an earlier generation or the current one: `generation.json`, and `apt` if it has Debian packages.
    #[must_use]
    pub(crate) fn generation_directory(&self, number: u64) -> PathBuf {
        generations::path(&self.directory, number)
    }

    /// The store's own directory.
    #[must_use]
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
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
        let _lock = self.shelf.lock()?;
        let current = self.current()?;
        let mut given = plan.version(plan.number);
        self.shelf.allocate(&mut |allocations| {
            if let Some(version) = allocations.iter().find_map(|record| record.answers(run, package, plan)) {
                given = version.clone();
                return None;
            }
            let released = current.everywhere(package).filter_map(|release| {
                let (own, number) = Series::of(&release.parsed()?);
                number.filter(|_| own == series)
            });
            let taken: BTreeSet<u64> =
                allocations.iter().filter_map(|record| record.takes(package, &series)).chain(released).collect();
            let number = (plan.number..).find(|number| !taken.contains(number)).unwrap_or(plan.number);
            given = plan.version(number);
            Some(Allocation::Reserved {
                run: run.to_owned(),
                package: package.to_owned(),
                base: plan.base.clone(),
                numbering: plan.numbering,
                wanted: plan.number,
                number,
                local: plan.local.clone(),
                version: given.clone(),
            })
        })?;
        Ok(given)
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
        let _lock = self.shelf.lock()?;
        let build = settlement::Build { package, version, payload, channel, commit };
        let settled = settlement::settle(&build, &*self.current()?, self.staged(run)?.as_ref())?;
        let record = Allocation::Settled {
            run: run.to_owned(),
            package: package.to_owned(),
            version: version.clone(),
            payload: *payload,
            commit: commit.map(str::to_owned),
        };
        self.shelf.allocate(&mut |allocations| (!allocations.contains(&record)).then(|| record.clone()))?;
        Ok(settled)
    }

    /// Allocates the version of a run's Debian package, whose payload is known. The same payload as the run's staged release
    /// or the channel's newest one is that release again, with its bytes. Another payload gets the next number of the
    /// package's own series, which begins at the number of the application's version `upstream`: `0.7.0.dev3` gives
    /// `0.7.0~dev3` or later, `0.7.0rc1` gives `0.7.0~rc1`, `0.7.0` gives `0.7.0-1`; a local label is kept. Numbers only
    /// rise, since apt takes the highest. Asking again in the same run gives the same version.
    ///
    /// # Errors
    /// When the store cannot be read or the allocation not be written.
    pub fn allocate_deb(
        &self,
        run: &str,
        package: &str,
        upstream: &Version,
        payload: &Digest,
        channel: &str,
        commit: Option<&str>,
    ) -> Result<AllocatedDeb, StoreError> {
        let _lock = self.shelf.lock()?;
        let series = DebSeries::of(upstream);
        let current = self.current()?;
        let build = deb_promotion::Build { package, series: &series, payload, channel };
        if let Some(release) = deb_promotion::existing(&build, &current, self.staged(run)?.as_ref()) {
            return Ok(AllocatedDeb { version: release.version.clone(), existing: Some(release.clone()) });
        }
        let mut given = String::new();
        self.shelf.allocate(&mut |allocations| {
            let answer = allocations.iter().find_map(|record| record.answers_deb(run, package, upstream, payload));
            if let Some(version) = answer {
                given.clone_from(version);
                return None;
            }
            let taken = allocations.iter().filter_map(|record| record.takes_deb(package, &series));
            let highest = taken.chain(deb_promotion::released(package, &series, &current)).max();
            let number = highest.map_or(series.start, |highest| series.start.max(highest + 1));
            given = series.version(number);
            Some(Allocation::Deb {
                run: run.to_owned(),
                package: package.to_owned(),
                upstream: upstream.clone(),
                payload: *payload,
                version: given.clone(),
                commit: commit.map(str::to_owned),
            })
        })?;
        Ok(AllocatedDeb { version: given, existing: None })
    }

    /// A run's stage; made on the current generation if there is none.
    ///
    /// # Errors
    /// When it cannot be read or written, or is for another channel.
    pub fn stage(&self, run: &str, channel: &str) -> Result<Stage, StoreError> {
        let _lock = self.shelf.lock()?;
        if let Some(stage) = self.staged(run)? {
            return if stage.channel == channel {
                Ok(stage)
            } else {
                let message = format!("the stage of run `{run}` is for `{}`, not for `{channel}`", stage.channel);
                Err(StoreError::new(message))
            };
        }
        let stage = Stage::new(run, channel, self.shelf.number()?);
        self.shelf.put_stage(&stage)?;
        Ok(stage)
    }

    /// A run's stage, if it has one.
    ///
    /// # Errors
    /// When it cannot be read, or `run` is no run's id.
    pub fn staged(&self, run: &str) -> Result<Option<Stage>, StoreError> {
        self.shelf.staged(run)
    }

    /// Changes a run's stage, under the store's lock, synced.
    ///
    /// # Errors
    /// When the run has none, or it cannot be written.
    pub fn update_stage(&self, run: &str, change: impl FnOnce(&mut Stage)) -> Result<Stage, StoreError> {
        let _lock = self.shelf.lock()?;
        let before = self.staged(run)?.ok_or_else(|| StoreError::new(format!("run `{run}` has no stage")))?;
        let mut stage = before.clone();
        change(&mut stage);
        if stage != before {
            self.shelf.put_stage(&stage)?;
        }
        Ok(stage)
    }

    /// Promotes everything in a run's stage: compare-and-set against what the run resolved. Asking again finds it done. If the
    /// channel already is what it would be, no generation is made, and the current one is told.
    ///
    /// # Errors
    /// When the channel moved, a rule refuses the set, or the store cannot be written; nothing has then changed.
    pub fn promote(&self, run: &str) -> Result<Promotion, PromoteError> {
        let _lock = self.shelf.lock()?;
        for _ in 0..ROUNDS {
            self.shelf.catch_up(true)?;
            if let Some(promotion) = self.promote_now(run)? {
                return Ok(promotion);
            }
        }
        Err(outrun().into())
    }

    /// Promotes a run's stage on the current generation; `None` if another machine was faster.
    fn promote_now(&self, run: &str) -> Result<Option<Promotion>, PromoteError> {
        if let Some(promotion) = self.promoted(run)? {
            return Ok(Some(promotion));
        }
        let current = self.current()?;
        let Some(stage) = self.staged(run)? else {
            return Ok(Some(Promotion { generation: current.number, set: Default::default() }));
        };
        let base = self.generation(stage.base)?;
        match promotion::promote(&stage, &base, &current)? {
            Some(next) => {
                if self.shelf.is_shared() {
                    promotion::fit_for_others(&stage)?;
                }
                let wheels = stage.staged.values().flat_map(Release::blobs);
                Ok(self.commit(next, wheels.chain(stage.debs.values().map(|deb| deb.digest)).collect())?)
            }
            None => {
                let newest = |(name, staged): (&String, &Release)| {
                    let newest = current.newest(&stage.channel, name).unwrap_or(staged);
                    (name.clone(), newest.version.clone())
                };
                let mut set: BTreeMap<_, _> = stage.staged.iter().map(newest).collect();
                for (name, deb) in &stage.debs {
                    set.insert(promotion::in_set(&set, name), deb.version.clone());
                }
                Ok(Some(Promotion { generation: current.number, set }))
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
        for number in (stage.base + 1..=self.shelf.number()?).rev() {
            // what other machines made before this one knew of them is not here, and not this run's
            if !self.shelf.holds(number) {
                continue;
            }
            let generation = self.generation(number)?;
            if generation.run == run {
                return Ok(Some(Promotion { generation: number, set: generation.set.clone() }));
            }
        }
        Ok(None)
    }

    /// Moves a run's stage onto the current generation; gives the names whose newest release is another one now. What the run
    /// resolved stays as it was until its resolve steps say anew, so that nothing is promoted untested; what it staged and
    /// another run has promoted meanwhile is dropped, and so are its Debian packages. A run that was promoted stays where it is.
    ///
    /// # Errors
    /// When the run has no stage, or it cannot be read or written.
    pub fn rebase(&self, run: &str) -> Result<Vec<String>, StoreError> {
        let _lock = self.shelf.lock()?;
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
            // a package holds bytes of others: what was packed on the old base is published anew or not at all
            stage.debs.clear();
            self.shelf.put_stage(&stage)?;
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
        let _lock = self.shelf.lock()?;
        for _ in 0..ROUNDS {
            self.shelf.catch_up(true)?;
            let current = self.current()?;
            let promotion = match upload::upload(channel, package, &release, &current)? {
                Some(next) => self.commit(next, release.blobs().collect())?,
                None => {
                    let set = [(package.to_owned(), release.version.clone())].into();
                    Some(Promotion { generation: current.number, set })
                }
            };
            if let Some(promotion) = promotion {
                return Ok(promotion);
            }
        }
        Err(outrun())
    }

    /// Makes a generation current; `None` if another machine was faster.
    fn commit(&self, mut next: Generation, blobs: BTreeSet<Digest>) -> Result<Option<Promotion>, StoreError> {
        self.reached("decided")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        next.time = now.max(self.current()?.time + 1);
        let committed = self.shelf.commit(&next, &blobs, &|point| self.reached(point))?;
        Ok(committed.then_some(Promotion { generation: next.number, set: next.set }))
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

fn outrun() -> StoreError {
    StoreError::new("another machine has promoted meanwhile, and what it made cannot be taken over")
        .hint("run again, or promote on this machine alone with `--shared none`")
}

/// Makes a store's directory, for good.
fn make(directory: &Path) -> Result<(), StoreError> {
    let changed = operations::make_directories(directory).map_err(StoreError::io("cannot make", directory))?;
    changed.iter().try_for_each(|above| apt::sync(above))
}
