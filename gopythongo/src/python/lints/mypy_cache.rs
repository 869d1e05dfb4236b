//! What mypy remembers of a source between runs, so that a change costs what it touches.
//!
//! mypy takes a file for unchanged if size and modification time, in whole seconds, are the same. That is wrong for a file
//! that was written twice within a second, or by a tool that sets times: such a memory is thrown away.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    context::SourceTree,
    run::Failure,
    support::{Digest, Durability, FileLock, Hasher, write_atomic},
};

/// A directory for `--cache-dir`, kept until it is dropped.
#[derive(Debug)]
pub(in crate::python) struct MypyCache {
    directory: PathBuf,
    /// Nobody else uses the directory. Without it, it is of this step alone.
    _lock: Option<FileLock>,
}

/// A file as mypy will remember it, and what it really holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    seconds: i64,
    size: u64,
    digest: Digest,
}

impl Seen {
    /// Whether mypy would take this for the other although they differ.
    fn is_mistaken_for(&self, other: &Self) -> bool {
        (self.seconds, self.size) == (other.seconds, other.size) && self.digest != other.digest
    }
}

impl MypyCache {
    /// The memory of `tree` and of everything else that `parts` name, below `cache`; or `own` if another run uses it.
    ///
    /// # Errors
    /// When the files of the source or the memory cannot be read or written.
    pub(in crate::python) fn open(
        cache: &Path,
        tree: &SourceTree,
        parts: &[&str],
        own: PathBuf,
    ) -> Result<Self, Failure> {
        let mut hasher = Hasher::new();
        hasher.part(tree.directory.as_os_str().as_encoded_bytes());
        parts.iter().for_each(|part| {
            hasher.part(part);
        });
        let place = cache.join("mypy").join(hasher.finish().short(16));
        let lock = place.with_extension("lock");
        let Ok(lock) = FileLock::attempt(&lock).map_err(Failure::io("cannot lock", &lock))? else {
            return Ok(Self { directory: own, _lock: None });
        };
        let record = place.join("sources.json");
        let now = seen(tree).map_err(Failure::io("cannot read", &tree.directory))?;
        let earlier: BTreeMap<PathBuf, Seen> =
            fs::read(&record).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let mistaken =
            |(path, seen): (&PathBuf, &Seen)| earlier.get(path).is_some_and(|earlier| seen.is_mistaken_for(earlier));
        let directory = place.join("cache");
        if now.iter().any(mistaken)
            && let Err(error) = fs::remove_dir_all(&directory)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(Failure::io("cannot remove", &directory)(error));
        }
        let text = serde_json::to_vec(&now).map_err(|error| Failure::new(error.to_string()))?;
        write_atomic(&record, &text, Durability::Cached).map_err(Failure::io("cannot write", &record))?;
        Ok(Self { directory, _lock: Some(lock) })
    }

    /// The directory; it may not exist yet.
    pub(in crate::python) fn directory(&self) -> &Path {
        &self.directory
    }
}

fn seen(tree: &SourceTree) -> io::Result<BTreeMap<PathBuf, Seen>> {
    let is_module = |path: &Path| path.extension().is_some_and(|extension| extension == "py" || extension == "pyi");
    tree.files
        .iter()
        .filter(|file| is_module(&file.path))
        .map(|file| {
            let metadata = fs::symlink_metadata(tree.directory.join(&file.path))?;
            let seen = Seen { seconds: metadata.mtime(), size: metadata.size(), digest: file.digest };
            Ok((file.path.clone(), seen))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    struct Source(tempfile::TempDir);

    impl Source {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("a directory"))
        }

        fn write(&self, text: &str, seconds: u64) {
            let path = self.0.path().join("source/money.py");
            fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
            fs::write(&path, text).expect("a file");
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(time)).expect("a time");
        }

        fn open(&self) -> MypyCache {
            let tree = SourceTree::read(&self.0.path().join("source")).expect("a tree");
            MypyCache::open(self.0.path(), &tree, &["1.0"], self.0.path().join("own")).expect("a cache")
        }

        /// Whether what one run left is there in the next one.
        fn remembers(&self) -> bool {
            let cache = self.open();
            let file = cache.directory().join("left");
            let there = file.exists();
            fs::create_dir_all(cache.directory()).and_then(|()| fs::write(file, "")).expect("a file");
            there
        }
    }

    #[test]
    fn a_changed_file_keeps_the_memory_unless_mypy_would_not_see_the_change() {
        let source = Source::new();
        source.write("x = 1", 1000);
        assert!(!source.remembers());
        assert!(source.remembers());
        source.write("x = 2", 1001);
        assert!(source.remembers());
        source.write("x = 30", 1001);
        assert!(source.remembers());
        source.write("x = 40", 1001);
        assert!(!source.remembers());
    }

    #[test]
    fn two_runs_at_once_do_not_share() {
        let source = Source::new();
        source.write("x = 1", 1000);
        let first = source.open();
        assert_ne!(source.open().directory(), first.directory());
        let place = first.directory().to_owned();
        drop(first);
        assert_eq!(source.open().directory(), place);
    }
}
