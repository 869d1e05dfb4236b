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

/// What the file begins with; something else is another format. Then come entries: digest, stamp, the length of the path and
/// the path, numbers in eight bytes with the least one first.
const HEADER: &[u8] = b"gopythongo stat cache 2\n";

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
    /// By the bytes of their paths.
    entries: HashMap<Box<[u8]>, Entry>,
    /// Whether the file says something else.
    changed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    stamp: Stamp,
    digest: Digest,
}

/// What tells a file from another one, and from what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    /// In nanoseconds after the epoch, as the next one.
    modified: i64,
    changed: i64,
    device: u64,
    inode: u64,
}

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
        known.entries.retain(|path, _| Path::new(OsStr::from_bytes(path)).symlink_metadata().is_ok());
        let mut bytes = HEADER.to_vec();
        for (path, Entry { stamp, digest }) in &known.entries {
            bytes.extend(digest.bytes());
            for number in stamp.numbers().into_iter().chain([path.len() as u64]) {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(path);
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
        let (path, stamp) = (path.as_os_str().as_bytes(), Stamp::of(metadata));
        if let Some(entry) = self.known.lock().unwrap_or_else(PoisonError::into_inner).entries.get(path)
            && entry.stamp == stamp
        {
            return Ok(entry.digest);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let digest = hash()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = i64::try_from(now.saturating_sub(SETTLED).as_nanos()).unwrap_or_default();
        known.changed |= if stamp.modified.max(stamp.changed) < settled {
            known.entries.insert(path.into(), Entry { stamp, digest });
            true
        } else {
            known.entries.remove(path).is_some()
        };
        Ok(digest)
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let time = |seconds: i64, nanoseconds: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds);
        Self {
            size: metadata.size(),
            modified: time(metadata.mtime(), metadata.mtime_nsec()),
            changed: time(metadata.ctime(), metadata.ctime_nsec()),
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    fn numbers(self) -> [u64; 5] {
        [self.size, self.modified.cast_unsigned(), self.changed.cast_unsigned(), self.device, self.inode]
    }

    fn from_numbers([size, modified, changed, device, inode]: [u64; 5]) -> Self {
        Self { size, modified: modified.cast_signed(), changed: changed.cast_signed(), device, inode }
    }
}

fn parse(bytes: &[u8]) -> Option<HashMap<Box<[u8]>, Entry>> {
    let mut rest = bytes.strip_prefix(HEADER)?;
    let mut entries = HashMap::with_capacity(bytes.len() / 128);
    while let Some((digest, after)) = rest.split_first_chunk() {
        let mut numbers = [0; 6];
        rest = after;
        for number in &mut numbers {
            let (bytes, after) = rest.split_first_chunk()?;
            (*number, rest) = (u64::from_le_bytes(*bytes), after);
        }
        let [size, modified, changed, device, inode, length] = numbers;
        let (path, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        rest = after;
        let stamp = Stamp::from_numbers([size, modified, changed, device, inode]);
        entries.insert(path.into(), Entry { stamp, digest: Digest::from_bytes(*digest) });
    }
    rest.is_empty().then_some(entries)
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
        digest(&cache, path);
        cache.save()?;
        let whole = fs::read(&file)?;
        assert!(!digest(&StatCache::open(&file), path).1);
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length])?;
            assert!(digest(&StatCache::open(&file), path).1, "{length} of {} bytes", whole.len());
        }
        Ok(())
    }
}
