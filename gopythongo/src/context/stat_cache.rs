//! Digests of files by what `stat` says of them, so that unchanged files are not read again.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::{OsStr, OsString},
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use rustix::fs::Stat;

use super::stamp::{Put, STAMP, Stamp, Take};
use crate::support::{Digest, Durability, write_atomic};

/// What the file begins with; something else is another format. Then come directories: the path, how many bytes and how many
/// entries follow; and entries: digest, stamp, name.
const HEADER: &[u8] = b"gopythongo stat cache 4\n";

/// Digests of files, valid while size, times and inode stay the same. Threads may share it.
#[derive(Debug)]
pub struct StatCache {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    directories: HashMap<PathBuf, Arc<Names>>,
    /// What the file says of directories that nobody has asked for yet: of thousands, most runs look at few.
    unread: HashMap<PathBuf, Range<usize>>,
    bytes: Vec<u8>,
    /// Whether the file says something else.
    changed: bool,
}

/// The files of a directory, sorted by their names.
type Names = Vec<(OsString, Entry)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    stamp: [u8; STAMP],
    digest: Digest,
}

impl Known {
    /// The files of a directory.
    fn names(&mut self, directory: &Path) -> Arc<Names> {
        if let Some(range) = self.unread.remove(directory) {
            let names = self.bytes.get(range).and_then(parse).unwrap_or_default();
            self.directories.insert(directory.to_owned(), Arc::new(names));
        }
        self.directories.get(directory).cloned().unwrap_or_default()
    }
}

impl StatCache {
    /// The cache that a file holds; an empty one if it is missing or cannot be understood.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_default();
        let unread = blocks(&bytes).unwrap_or_default();
        Self { path: path.to_owned(), known: Mutex::new(Known { unread, bytes, ..Known::default() }) }
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
        for directory in known.unread.keys().cloned().collect::<Vec<_>>() {
            known.names(&directory);
        }
        known.directories.retain(|directory, names| {
            Arc::make_mut(names).retain(|(name, _)| directory.join(name).symlink_metadata().is_ok());
            !names.is_empty()
        });
        let mut bytes = HEADER.to_vec();
        for (directory, names) in &known.directories {
            let mut block = Vec::new();
            block.put_number(names.len());
            for (name, Entry { stamp, digest }) in names.iter() {
                block.extend(digest.bytes());
                block.extend(stamp);
                block.put_text(name);
            }
            bytes.put_text(directory.as_os_str());
            bytes.put_number(block.len());
            bytes.extend(block);
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
        let names = self.known.lock().unwrap_or_else(PoisonError::into_inner).names(directory);
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
            && entry.stamp == stamp.bytes()
        {
            return Ok(entry.digest);
        }
        let now = SystemTime::now();
        let digest = hash()?;
        if stamp.is_settled(now) {
            self.learnt.push((name.to_owned(), Some(Entry { stamp: stamp.bytes(), digest })));
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
        // others may have learnt meanwhile
        let mut all: BTreeMap<OsString, Entry> = known.names(&self.directory).iter().cloned().collect();
        for (name, entry) in self.learnt.drain(..) {
            match entry {
                Some(entry) => all.insert(name, entry),
                None => all.remove(&name),
            };
        }
        known.directories.insert(std::mem::take(&mut self.directory), Arc::new(all.into_iter().collect()));
        known.changed = true;
    }
}

/// Where in the file's bytes each directory's entries are.
fn blocks(bytes: &[u8]) -> Option<HashMap<PathBuf, Range<usize>>> {
    let mut rest = Take(bytes.strip_prefix(HEADER)?);
    let mut blocks = HashMap::new();
    while !rest.0.is_empty() {
        let directory = rest.owned_text()?;
        let length = rest.number()?;
        let begin = bytes.len() - rest.0.len();
        rest.bytes(length)?;
        blocks.insert(directory.into(), begin..begin + length);
    }
    Some(blocks)
}

/// A directory's entries.
fn parse(block: &[u8]) -> Option<Names> {
    let mut rest = Take(block);
    let count = rest.number()?;
    let mut names = Names::with_capacity(count.min(block.len()));
    for _ in 0..count {
        let (digest, stamp) = (rest.digest()?, *rest.array()?);
        names.push((rest.owned_text()?, Entry { stamp, digest }));
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use std::{fs::FileTimes, time::Duration};

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
