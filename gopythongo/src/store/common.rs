//! A shelf on a disk whose generations other machines share: who puts generation N first has made it, and all the others take
//! it over.
//!
//! Below shared state, `store/generations/000007` is a generation, put once and never changed, after its blobs; `store/current`
//! is the number of the latest, or of one shortly before it. Stages and allocations are this machine's own. A machine without a
//! connection makes generations of its own, and brings them when nobody else has made one meanwhile; otherwise it stays apart.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    Blobs, Generation, Stage, StoreError,
    allocations::Allocation,
    deb_release::label,
    disk::Disk,
    series::Label,
    shelf::{Guard, Shelf},
};
use crate::{
    shared::SharedState,
    support::{Digest, Durability, write_atomic},
};

/// How many generations are looked for behind the one that is said to be the latest.
const BEHIND: u64 = 1000;

/// The most bytes of a wheel's metadata.
const METADATA: u64 = 64 << 20;

const CURRENT: &str = "store/current";

/// A disk, and what others see of it.
#[derive(Debug)]
pub(super) struct Common {
    disk: Disk,
    blobs: Blobs,
    state: Arc<SharedState>,
    /// The file with the number of the latest generation that is shared and on this disk.
    mark: PathBuf,
    /// Whether this machine's generations are others than those that are shared.
    apart: AtomicBool,
}

impl Common {
    pub(super) fn new(directory: &Path, state: Arc<SharedState>) -> Self {
        Self {
            disk: Disk::new(directory),
            blobs: Blobs::new(directory.join("blobs")),
            state,
            mark: directory.join("shared"),
            apart: AtomicBool::new(false),
        }
    }

