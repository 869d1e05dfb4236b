//! Keeping the cache small and sound: what was used longest ago goes first, and what is damaged goes at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{BUCKET, Cache, LatestFile, Lock, SOURCE, Taken, entry::Entry, entry_digest, manifest, presents};
use crate::support::{Digest, words};

/// What a cache holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holding {
    /// Outcomes.
    pub entries: usize,
    /// Artifacts.
    pub blobs: usize,
    /// Bytes of both.
    pub bytes: u64,
}

/// What was cleared away, and what is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleared {
    /// What is gone.
    pub gone: Holding,
    /// What is left.
    pub left: Holding,
}

/// One remembered outcome on the disk.
struct Kept {
    path: PathBuf,
    used: SystemTime,
    size: u64,
    blobs: Vec<Digest>,
    sources: Vec<String>,
}

impl Cache {
    /// What the cache in a directory holds; nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn holding(directory: &Path) -> io::Result<Holding> {
        let bucket = directory.join(BUCKET);
        let (entries, blobs) = (files(&bucket.join("entries"))?, files(&bucket.join("blobs"))?);
        let bytes = entries.iter().chain(&blobs).map(|(_, metadata)| metadata.len()).sum();
        Ok(Holding { entries: entries.len(), blobs: blobs.len(), bytes })
    }

    /// Clears away what was used longest ago until at most `keep` bytes are left, with artifacts that no outcome names and
    /// with what other versions of this program left.
    ///
    /// # Errors
    /// When something cannot be read or removed. A cache that a run uses is `Ok(Err(Taken))`, and is left alone.
    pub fn gc(directory: &Path, keep: u64) -> io::Result<Result<Cleared, Taken>> {
        let _lock = match Lock::alone(directory)? {
            Ok(lock) => lock,
            Err(taken) => return Ok(Err(taken)),
        };
        let before = Self::holding(directory)?;
        for old in other_buckets(directory)? {
            fs::remove_dir_all(old)?;
        }
        let cache = Self::places(directory);
        let sizes: BTreeMap<Digest, u64> = cache.blob_files()?.into_iter().map(|(_, of, size)| (of, size)).collect();
        let mut entries = cache.kept()?;
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.used));
        let (mut named, mut sources, mut bytes, mut full) = (BTreeSet::new(), BTreeSet::new(), 0, false);
        for entry in entries {
            let new: BTreeSet<Digest> = entry.blobs.iter().copied().filter(|blob| !named.contains(blob)).collect();
            let more = entry.size + new.iter().filter_map(|blob| sizes.get(blob)).sum::<u64>();
            full |= bytes + more > keep;
            if full {
                fs::remove_file(&entry.path)?;
            } else {
                bytes += more;
                named.extend(new);
                sources.extend(entry.sources.iter().map(|digest| manifest::place(&cache.sources, digest)));
            }
        }
        for (path, metadata) in files(&cache.blobs)? {
            if !digest_of(&cache.blobs, &path).is_some_and(|digest| named.contains(&digest)) && metadata.is_file() {
                fs::remove_file(path)?;
            }
        }
        for (path, _) in files(&cache.sources)? {
            if !sources.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        // they name sources whose manifests may be gone now
        match fs::remove_dir_all(presents(directory)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        LatestFile::compact(&directory.join(BUCKET).join("latest"))?;
        let left = Self::holding(directory)?;
        let gone = Holding {
            entries: before.entries - left.entries,
            blobs: before.blobs - left.blobs,
            bytes: before.bytes - left.bytes,
        };
        Ok(Ok(Cleared { gone, left }))
    }

    /// Reads everything, and removes what is not what it was: a sentence for each. What is removed runs again.
    ///
    /// # Errors
    /// When something cannot be read or removed. A cache that a run uses is `Ok(Err(Taken))`, and is left alone.
    pub fn verify(directory: &Path) -> io::Result<Result<Vec<String>, Taken>> {
        let _lock = match Lock::alone(directory)? {
            Ok(lock) => lock,
            Err(taken) => return Ok(Err(taken)),
        };
        let cache = Self::places(directory);
        let mut problems = Vec::new();
        for (path, metadata) in files(&cache.blobs)? {
            let Some(digest) = digest_of(&cache.blobs, &path) else {
                problems.push(format!("`{}` is half an artifact of a run that was killed", path.display()));
                fs::remove_file(path)?;
                continue;
            };
            if Digest::of_file(&path)? != digest {
                let size = words::count(usize::try_from(metadata.len()).unwrap_or(usize::MAX), "byte");
                problems.push(format!("the artifact {} ({size}) is damaged", digest.short(12)));
                fs::remove_file(path)?;
            }
        }
        for (path, _) in files(&cache.entries)? {
            let problem = match Entry::from_bytes(&fs::read(&path)?) {
                Ok(entry) if path.ends_with(entry_digest(&entry.step, &entry.parts).to_string()) => {
                    cache.missing(&entry.outcome).map(|what| format!("`{}` of run {}: {what}", entry.step, entry.run))
                }
                _ => Some(format!("the outcome `{}` is damaged", path.display())),
            };
            if let Some(problem) = problem {
                problems.push(problem);
                fs::remove_file(path)?;
            }
        }
        Ok(Ok(problems))
    }

    fn kept(&self) -> io::Result<Vec<Kept>> {
        let mut all = Vec::new();
        let uses = self.latest.uses();
        for (path, metadata) in files(&self.entries)? {
            let size = metadata.len();
            let Ok(entry) = Entry::from_bytes(&fs::read(&path)?) else {
                // what cannot be understood was used never: it goes first
                let used = SystemTime::UNIX_EPOCH;
                all.push(Kept { path, used, size, blobs: Vec::new(), sources: Vec::new() });
                continue;
            };
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let used = name.parse().ok().and_then(|digest: Digest| uses.get(&digest).copied());
            let made = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let sources = entry.parts.iter().filter(|(name, _)| *name == SOURCE).map(|(_, digest)| digest.to_owned());
            all.push(Kept {
                path,
                used: used.map_or(made, |used| used.max(made)),
                size,
                blobs: entry.outcome.artifacts.values().map(|artifact| artifact.digest).collect(),
                sources: sources.collect(),
            });
        }
        Ok(all)
    }

    fn blob_files(&self) -> io::Result<Vec<(PathBuf, Digest, u64)>> {
        let found = files(&self.blobs)?.into_iter();
        Ok(found
            .filter_map(|(path, metadata)| Some((path.clone(), digest_of(&self.blobs, &path)?, metadata.len())))
            .collect())
    }
}

