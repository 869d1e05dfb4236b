//! Shared state as a run uses it: what cannot be had is missing, whoever does not answer is not asked again, and both are
//! said once.

use std::{
    collections::BTreeSet,
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    SharedError, SharedIn,
    http::Patience,
    objects::{Content, Found, Objects, State, When},
};
use crate::{
    context::{Secret, SecretError, SecretFrom},
    store::Blobs,
    support::Digest,
};

/// How often a change is begun again because somebody else was faster.
const ROUNDS: u32 = 20;

/// How often an object is read whose server breaks off before its end, as some do when somebody else replaces it.
const READINGS: u32 = 5;

/// What fails as fast as this is tried again: a connection that the server had closed.
const AT_ONCE_AGAIN: Duration = Duration::from_secs(1);

/// How many blobs are on their way at once.
const AT_ONCE: usize = 8;

/// The most bytes of an object that is read as a whole: an index of ten thousand steps has five million.
const LARGEST: u64 = 256 << 20;

/// Gives the keys.
type Fetch = dyn Fn(&SecretFrom) -> Result<Secret, SecretError> + Send + Sync;

/// State that a pipeline shares with its other machines.
pub struct SharedState {
    place: SharedIn,
    pipeline: String,
    root: PathBuf,
    patience: Patience,
    fetch: Box<Fetch>,
    may_write: bool,
    objects: OnceLock<Option<Box<dyn Objects>>>,
    broken: AtomicBool,
    said: Mutex<Said>,
}

/// What was said, and what is to be said.
#[derive(Default)]
struct Said {
    damage: bool,
    warnings: Vec<String>,
}

impl fmt::Debug for SharedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedState").field("place", &self.place).field("may_write", &self.may_write).finish()
    }
}