    fn marked(&self) -> u64 {
        fs::read_to_string(&self.mark).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    fn mark(&self, number: u64) -> Result<(), StoreError> {
        let text = format!("{number}\n");
        write_atomic(&self.mark, text.as_bytes(), Durability::Synced)
            .map_err(StoreError::io("cannot write", &self.mark))
    }

    /// The number that is said to be the latest; `None` if nobody answers.
    fn said(&self) -> Option<u64> {
        let said = self.state.find(CURRENT)?;
        Some(said.and_then(|bytes| String::from_utf8(bytes).ok()?.trim().parse().ok()).unwrap_or(0))
    }

    /// A generation that is shared; `None` if there is none, or it cannot be had.
    fn shared(&self, number: u64) -> Option<Generation> {
        let bytes = self.state.read(&name(number))?;
        let (digest, json) = bytes.split_at_checked(65)?;
        let sound = digest[..64] == *Digest::of(json).to_string().as_bytes();
        let generation = serde_json::from_slice(json).ok().filter(|found: &Generation| sound && found.number == number);
        if generation.is_none() {
            self.state.damaged(&name(number), "it is no generation");
        }
        generation
    }

    /// Takes over what others have made since; asks whether there is more than is said if `beyond`.
    fn take_over(&self, beyond: bool) -> Result<(), StoreError> {
        let (own, marked) = (self.disk.number()?, self.marked());
        let Some(said) = self.said() else { return Ok(()) };
        let mut theirs = Vec::new();
        // a machine without any needs only the latest; another needs all, to find what it made itself before it was killed
        let first = if own == 0 { said.max(1) } else { marked + 1 };
        for number in first..first.saturating_add(BEHIND) {
            if number > said && !beyond {
                break;
            }
            let Some(generation) = self.shared(number) else { break };
            theirs.push(generation);
        }
        if own > marked {
            return self.bring_own(marked, said, &theirs);
        }
        for generation in theirs.iter().filter(|generation| generation.number > own) {
            if !self.fetch(generation) {
                return Ok(());
            }
            let synced = digests(&*self.disk.generation(self.disk.number()?)?);
            self.disk.commit(generation, &(&digests(generation) - &synced), &|_| Ok(()))?;
            self.mark(generation.number)?;
        }
        Ok(())
    }

    /// Brings generations that were made without a connection, unless others were made meanwhile.
    fn bring_own(&self, marked: u64, said: u64, theirs: &[Generation]) -> Result<(), StoreError> {
        let own = self.disk.number()?;
        for number in (marked + 1..=own).filter(|number| self.disk.holds(*number)) {
            let generation = self.disk.generation(number)?;
            if is_uncommitted(&generation) {
                self.stay_apart(number, "from uncommitted changes, which nobody else could build again");
                return Ok(());
            }
            let shared = match theirs.iter().find(|found| found.number == number) {
                Some(found) => Some(*found == *generation),
                None if said < number => self.put(&generation, &digests(&generation)),
                None => Some(false),
            };
            match shared {
                Some(true) => self.mark(number)?,
                Some(false) => {
                    self.stay_apart(number, "while others made another");
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn stay_apart(&self, number: u64, how: &str) {
        if !self.apart.swap(true, Ordering::Relaxed) {
            let store = self.mark.parent().unwrap_or(&self.mark).display();
            self.state.warn(format!(
                "this machine has made generation {number} {how}: what others promote is not seen here, nor what is promoted \
                 here there\n  hint: end this machine's own: `rm -r {store}`"
            ));
        }
    }

    /// Fetches what a generation shows; gives whether all of it is here.
    fn fetch(&self, generation: &Generation) -> bool {
        let channels = generation.channels.values();
        let files =
            channels.clone().flat_map(|channel| channel.packages.values().flatten()).flat_map(|release| &release.files);
        let files =
            files.flat_map(|file| [(file.digest, file.size)].into_iter().chain(file.metadata.map(|of| (of, METADATA))));
        let debs = channels.flat_map(|channel| channel.debs.values().flatten()).map(|deb| (deb.digest, deb.size));
        let missing: BTreeSet<(Digest, u64)> =
            files.chain(debs).filter(|(digest, _)| !self.blobs.path(digest).exists()).collect();
        self.state.fetch_blobs(&missing, &self.blobs)
    }

    /// Puts a generation after its blobs. `Some(false)` if there is another of its number, `None` if nobody answers.
    fn put(&self, generation: &Generation, blobs: &BTreeSet<Digest>) -> Option<bool> {
        if self.apart.load(Ordering::Relaxed) || !self.state.put_blobs(blobs, &self.blobs) {
            return None;
        }
        let json = serde_json::to_vec(generation).ok()?;
        let bytes = [Digest::of(&json).to_string().as_bytes(), b"\n", &json].concat();
        let put = self.state.put_new(&name(generation.number), bytes)?;
        if put {
            // what lags is caught up with by whoever promotes next
            self.state.change(CURRENT, |found| {
                let found = found.and_then(|bytes| std::str::from_utf8(bytes).ok()?.trim().parse().ok());
                (found.unwrap_or(0) < generation.number).then(|| format!("{}\n", generation.number).into_bytes())
            });
        }
        Some(put)
    }
}

impl Shelf for Common {
    fn lock(&self) -> Result<Box<dyn Guard + '_>, StoreError> {
        self.disk.lock()
    }

    fn number(&self) -> Result<u64, StoreError> {
        self.disk.number()
    }

    fn holds(&self, number: u64) -> bool {
        self.disk.holds(number)
    }

    fn generation(&self, number: u64) -> Result<Arc<Generation>, StoreError> {
        self.disk.generation(number)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn catch_up(&self, beyond: bool) -> Result<(), StoreError> {
        if self.apart.load(Ordering::Relaxed) { Ok(()) } else { self.take_over(beyond) }
    }

    /// What nobody can be told of now is made here alone, and brought later.
    fn commit(
        &self,
        next: &Generation,
        blobs: &BTreeSet<Digest>,
        reached: &dyn Fn(&'static str) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        // one after another that nobody was told of would leave a hole
        let told = self.marked() + 1 == next.number;
        let put = if told { self.put(next, blobs) } else { None };
        if put == Some(false) {
            return Ok(false);
        }
        self.disk.commit(next, blobs, reached)?;
        if put.is_some() {
            self.mark(next.number)?;
        }
        Ok(true)
    }

    fn staged(&self, run: &str) -> Result<Option<Stage>, StoreError> {
        self.disk.staged(run)
    }

    fn put_stage(&self, stage: &Stage) -> Result<(), StoreError> {
        self.disk.put_stage(stage)
    }

    fn allocate(&self, decide: &mut dyn FnMut(&[Allocation]) -> Option<Allocation>) -> Result<(), StoreError> {
        self.disk.allocate(decide)
    }
}

fn name(number: u64) -> String {
    format!("store/generations/{number:06}")
}

/// All blobs that a generation shows.
fn digests(generation: &Generation) -> BTreeSet<Digest> {
    let channels = generation.channels.values();
    let wheels =
        channels.clone().flat_map(|channel| channel.packages.values().flatten()).flat_map(|release| release.blobs());
    wheels.chain(channels.flat_map(|channel| channel.debs.values().flatten()).map(|deb| deb.digest)).collect()
}

/// Whether a generation shows anything that was built from uncommitted changes.
fn is_uncommitted(generation: &Generation) -> bool {
    let channels = generation.channels.values();
    let wheels =
        channels.clone().flat_map(|channel| channel.packages.values().flatten()).map(|release| &release.version);
    let debs = channels.flat_map(|channel| channel.debs.values().flatten()).map(|deb| &deb.version);
    wheels.chain(debs).any(|version| label(version) == Label::Uncommitted)
}
