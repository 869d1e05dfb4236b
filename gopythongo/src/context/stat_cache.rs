//! Digests of files by what `stat` says of them, so that unchanged files are not read again.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::fs::Stat;

use crate::support::{Digest, Durability, write_atomic};

/// What the file begins with; something else is another format. Then come directories: the length of the path, the path, how
/// many entries follow; and entries: digest, stamp, the length of the name and the name, numbers in eight bytes with the least
/// one first.
const HEADER: &[u8] = b"gopythongo stat cache 3\n";

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
    directories: HashMap<PathBuf, Arc<Names>>,
    /// Whether the file says something else.
    changed: bool,
}

/// The files of a directory, sorted by their names.
type Names = Vec<(OsString, Entry)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        let directories = fs::read(path).ok().and_then(|bytes| parse(&bytes)).unwrap_or_default();
        Self { path: path.to_owned(), known: Mutex::new(Known { directories, changed: false }) }
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
        known.directories.retain(|directory, names| {
            Arc::make_mut(names).retain(|(name, _)| directory.join(name).symlink_metadata().is_ok());
            !names.is_empty()
        });
        let mut bytes = HEADER.to_vec();
        for (directory, names) in &known.directories {
            put_text(&mut bytes, directory.as_os_str());
            put(&mut bytes, names.len() as u64);
            for (name, Entry { stamp, digest }) in names.iter() {
                bytes.extend(digest.bytes());
                stamp.numbers().into_iter().for_each(|number| put(&mut bytes, number));
                put_text(&mut bytes, name);
            }
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
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        self.beside(directory).digest(name, &rustix::fs::stat(&path)?, || Digest::of_file(&path))
    }

    /// What is known of the files of a directory: they are looked for together.
    pub(super) fn beside(&self, directory: &Path) -> Beside<'_> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let names = known.directories.get(directory).cloned().unwrap_or_default();
        Beside { cache: self, directory: directory.to_owned(), known: names, learnt: Vec::new() }
    }
}

/// The digests of files of one directory. What is learnt of them is known to the cache when this is dropped.
pub(super) struct Beside<'a> {
    cache: &'a StatCache,
    directory: PathBuf,
    known: Arc<Names>,
    /// Files and what is known of them from now on.
    learnt: Vec<(OsString, Option<Entry>)>,
}

impl Beside<'_> {
    /// The digest of the file of a name with this state, which was asked for before `hash` is called.
    pub(super) fn digest(
        &mut self,
        name: &OsStr,
        stat: &Stat,
        hash: impl FnOnce() -> io::Result<Digest>,
    ) -> io::Result<Digest> {
        let stamp = Stamp::of(stat);
        let place = self.known.binary_search_by(|(known, _)| known.as_os_str().cmp(name));
        if let Some((_, entry)) = place.ok().and_then(|place| self.known.get(place))
            && entry.stamp == stamp
        {
            return Ok(entry.digest);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let digest = hash()?;
        let settled = i64::try_from(now.saturating_sub(SETTLED).as_nanos()).unwrap_or_default();
        if stamp.modified.max(stamp.changed) < settled {
            self.learnt.push((name.to_owned(), Some(Entry { stamp, digest })));
        } else if place.is_ok() {
            self.learnt.push((name.to_owned(), None));
        }
        Ok(digest)
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        if self.learnt.is_empty() {
            return;
        }
        let mut known = self.cache.known.lock().unwrap_or_else(PoisonError::into_inner);
        let names = known.directories.entry(std::mem::take(&mut self.directory)).or_default();
        let mut all: BTreeMap<OsString, Entry> = names.iter().cloned().collect();
        for (name, entry) in self.learnt.drain(..) {
            match entry {
                Some(entry) => all.insert(name, entry),
                None => all.remove(&name),
            };
        }
        *names = Arc::new(all.into_iter().collect());
        known.changed = true;
    }
}

impl Stamp {
    fn of(stat: &Stat) -> Self {
        let time = |seconds: i64, nanoseconds: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds);
        Self {
            size: stat.st_size.cast_unsigned(),
            modified: time(stat.st_mtime, stat.st_mtime_nsec.try_into().unwrap_or_default()),
            changed: time(stat.st_ctime, stat.st_ctime_nsec.try_into().unwrap_or_default()),
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }

    fn numbers(self) -> [u64; 5] {
        [self.size, self.modified.cast_unsigned(), self.changed.cast_unsigned(), self.device, self.inode]
    }

    fn from_numbers([size, modified, changed, device, inode]: [u64; 5]) -> Self {
        Self { size, modified: modified.cast_signed(), changed: changed.cast_signed(), device, inode }
    }
}

fn put(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend(number.to_le_bytes());
}

fn put_text(bytes: &mut Vec<u8>, text: &OsStr) {
    put(bytes, text.len() as u64);
    bytes.extend(text.as_bytes());
}

fn parse(bytes: &[u8]) -> Option<HashMap<PathBuf, Arc<Names>>> {
    let mut rest = bytes.strip_prefix(HEADER)?;
    let mut directories = HashMap::new();
    while !rest.is_empty() {
        let directory = text(&mut rest)?;
        let count = usize::try_from(number(&mut rest)?).ok()?;
        let mut names = Names::with_capacity(count.min(rest.len()));
        for _ in 0..count {
            let (digest, after) = rest.split_first_chunk()?;
            rest = after;
            let mut numbers = [0; 5];
            for place in &mut numbers {
                *place = number(&mut rest)?;
            }
            let entry = Entry { stamp: Stamp::from_numbers(numbers), digest: Digest::from_bytes(*digest) };
            names.push((text(&mut rest)?, entry));
        }
        directories.insert(directory.into(), Arc::new(names));
    }
    Some(directories)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u64::from_le_bytes(*bytes))
}

fn text(rest: &mut &[u8]) -> Option<OsString> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(OsString::from_vec(text.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;

    use super::*;

    /// Hashes through a cache; tells whether the file was read.
    fn digest(cache: &StatCache, path: &Path) -> (Digest, bool) {
        let mut read = false;
        let stat = rustix::fs::lstat(path).expect("it exists");
        let (directory, name) = path.parent().zip(path.file_name()).expect("it is in a directory");
        let digest = cache.beside(directory).digest(name, &stat, || {
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
        let of_other = rustix::fs::stat(other)?;
        let stolen =
            cache.beside(Path::new("/etc")).digest(OsStr::new("passwd"), &of_other, || Ok(Digest::of("another")))?;
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
