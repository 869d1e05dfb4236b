//! Outcomes of pure steps by their keys, and the blobs of their artifacts. Losing it costs time, never truth.

mod entry;
mod latest;
mod lock;
#[cfg(test)]
mod loss_tests;
mod manifest;
mod memory;
mod parts;
mod reason;
mod remote;
mod upkeep;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    run::{Artifact, Outcome},
    shared::SharedState,
    store::Blobs,
    support::{Digest, Durability, Hasher, operations, write_atomic},
};
use entry::{Entry, Reuse};
use latest::{Latest, LatestFile};
use lock::Lock;
pub use lock::Taken;
pub use manifest::Manifests;
pub(crate) use manifest::SOURCE;
pub(crate) use memory::{Known, Memory};
pub use parts::Parts;
use remote::{Parcel, Remote};
pub use upkeep::{Cleared, Holding};

/// The format of the files below the cache's directory. Another program version with another format has its own.
pub(crate) const BUCKET: &str = "v2";

/// Where a blob lies below the directory of all blobs: `ab/cdef…`.
#[must_use]
pub fn blob_path(blobs: &Path, digest: &Digest) -> PathBuf {
    let text = digest.to_string();
    blobs.join(&text[..2]).join(&text[2..])
}

/// Where is remembered, below a cache's directory, what git said of work trees, with digests of sources whose manifests are here.
#[must_use]
pub(crate) fn presents(directory: &Path) -> PathBuf {
    directory.join(BUCKET).join("presents")
}

/// What the cache says of a step.
#[derive(Debug)]
pub enum Lookup {
    /// It passed before with the same key.
    Hit {
        /// What it left.
        outcome: Outcome,
        /// The run in which it passed.
        run: String,
    },
    /// It must run.
    Miss {
        /// Why: the first input that differs from the last time.
        reason: String,
    },
}

/// Outcomes of pure steps in a directory. Several processes may use one: files appear whole, and never change.
///
/// `entries/<digest of step and key>` is an outcome with its key, `latest` holds the latest outcome of every step, by whose
/// key the step's next miss is explained, `sources/` the files of the sources in keys, `blobs/` the artifacts. Nothing is
/// synced: what a power loss tears is a miss.
#[derive(Debug)]
pub struct Cache {
    entries: PathBuf,
    sources: PathBuf,
    blobs: PathBuf,
    latest: LatestFile,
    /// What knows everything in the place of files.
    memory: Option<Memory>,
    manifests: Manifests,
    /// What other machines did.
    remote: Option<Remote>,
    /// Nothing is cleared away while this is held.
    _lock: Option<Lock>,
}