impl SharedState {
    /// Shared state of a pipeline with a root, for somebody who may write; `fetch` gives the keys. Nobody is asked before
    /// something is wanted.
    pub fn new(
        place: SharedIn,
        pipeline: &str,
        root: &Path,
        fetch: impl Fn(&SecretFrom) -> Result<Secret, SecretError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            place,
            pipeline: pipeline.to_owned(),
            root: root.to_owned(),
            patience: Patience::default(),
            fetch: Box::new(fetch),
            may_write: true,
            objects: OnceLock::new(),
            broken: AtomicBool::new(false),
            said: Mutex::default(),
        }
    }

    /// The same for a build of a stranger's: others will never read what it did.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { may_write: false, ..self }
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &SharedIn {
        &self.place
    }

    /// Whether anything is written.
    #[must_use]
    pub fn may_write(&self) -> bool {
        self.may_write && !self.broken.load(Ordering::Relaxed)
    }

    /// What is to be told of it since this was asked last: each thing once.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.said.lock().unwrap_or_else(PoisonError::into_inner).warnings)
    }

    /// The bytes of an object; `None` if there is none, or it cannot be had.
    #[must_use]
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        self.state(name).ok()?.map(|(bytes, _)| bytes)
    }

    /// The bytes of an object, if there is one; `None` if nobody says.
    pub(crate) fn find(&self, name: &str) -> Option<Option<Vec<u8>>> {
        self.state(name).ok().map(|found| found.map(|(bytes, _)| bytes))
    }

    /// Puts an object unless there is one of that name; gives whether it did, or `None` if nobody says.
    pub(crate) fn put_new(&self, name: &str, bytes: Vec<u8>) -> Option<bool> {
        let content = Content::of(bytes);
        let put = || self.ask(|objects| objects.put(name, &content, &When::Absent)).ok();
        if self.may_write() { put() } else { None }
    }

    /// Takes over blobs, several at once; gives whether all are here.
    pub(crate) fn fetch_blobs(&self, wanted: &BTreeSet<(Digest, u64)>, blobs: &Blobs) -> bool {
        all_of(wanted, |(digest, size)| self.fetch_blob(digest, *size, blobs))
    }

    /// Puts blobs, several at once; gives whether all are there.
    pub(crate) fn put_blobs(&self, wanted: &BTreeSet<Digest>, blobs: &Blobs) -> bool {
        all_of(wanted, |digest| {
            let path = blobs.path(digest);
            let size = path.metadata().map(|found| found.len());
            size.is_ok_and(|size| self.put_blob(digest, size, path))
        })
    }

    /// Takes a blob over, if it is there and what its digest says; it has at most `size` bytes.
    pub(crate) fn fetch_blob(&self, digest: &Digest, size: u64, blobs: &Blobs) -> bool {
        let name = blob_name(digest);
        // what is too long is not read to its end
        let damage = match self.read_found(&name, |found| blobs.put_only(found.body.take(size + 1), digest)) {
            Ok(Some(true)) => return true,
            Ok(Some(false)) => "it is not what its name says",
            Ok(None) => "it is gone",
            Err(Unavailable) => return false,
        };
        self.damaged(&name, damage);
        false
    }

    /// Puts an object whose name says what its bytes are. Gives whether it is there now.
    pub fn put(&self, name: &str, bytes: Vec<u8>) -> bool {
        self.put_content(name, &Content::of(bytes))
    }

    /// Puts a blob. Gives whether it is there now.
    pub(crate) fn put_blob(&self, digest: &Digest, size: u64, path: PathBuf) -> bool {
        self.put_content(&blob_name(digest), &Content::of_file(path, *digest, size))
    }

    fn put_content(&self, name: &str, content: &Content) -> bool {
        self.may_write() && self.ask(|objects| objects.put(name, content, &When::Always)).unwrap_or(false)
    }

    /// Changes an object that others change, too: `change` makes the new bytes of those that are there, as often as somebody
    /// else was faster; `None` leaves it as it is. Gives whether it is done.
    pub fn change(&self, name: &str, mut change: impl FnMut(Option<&[u8]>) -> Option<Vec<u8>>) -> bool {
        for _ in 0..ROUNDS {
            if !self.may_write() {
                return false;
            }
            let Ok(found) = self.state(name) else { return false };
            let Some(bytes) = change(found.as_ref().map(|(bytes, _)| bytes.as_slice())) else { return true };
            let when = found.map_or(When::Absent, |(_, state)| When::Is(state));
            match self.ask(|objects| objects.put(name, &Content::of(bytes.clone()), &when)) {
                Ok(true) => return true,
                Ok(false) => {}
                Err(_) => return false,
            }
        }
        false
    }

    /// An object as a whole, and its state.
    fn state(&self, name: &str) -> Result<Option<(Vec<u8>, State)>, Unavailable> {
        self.read_found(name, |found| {
            let mut bytes = Vec::new();
            found.body.take(LARGEST).read_to_end(&mut bytes)?;
            let state = State { digest: Digest::of(&bytes), tag: found.tag };
            Ok::<_, io::Error>((bytes, state))
        })
    }

    /// Asks for an object, if there is one, and reads it: again where it breaks off.
    fn read_found<T, E: fmt::Display>(
        &self,
        name: &str,
        read: impl Fn(Found) -> Result<T, E>,
    ) -> Result<Option<T>, Unavailable> {
        let mut readings = 1;
        loop {
            let Some(found) = self.ask(|objects| objects.get(name))? else { return Ok(None) };
            match read(found) {
                Ok(found) => return Ok(Some(found)),
                Err(_) if readings < READINGS => readings += 1,
                Err(error) => {
                    self.damaged(name, &error.to_string());
                    return Err(Unavailable);
                }
            }
        }
    }

    /// Asks, and once more where that fails quickly. Who fails again is not asked any more.
    fn ask<T>(&self, ask: impl Fn(&dyn Objects) -> Result<T, SharedError>) -> Result<T, Unavailable> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Unavailable);
        }
        let open = || match self.place.open(&self.pipeline, &self.root, self.patience, &self.fetch) {
            Ok(objects) => Some(objects),
            Err(error) => {
                self.give_up(&error);
                None
            }
        };
        let objects = self.objects.get_or_init(open).as_deref().ok_or(Unavailable)?;
        let begin = Instant::now();
        let again = |error| if begin.elapsed() < AT_ONCE_AGAIN { ask(objects) } else { Err(error) };
        ask(objects).or_else(again).map_err(|error| {
            self.give_up(&error);
            Unavailable
        })
    }

    fn give_up(&self, error: &SharedError) {
        if !self.broken.swap(true, Ordering::Relaxed) {
            let hint = error.hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
            self.warn(format!("this run goes on without shared state: {error}{hint}"));
        }
    }

    /// Something is there, and is not what it was. What it stood for is done again, and put anew.
    pub(crate) fn damaged(&self, name: &str, what: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut said.damage, true) {
            said.warnings
                .push(format!("`{name}` in shared state ({}) is damaged, and is not used: {what}", self.place));
        }
    }

    /// Something is to be told once.
    pub(crate) fn warn(&self, warning: String) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).warnings.push(warning);
    }
}

/// It cannot be had; why was said.
#[derive(Debug, Clone, Copy)]
struct Unavailable;

/// Whether something is done for each of these, several at once.
fn all_of<T: Sync>(all: &BTreeSet<T>, act: impl Fn(&T) -> bool + Sync) -> bool {
    let next = Mutex::new(all.iter());
    let take = || next.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || std::iter::from_fn(take).all(&act);
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..all.len().min(AT_ONCE)).map(|_| scope.spawn(work)).collect();
        let own = work();
        helpers.into_iter().all(|helper| helper.join().unwrap_or(false)) && own
    })
}

/// Where the blob of a digest is.
fn blob_name(digest: &Digest) -> String {
    crate::cache::blob_path(Path::new("blobs"), digest).to_string_lossy().into_owned()
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
