//! What a cache knows, kept in memory: for simulations, which put it back to what it was.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::entry::Entry;
use crate::support::Digest;

/// Entries that no other process sees; the bytes of artifacts are files. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    held: Arc<Mutex<Known>>,
    blobs: PathBuf,
}

/// Everything that was known at some moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    entries: HashMap<Digest, Arc<Entry>>,
    /// By step: its latest outcome, by which its next miss is explained.
    latest: HashMap<String, Digest>,
}

impl Memory {
    /// Nothing is known, and bytes are in a directory that exists.
    pub(crate) fn new(blobs: &Path) -> Self {
        Self { held: Arc::default(), blobs: blobs.to_owned() }
    }

    /// What is known now.
    pub(crate) fn known(&self) -> Known {
        self.get().clone()
    }

    /// Puts back what was known at another moment.
    pub(crate) fn put_back(&self, known: Known) {
        *self.get() = known;
    }

    pub(super) fn blobs(&self) -> &Path {
        &self.blobs
    }

    pub(super) fn entry(&self, digest: &Digest) -> Option<Arc<Entry>> {
        self.get().entries.get(digest).cloned()
    }

    pub(super) fn latest(&self, step: &str) -> Option<Digest> {
        self.get().latest.get(step).copied()
    }

    pub(super) fn put(&self, digest: Digest, entry: Entry) {
        let mut known = self.get();
        known.latest.insert(entry.step.clone(), digest);
        known.entries.insert(digest, Arc::new(entry));
    }

    pub(super) fn used(&self, step: &str, digest: Digest) {
        self.get().latest.insert(step.to_owned(), digest);
    }

    fn get(&self) -> MutexGuard<'_, Known> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Cache, *};
    use crate::{
        cache::{Lookup, Parts},
        run::Outcome,
    };

    fn said(lookup: Lookup) -> String {
        match lookup {
            Lookup::Hit { run, .. } => format!("of {run}"),
            Lookup::Miss { reason } => reason,
        }
    }

    /// What a cache says while steps are looked up and remembered.
    fn story(open: &dyn Fn() -> Cache) -> Vec<String> {
        let key = |source: &str, tool: &str| Parts::from_iter([("`a.py`", source), ("flake8", tool)]);
        let outcome = Outcome::default();
        let mut told = Vec::new();
        let cache = open();
        told.push(said(cache.lookup("money/flake8", &key("1", "7"), "r1")));
        cache.store("money/flake8", &key("1", "7"), &outcome, "r1").expect("space");
        told.push(said(cache.lookup("money/flake8", &key("2", "7"), "r1")));
        cache.store("money/flake8", &key("2", "7"), &outcome, "r2").expect("space");
        // another run
        let cache = open();
        told.push(said(cache.lookup("money/flake8", &key("2", "7"), "r3")));
        told.push(said(cache.lookup("money/flake8", &key("1", "7"), "r3")));
        told.push(said(cache.lookup("money/flake8", &key("1", "8"), "r3")));
        told.push(said(cache.lookup("catalog/flake8", &key("1", "7"), "r3")));
        cache.store_within("catalog/flake8", &key("1", "7"), &outcome, "r3", "it is volatile").expect("space");
        told.push(said(cache.lookup("catalog/flake8", &key("1", "7"), "r3")));
        told.push(said(cache.lookup("catalog/flake8", &key("1", "7"), "r4")));
        told
    }

    #[test]
    fn it_says_what_one_in_a_directory_says() {
        let directory = tempfile::tempdir().expect("space");
        let memory = Memory::new(directory.path());
        let in_memory = story(&|| Cache::in_memory(&memory));
        let in_directory = story(&|| Cache::open(directory.path()).expect("space"));
        assert_eq!(in_memory, in_directory);
        assert_eq!(
            in_memory,
            [
                "never ran before",
                "`a.py` changed",
                "of r2",
                "of r1",
                "flake8 changed",
                "never ran before",
                "of r3",
                "it is volatile in run r3",
            ]
        );
    }

    #[test]
    fn it_can_be_put_back() {
        let memory = Memory::new(Path::new("/nonexistent"));
        let cache = Cache::in_memory(&memory);
        let before = memory.known();
        cache.store("money/flake8", &Parts::default(), &Outcome::default(), "r1").expect("space");
        let after = memory.known();
        memory.put_back(before);
        assert_eq!(said(cache.lookup("money/flake8", &Parts::default(), "r2")), "never ran before");
        memory.put_back(after);
        assert_eq!(said(cache.lookup("money/flake8", &Parts::default(), "r2")), "of r1");
    }
}
