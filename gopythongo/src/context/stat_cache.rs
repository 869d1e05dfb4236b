//! Digests of files by what `stat` says of them, so that unchanged files are not read again.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::{self, Metadata},
    io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::support::{Digest, Durability, write_atomic};

/// The first line of the file; another one is another format.
const HEADER: &str = "gopythongo stat cache 1";

/// A file that was changed more recently than this is hashed again the next time: within one tick of a file system's
/// clock (2 s for the coarsest) it could change once more without a new time. Git calls such entries racy.
const SETTLED: Duration = Duration::from_secs(2);

/// Digests of files, valid while size, times and inode stay the same. Threads may share it.
#[derive(Debug)]
pub struct StatCache {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    entries: HashMap<PathBuf, Entry>,
    /// Whether the file says something else.
    changed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    stamp: Stamp,
    digest: Digest,
}

/// Size, modification and change in nanoseconds after the epoch, device and inode.
type Stamp = [i128; 5];

impl StatCache {
    /// The cache that a file holds; an empty one if it is missing or cannot be understood.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        let entries = fs::read(path).ok().and_then(|bytes| parse(&bytes)).unwrap_or_default();
        Self { path: path.to_owned(), known: Mutex::new(Known { entries, changed: false }) }
    }

    /// Writes the cache back, without what no longer exists; does nothing if nothing was learnt.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self) -> io::Result<()> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.changed {
            return Ok(());
        }
        known.entries.retain(|path, _| path.symlink_metadata().is_ok());
        let mut bytes = HEADER.as_bytes().to_vec();
        for (path, entry) in &known.entries {
            bytes.push(0);
            bytes.extend(entry.digest.to_string().bytes());
            for number in entry.stamp {
                bytes.extend(format!(" {number}").bytes());
            }
            bytes.push(b' ');
            bytes.extend(path.as_os_str().as_bytes());
        }
        write_atomic(&self.path, &bytes, Durability::Cached)?;
        known.changed = false;
        Ok(())
    }

    /// The digest of a file, through links.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn file(&self, path: &Path) -> io::Result<Digest> {
        let path = fs::canonicalize(path)?;
        self.digest(&path, &fs::metadata(&path)?, || Digest::of_file(&path))
    }

    /// The digest of a file with this metadata, which was read before `hash` is called.
    pub(super) fn digest(
        &self,
        path: &Path,
        metadata: &Metadata,
        hash: impl FnOnce() -> io::Result<Digest>,
    ) -> io::Result<Digest> {
        let stamp = stamp(metadata);
        if let Some(entry) = self.known.lock().unwrap_or_else(PoisonError::into_inner).entries.get(path)
            && entry.stamp == stamp
        {
            return Ok(entry.digest);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let digest = hash()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = i128::try_from(now.saturating_sub(SETTLED).as_nanos()).unwrap_or_default();
        known.changed |= if stamp[1].max(stamp[2]) < settled {
            known.entries.insert(path.to_owned(), Entry { stamp, digest });
            true
        } else {
            known.entries.remove(path).is_some()
        };
        Ok(digest)
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    let time = |seconds: i64, nanoseconds: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
    [
        metadata.size().into(),
        time(metadata.mtime(), metadata.mtime_nsec()),
        time(metadata.ctime(), metadata.ctime_nsec()),
        metadata.dev().into(),
        metadata.ino().into(),
    ]
}

fn parse(bytes: &[u8]) -> Option<HashMap<PathBuf, Entry>> {
    let mut records = bytes.split(|byte| *byte == 0);
    if records.next()? != HEADER.as_bytes() {
        return None;
    }
    records.map(parse_record).collect()
}

fn parse_record(record: &[u8]) -> Option<(PathBuf, Entry)> {
    let mut words = record.splitn(7, |byte| *byte == b' ');
    let mut word = || words.next();
    let digest = std::str::from_utf8(word()?).ok()?.parse().ok()?;
    let mut stamp = Stamp::default();
    for number in &mut stamp {
        *number = std::str::from_utf8(word()?).ok()?.parse().ok()?;
    }
    Some((PathBuf::from(OsStr::from_bytes(word()?)), Entry { stamp, digest }))
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;

    use super::*;

    /// Hashes through a cache; tells whether the file was read.
    fn digest(cache: &StatCache, path: &Path) -> (Digest, bool) {
        let mut read = false;
        let metadata = fs::symlink_metadata(path).expect("it exists");
        let digest = cache.digest(path, &metadata, || {
            read = true;
            Digest::of_file(path)
        });
        (digest.expect("it can be read"), read)
    }

    #[test]
    fn what_settled_long_ago_is_read_once() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("cache");
        let cache = StatCache::open(&file);
        // Change times cannot be set: only a file that somebody else made long ago has settled.
        let first = digest(&cache, Path::new("/etc/passwd"));
        assert!(first.1);
        cache.save()?;
        let cache = StatCache::open(&file);
        assert_eq!(digest(&cache, Path::new("/etc/passwd")), (first.0, false));
        fs::remove_file(&file)?;
        cache.save()?;
        assert!(!file.exists(), "nothing was learnt, so nothing is written");
        Ok(())
    }

    #[test]
    fn what_was_just_changed_is_read_again() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("a.py");
        let cache = StatCache::open(&directory.path().join("cache"));
        fs::write(&path, "1")?;
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        fs::File::options().write(true).open(&path)?.set_times(FileTimes::new().set_modified(long_ago))?;
        assert!(digest(&cache, &path).1);
        assert!(digest(&cache, &path).1, "a modification time can be set back, the change time tells");
        Ok(())
    }

    #[test]
    fn another_stamp_is_read_again_and_nonsense_is_an_empty_cache() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("cache");
        let cache = StatCache::open(&file);
        let (path, other) = (Path::new("/etc/passwd"), Path::new("/etc/group"));
        digest(&cache, path);
        let stolen = cache.digest(path, &fs::metadata(other)?, || Ok(Digest::of("another")))?;
        assert_eq!(stolen, Digest::of("another"));
        fs::write(&file, "gopythongo stat cache 1\0nonsense")?;
        assert!(digest(&StatCache::open(&file), path).1);
        Ok(())
    }
}