/// The digest that a blob's path stands for; `None` for another file, such as half a blob.
fn digest_of(blobs: &Path, path: &Path) -> Option<Digest> {
    let below = path.strip_prefix(blobs).ok()?;
    let name: String = below.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
    name.parse().ok()
}

/// All files below a directory; none where it is missing.
fn files(directory: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(directory) {
        let entry = entry?;
        if !entry.file_type().is_dir() {
            let metadata = entry.metadata()?;
            files.push((entry.into_path(), metadata));
        }
    }
    Ok(files)
}

/// What other formats of the cache left: `v0`, `v2`.
fn other_buckets(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let is_bucket =
        |name: &str| name.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let mut buckets = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| is_bucket(name) && name != BUCKET) && entry.file_type()?.is_dir() {
            buckets.push(entry.path());
        }
    }
    Ok(buckets)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, time::Duration};

    use super::*;
    use crate::{cache::Parts, run::Outcome};

    /// A cache with outcomes `0`, `1`, … of which each was used a day after the one before, each with an artifact of 1000 bytes.
    fn filled(directory: &Path, count: u8) -> io::Result<()> {
        let cache = Cache::open(&directory.join("cache"))?;
        let then = SystemTime::now() - Duration::from_secs(100 * 86_400);
        for n in 0..count {
            let file = directory.join(format!("x-{n}.whl"));
            fs::write(&file, vec![n; 1000])?;
            let artifacts = BTreeMap::from([("wheel".to_owned(), cache.put_artifact(&file)?)]);
            cache.store("x/wheel", &key(n), &Outcome { artifacts, ..Outcome::default() }, "r")?;
            let entry = cache.entry_path(&entry_digest("x/wheel", &key(n)));
            File::options().write(true).open(entry)?.set_modified(then + Duration::from_secs(86_400 * u64::from(n)))?;
        }
        Ok(())
    }

    fn key(n: u8) -> Parts {
        Parts::from_iter([("`a`", n)])
    }

    fn is_hit(cache: &Cache, n: u8) -> bool {
        matches!(cache.lookup("x/wheel", &key(n), "later"), crate::cache::Lookup::Hit { .. })
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        filled(directory.path(), 4)?;
        let place = directory.path().join("cache");
        // a hit is a use
        let cache = Cache::open(&place)?;
        assert!(is_hit(&cache, 0));
        cache.save()?;
        drop(cache);
        fs::create_dir_all(place.join("v0/entries"))?;
        fs::write(place.join(BUCKET).join("blobs/.tmpABC"), "half")?;
        let size = Cache::holding(&place)?.bytes;
        let cleared = Cache::gc(&place, size / 2)?.expect("nobody uses it");
        assert_eq!((cleared.gone.entries, cleared.left.entries, cleared.left.blobs), (2, 2, 2));
        assert!(cleared.left.bytes <= size / 2 && cleared.gone.bytes + cleared.left.bytes == size, "{cleared:?}");
        assert!(!place.join("v0").exists());
        let cache = Cache::open(&place)?;
        assert_eq!([0, 1, 2, 3].map(|n| is_hit(&cache, n)), [true, false, false, true]);
        Ok(())
    }

    #[test]
    fn a_cache_in_use_is_left_alone() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let cache = Cache::open(directory.path())?;
        let another = Cache::open(directory.path())?;
        assert!(Cache::gc(directory.path(), 0)?.is_err() && Cache::verify(directory.path())?.is_err());
        drop((cache, another));
        assert!(Cache::gc(directory.path(), 0)?.is_ok());
        Ok(())
    }

    #[test]
    fn what_is_damaged_is_named_and_removed() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        filled(directory.path(), 3)?;
        let place = directory.path().join("cache");
        assert_eq!(Cache::verify(&place)?.expect("nobody uses it"), Vec::<String>::new());
        let cache = Cache::places(&place);
        let blob = crate::cache::blob_path(&cache.blobs, &Digest::of(vec![1; 1000]));
        fs::remove_file(&blob)?;
        fs::write(&blob, vec![9; 1000])?;
        fs::write(cache.entry_path(&entry_digest("x/wheel", &key(2))), "{")?;
        let problems = Cache::verify(&place)?.expect("nobody uses it");
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems.iter().any(|problem| problem.ends_with("(1000 bytes) is damaged")), "{problems:?}");
        assert!(
            problems.iter().any(|problem| problem.starts_with("`x/wheel` of run r: its wheel `x-1.whl`")),
            "{problems:?}"
        );
        assert_eq!(Cache::verify(&place)?.expect("nobody uses it"), Vec::<String>::new(), "once is enough");
        let cache = Cache::open(&place)?;
        assert_eq!([0, 1, 2].map(|n| is_hit(&cache, n)), [true, false, false]);
        Ok(())
    }
}
