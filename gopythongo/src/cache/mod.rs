//! Outcomes of pure steps by their keys, and the blobs of their artifacts. Losing it costs time, never truth.

mod entry;
mod reason;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    run::{Artifact, Outcome},
    store::Blobs,
    support::{Digest, Durability, Hasher, write_atomic},
};
use entry::Entry;

/// What a step's id keeps of itself in the name of a file.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The format of the files below the cache's directory. Another program version with another format has its own.
const BUCKET: &str = "v1";

/// Where a blob lies below the directory of all blobs: `ab/cdef…`.
#[must_use]
pub fn blob_path(blobs: &Path, digest: &Digest) -> PathBuf {
    let text = digest.to_string();
    blobs.join(&text[..2]).join(&text[2..])
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
/// `entries/<digest of step and key>` is an outcome with its key, `last/<step>` names the entry that the step's next
/// miss is explained by, `blobs/` holds the artifacts. Nothing is synced: what a power loss tears is a miss.
#[derive(Debug)]
pub struct Cache {
    entries: PathBuf,
    last: PathBuf,
    blobs: PathBuf,
}

impl Cache {
    /// Opens a cache, making its directory if it is missing.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let bucket = directory.join(BUCKET);
        let cache = Self { entries: bucket.join("entries"), last: bucket.join("last"), blobs: bucket.join("blobs") };
        for directory in [&cache.entries, &cache.last, &cache.blobs] {
            fs::create_dir_all(directory)?;
        }
        Ok(cache)
    }

    /// Where the blobs are.
    #[must_use]
    pub fn blobs(&self) -> &Path {
        &self.blobs
    }

    /// Looks up a step by the parts of its key.
    #[must_use]
    pub fn lookup(&self, step: &str, parts: &[(String, String)]) -> Lookup {
        let digest = entry_digest(step, parts);
        match self.entry(&digest) {
            Ok(Some(entry)) if entry.step == step && entry.parts == parts => match self.missing(&entry.outcome) {
                None => {
                    // The next miss is explained by what was used most recently. Without it, it is explained worse.
                    let _ = self.remember(step, &digest);
                    Lookup::Hit { outcome: entry.outcome, run: entry.run }
                }
                Some(reason) => Lookup::Miss { reason },
            },
            Ok(None) => Lookup::Miss { reason: self.reason(step, parts) },
            Ok(Some(_)) | Err(_) => Lookup::Miss { reason: "what the cache knows of it is damaged".to_owned() },
        }
    }

    /// Remembers an outcome.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn store(&self, step: &str, parts: &[(String, String)], outcome: &Outcome, run: &str) -> io::Result<()> {
        let digest = entry_digest(step, parts);
        let entry =
            Entry { step: step.to_owned(), run: run.to_owned(), parts: parts.to_vec(), outcome: outcome.clone() };
        write_atomic(&self.entry_path(&digest), &entry.to_bytes()?, Durability::Cached)?;
        self.remember(step, &digest)
    }

    /// Takes a file into the blobs.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn put_artifact(&self, file: &Path) -> io::Result<Artifact> {
        let name = file.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| io::Error::other(format!("`{}` has no name in UTF-8", file.display())))?;
        let (digest, size) = Blobs::new(&self.blobs).put_file(file)?;
        Ok(Artifact { file: name.to_owned(), digest, size })
    }

    fn entry_path(&self, digest: &Digest) -> PathBuf {
        self.entries.join(digest.to_string())
    }

    /// The entry of a digest, if there is one; an error if it cannot be understood.
    fn entry(&self, digest: &Digest) -> io::Result<Option<Entry>> {
        match fs::read(self.entry_path(digest)) {
            Ok(bytes) => Entry::from_bytes(&bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn last_path(&self, step: &str) -> PathBuf {
        self.last.join(utf8_percent_encode(step, NAME).to_string())
    }

    fn last(&self, step: &str) -> Option<Digest> {
        fs::read_to_string(self.last_path(step)).ok()?.parse().ok()
    }

    fn remember(&self, step: &str, digest: &Digest) -> io::Result<()> {
        if self.last(step) == Some(*digest) {
            return Ok(());
        }
        write_atomic(&self.last_path(step), digest.to_string().as_bytes(), Durability::Cached)
    }

    fn reason(&self, step: &str, parts: &[(String, String)]) -> String {
        let Some(digest) = self.last(step) else { return "never ran before".to_owned() };
        match self.entry(&digest) {
            Ok(Some(last)) => reason::between(&last.parts, parts),
            _ => "what the cache knows of its last run is damaged".to_owned(),
        }
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

/// The digest of a key's parts.
#[must_use]
pub fn key_digest(parts: &[(String, String)]) -> Digest {
    let mut hasher = Hasher::new();
    for (name, value) in parts {
        hasher.part(name).part(value);
    }
    hasher.finish()
}

/// The digest of a step with its key: steps of two jobs with the same sources have outcomes of their own.
fn entry_digest(step: &str, parts: &[(String, String)]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.part(step).part(key_digest(parts).bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn parts(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
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
        assert_eq!(words(cache.lookup("money/pytest", &one)), "never ran before");
        cache.store("money/pytest", &one, &outcome("first"), "run-1")?;
        assert_eq!(words(cache.lookup("money/pytest", &two)), "`a.py` changed");
        cache.store("money/pytest", &two, &outcome("second"), "run-2")?;
        // Another process.
        let cache = Cache::open(directory.path())?;
        assert_eq!(words(cache.lookup("money/pytest", &one)), "first of run-1");
        assert_eq!(words(cache.lookup("money/pytest", &two)), "second of run-2");
        assert_eq!(words(cache.lookup("money/pytest", &three)), "`a.py` changed");
        assert_eq!(words(cache.lookup("shop/pytest:3.11", &one)), "never ran before");
        Ok(())
    }

    #[test]
    fn a_miss_is_explained_by_what_was_used_last() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let cache = Cache::open(directory.path())?;
        let (one, two) = (parts(&[("`a`", "1"), ("`b`", "1")]), parts(&[("`a`", "2"), ("`b`", "1")]));
        cache.store("x/y", &one, &outcome("1"), "r")?;
        cache.store("x/y", &two, &outcome("2"), "r")?;
        assert_eq!(words(cache.lookup("x/y", &one)), "1 of r");
        assert_eq!(words(cache.lookup("x/y", &parts(&[("`a`", "1"), ("`b`", "2")]))), "`b` changed");
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
        assert_eq!(words(cache.lookup("x/wheel", &key)), "kept of r");
        fs::remove_file(&blob)?;
        assert_eq!(words(cache.lookup("x/wheel", &key)), "its wheel `x-1.whl` is no longer in the cache");
        fs::write(&blob, "whe")?;
        assert_eq!(words(cache.lookup("x/wheel", &key)), "its wheel `x-1.whl` is damaged in the cache");
        cache.put_artifact(&file)?;
        assert_eq!(words(cache.lookup("x/wheel", &key)), "kept of r");
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
        assert_eq!(words(cache.lookup("x/y", &key)), "what the cache knows of it is damaged");
        assert_eq!(words(cache.lookup("x/y", &parts(&[]))), "what the cache knows of its last run is damaged");
        fs::remove_file(&entry)?;
        fs::write(cache.last_path("x/y"), "nonsense")?;
        assert_eq!(words(cache.lookup("x/y", &key)), "never ran before");
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
                        assert_eq!(words(cache.lookup("x/y", &key)), "same of r");
                    }
                });
            }
        });
        Ok(())
    }
}