impl Cache {
    /// Opens a cache, making its directory if it is missing.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let lock = Lock::shared(directory)?;
        let cache = Self { _lock: Some(lock), ..Self::places(directory) };
        for directory in [&cache.entries, &cache.sources, &cache.blobs] {
            operations::make_directories(directory)?;
        }
        Ok(cache)
    }

    /// The cache in a directory, for looking: nothing is made or locked.
    #[must_use]
    pub fn read_only(directory: &Path) -> Self {
        Self::places(directory)
    }

    /// The cache of a simulation: what it knows is in memory.
    #[must_use]
    pub(crate) fn in_memory(memory: &Memory) -> Self {
        let (blobs, memory) = (memory.blobs().to_owned(), Some(memory.clone()));
        // below it is nothing, ever
        Self { blobs, memory, ..Self::places(Path::new("/dev/null")) }
    }

    fn places(directory: &Path) -> Self {
        let bucket = directory.join(BUCKET);
        Self {
            entries: bucket.join("entries"),
            sources: bucket.join("sources"),
            blobs: bucket.join("blobs"),
            latest: LatestFile::open(&bucket.join("latest")),
            memory: None,
            manifests: Manifests::default(),
            remote: None,
            _lock: None,
        }
    }

    /// The same cache, with the sources that a run reads: without them a miss is explained by the source as a whole.
    #[must_use]
    pub fn with(self, manifests: &Manifests) -> Self {
        Self { manifests: manifests.clone(), ..self }
    }

    /// The same cache, which asks other machines for what it lacks, and tells them what it learns.
    #[must_use]
    pub fn shared(self, state: Option<Arc<SharedState>>) -> Self {
        Self { remote: state.map(Remote::new), ..self }
    }

    /// Waits until other machines know what this cache learned.
    pub fn finish(&self) {
        if let Some(remote) = &self.remote {
            remote.finish();
        }
    }

    /// Writes down what was used. Without it, it only looks older than it is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self) -> io::Result<()> {
        self.latest.save()
    }

    /// Where the blobs are.
    #[must_use]
    pub fn blobs(&self) -> &Path {
        &self.blobs
    }

    /// Looks up a step by the parts of its key, for a run: what another run left only for itself is a miss.
    #[must_use]
    pub fn lookup(&self, step: &str, parts: &Parts, run: &str) -> Lookup {
        let digest = entry_digest(step, parts);
        if let Some(latest) = self.find_latest(step, &digest) {
            self.latest.used(step, &digest, latest.day);
            return Lookup::Hit { outcome: latest.outcome, run: latest.run };
        }
        let found = match self.find_entry(step, parts, run, &digest) {
            Some(hit @ Lookup::Hit { .. }) => hit,
            miss => match self.find_remote(step, parts, &digest) {
                Some(hit) => hit,
                None => miss.unwrap_or_else(|| self.miss(step, parts)),
            },
        };
        if let Lookup::Hit { outcome, run } = &found {
            if let Some(memory) = &self.memory {
                memory.used(step, digest);
            } else if self.latest.entry(step) != Some(digest) {
                // The next miss is explained by what was used most recently. Without it, it is explained worse.
                let latest = Latest::new(run.clone(), outcome.clone(), Reuse::Everywhere);
                let _ = self.latest.add(step, &digest, &latest);
            }
        }
        found
    }

    /// As [`lookup`](Self::lookup), by somebody who only wants to know: it counts as no use.
    #[must_use]
    pub fn peek(&self, step: &str, parts: &Parts, run: &str) -> Lookup {
        let digest = entry_digest(step, parts);
        let elsewhere = || {
            let Latest { run, outcome, .. } = self.remote.as_ref()?.outcome(step, parts, &digest)?;
            Some(Lookup::Hit { outcome, run })
        };
        if let Some(Latest { run, outcome, .. }) = self.find_latest(step, &digest) {
            return Lookup::Hit { outcome, run };
        }
        match self.find_entry(step, parts, run, &digest) {
            Some(hit @ Lookup::Hit { .. }) => hit,
            miss => elsewhere().or(miss).unwrap_or_else(|| self.miss(step, parts)),
        }
    }

    fn miss(&self, step: &str, parts: &Parts) -> Lookup {
        Lookup::Miss { reason: self.reason(step, parts) }
    }

    /// What a step left last, if it is of this key, is for every run, and is whole.
    fn find_latest(&self, step: &str, digest: &Digest) -> Option<Latest> {
        let latest = self.latest.get(step, digest)?;
        (latest.reuse.is_everywhere() && self.missing(&latest.outcome).is_none()).then_some(latest)
    }

    /// What this machine remembers of a key; `None` if it knows nothing.
    fn find_entry(&self, step: &str, parts: &Parts, run: &str, digest: &Digest) -> Option<Lookup> {
        Some(match self.entry(digest) {
            Ok(Some(Entry { reuse: Reuse::Within(why), run: of, .. })) if of != run => {
                Lookup::Miss { reason: format!("{why} in run {of}") }
            }
            Ok(Some(entry)) if entry.step == step && entry.parts == *parts => match self.missing(&entry.outcome) {
                None => Lookup::Hit { outcome: entry.outcome, run: entry.run },
                Some(reason) => Lookup::Miss { reason },
            },
            Ok(None) => return None,
            Ok(Some(_)) | Err(_) => Lookup::Miss { reason: "what the cache knows of it is damaged".to_owned() },
        })
    }

    /// What another machine did, which this one remembers from now on.
    fn find_remote(&self, step: &str, parts: &Parts, digest: &Digest) -> Option<Lookup> {
        let remote = self.remote.as_ref()?;
        let (outcome, run) = remote.find(step, parts, digest, &Blobs::new(&self.blobs))?;
        // without it, it is asked for again
        let _ = self.remember_for(step, parts, &outcome, &run, Reuse::Everywhere);
        Some(Lookup::Hit { outcome, run })
    }

    /// Remembers an outcome for all runs.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn store(&self, step: &str, parts: &Parts, outcome: &Outcome, run: &str) -> io::Result<()> {
        let entry = self.remember_for(step, parts, outcome, run, Reuse::Everywhere)?;
        if let Some(remote) = &self.remote {
            let sources = Manifests::written(&self.sources, parts);
            let (step, run, blobs) = (step.to_owned(), run.to_owned(), Blobs::new(&self.blobs));
            let digest = entry_digest(&step, parts);
            remote.bring(Parcel { step, digest, entry, outcome: outcome.clone(), run, sources, blobs });
        }
        Ok(())
    }

    /// Remembers an outcome for the run that it belongs to, for its further rounds and for `resume`. Later runs are told
    /// why it is not theirs: `it passed only when it was tried again`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn store_within(&self, step: &str, parts: &Parts, outcome: &Outcome, run: &str, why: &str) -> io::Result<()> {
        self.remember_for(step, parts, outcome, run, Reuse::Within(why.to_owned())).map(drop)
    }

    fn remember_for(
        &self,
        step: &str,
        parts: &Parts,
        outcome: &Outcome,
        run: &str,
        reuse: Reuse,
    ) -> io::Result<Vec<u8>> {
        let digest = entry_digest(step, parts);
        let (run, outcome) = (run.to_owned(), outcome.clone());
        let entry = Entry { step: step.to_owned(), run, parts: parts.clone(), outcome, reuse };
        if let Some(memory) = &self.memory {
            memory.put(digest, entry);
            return Ok(Vec::new());
        }
        self.manifests.write(&self.sources, parts)?;
        let bytes = entry.to_bytes()?;
        write_atomic(&self.entry_path(&digest), &bytes, Durability::Cached)?;
        let Entry { run, outcome, reuse, .. } = entry;
        self.latest.add(step, &digest, &Latest::new(run, outcome, reuse))?;
        Ok(bytes)
    }

    /// Takes a file over into the blobs; it may be gone from where it was.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn put_artifact(&self, file: &Path) -> io::Result<Artifact> {
        let name = file.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| io::Error::other(format!("`{}` has no name in UTF-8", file.display())))?;
        let (digest, size) = Blobs::new(&self.blobs).take_file(file)?;
        Ok(Artifact { file: name.to_owned(), digest, size })
    }

    fn entry_path(&self, digest: &Digest) -> PathBuf {
        self.entries.join(digest.to_string())
    }

    /// The entry of a digest, if there is one; an error if it cannot be understood.
    fn entry(&self, digest: &Digest) -> io::Result<Option<Entry>> {
        if let Some(memory) = &self.memory {
            return Ok(memory.entry(digest).map(|entry| Entry::clone(&entry)));
        }
        match fs::read(self.entry_path(digest)) {
            Ok(bytes) => Entry::from_bytes(&bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn reason(&self, step: &str, parts: &Parts) -> String {
        let between = |last: &Entry| {
            let expanded = |parts| self.manifests.expanded(&self.sources, parts);
            reason::between(&expanded(&last.parts), &expanded(parts))
        };
        let latest = self.memory.as_ref().map_or_else(|| self.latest.entry(step), |memory| memory.latest(step));
        let Some(digest) = latest else {
            let elsewhere = self.last_elsewhere(step);
            return elsewhere.map_or_else(|| "never ran before".to_owned(), |last| between(&last));
        };
        match self.entry(&digest) {
            Ok(Some(last)) => between(&last),
            Ok(None) => "what it left last time was cleared from the cache".to_owned(),
            Err(_) => "what the cache knows of its last run is damaged".to_owned(),
        }
    }

    /// What a step that never ran here left last on another machine.
    fn last_elsewhere(&self, step: &str) -> Option<Entry> {
        let remote = self.remote.as_ref()?;
        let last = remote.last(step)?;
        for (digest, path) in Manifests::written(&self.sources, &last.parts) {
            if let Some(bytes) = Some(()).filter(|()| !path.exists()).and_then(|()| remote.source(&digest)) {
                // without it the miss is explained by the source as a whole
                let _ = write_atomic(&path, &bytes, Durability::Cached);
            }
        }
        Some(last)
    }

    /// The artifact whose bytes are gone, in words.
    fn missing(&self, outcome: &Outcome) -> Option<String> {
        outcome.artifacts.iter().find_map(|(name, artifact)| {
            match fs::metadata(blob_path(&self.blobs, &artifact.digest)) {
                Ok(metadata) if metadata.len() == artifact.size => None,
                Ok(_) => Some(format!("its {name} `{}` is damaged in the cache", artifact.file)),
                Err(_) => Some(format!("its {name} `{}` is no longer in the cache", artifact.file)),
            }
        })
    }
}

/// The digest of a step with its key: steps of two jobs with the same sources have outcomes of their own.
fn entry_digest(step: &str, parts: &Parts) -> Digest {
    let mut hasher = Hasher::new();
    hasher.part(step).part(parts.digest().bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn parts(pairs: &[(&str, &str)]) -> Parts {
        pairs.iter().copied().collect()
    }

    fn outcome(fact: &str) -> Outcome {
        Outcome { facts: BTreeMap::from([("fact".to_owned(), fact.to_owned())]), ..Outcome::default() }
    }

    fn words(lookup: Lookup) -> String {
        match lookup {
            Lookup::Hit { outcome, run } => format!("{} of {run}", outcome.facts["fact"]),
            Lookup::Miss { reason } => reason,
        }
    }

    #[test]
    fn the_story_of_a_step() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let cache = Cache::open(directory.path())?;
        let (one, two, three) = (parts(&[("`a.py`", "1")]), parts(&[("`a.py`", "2")]), parts(&[("`a.py`", "3")]));
        assert_eq!(words(cache.lookup("money/pytest", &one, "now")), "never ran before");
        cache.store("money/pytest", &one, &outcome("first"), "run-1")?;
        assert_eq!(words(cache.lookup("money/pytest", &two, "now")), "`a.py` changed");
        cache.store("money/pytest", &two, &outcome("second"), "run-2")?;
        // Another process.
        let cache = Cache::open(directory.path())?;
        assert_eq!(words(cache.lookup("money/pytest", &one, "now")), "first of run-1");
        assert_eq!(words(cache.lookup("money/pytest", &two, "now")), "second of run-2");
        assert_eq!(words(cache.lookup("money/pytest", &three, "now")), "`a.py` changed");
        assert_eq!(words(cache.lookup("shop/pytest:3.11", &one, "now")), "never ran before");
        Ok(())
    }

    #[test]
    fn a_miss_is_explained_by_what_was_used_last() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let cache = Cache::open(directory.path())?;
        let (one, two) = (parts(&[("`a`", "1"), ("`b`", "1")]), parts(&[("`a`", "2"), ("`b`", "1")]));
        cache.store("x/y", &one, &outcome("1"), "r")?;
        cache.store("x/y", &two, &outcome("2"), "r")?;
        assert_eq!(words(cache.lookup("x/y", &one, "now")), "1 of r");
        assert_eq!(words(cache.lookup("x/y", &parts(&[("`a`", "1"), ("`b`", "2")]), "now")), "`b` changed");
        Ok(())
    }

    #[test]
    fn a_hit_needs_its_blobs() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let cache = Cache::open(&directory.path().join("cache"))?;
        let file = directory.path().join("x-1.whl");
        fs::write(&file, "wheel")?;
        let artifact = cache.put_artifact(&file)?;
        assert_eq!((artifact.file.as_str(), artifact.size, artifact.digest), ("x-1.whl", 5, Digest::of("wheel")));
        let blob = blob_path(cache.blobs(), &artifact.digest);
        assert!(fs::metadata(&blob)?.permissions().readonly());
        let outcome = Outcome { artifacts: BTreeMap::from([("wheel".to_owned(), artifact)]), ..outcome("kept") };
        let key = parts(&[("`a`", "1")]);
        cache.store("x/wheel", &key, &outcome, "r")?;
        assert_eq!(words(cache.lookup("x/wheel", &key, "now")), "kept of r");
        fs::remove_file(&blob)?;
        assert_eq!(words(cache.lookup("x/wheel", &key, "now")), "its wheel `x-1.whl` is no longer in the cache");
        fs::write(&blob, "whe")?;
        assert_eq!(words(cache.lookup("x/wheel", &key, "now")), "its wheel `x-1.whl` is damaged in the cache");
        fs::write(&file, "wheel")?;
        cache.put_artifact(&file)?;
        assert_eq!(words(cache.lookup("x/wheel", &key, "now")), "kept of r");
        Ok(())
    }

    #[test]
    fn damage_is_a_miss() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let cache = Cache::open(directory.path())?;
        let key = parts(&[("`a`", "1")]);
        cache.store("x/y", &key, &outcome("1"), "r")?;
        let entry = cache.entry_path(&entry_digest("x/y", &key));
        fs::write(&entry, "{")?;
        let latest = directory.path().join(BUCKET).join("latest");
        fs::write(&latest, fs::read_to_string(&latest)?.replace("\"r\"", "\"s\""))?;
        let cache = Cache::open(directory.path())?;
        assert_eq!(words(cache.lookup("x/y", &key, "now")), "what the cache knows of it is damaged");
        assert_eq!(words(cache.lookup("x/y", &parts(&[]), "now")), "what the cache knows of its last run is damaged");
        fs::remove_file(&entry)?;
        fs::write(directory.path().join(BUCKET).join("latest"), "nonsense")?;
        let cache = Cache::open(directory.path())?;
        assert_eq!(words(cache.lookup("x/y", &key, "now")), "never ran before");
        Ok(())
    }

    #[test]
    fn many_threads_may_store_and_look_up() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let cache = Cache::open(directory.path())?;
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let cache = &cache;
                scope.spawn(move || {
                    for i in 0..25 {
                        let key = parts(&[("`a`", &format!("{}", (i + thread) % 5))]);
                        cache.store("x/y", &key, &outcome("same"), "r").expect("it can be written");
                        assert_eq!(words(cache.lookup("x/y", &key, "now")), "same of r");
                    }
                });
            }
        });
        Ok(())
    }
}
