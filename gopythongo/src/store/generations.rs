//! The directories of generations and the pointer to the current one, a symbolic link: whoever follows it, by HTTP or by
//! path, sees all of one generation. Reading takes no lock; who writes holds the store's.

use std::{
    collections::BTreeMap,
    fs::{self, File, Permissions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{Generation, StoreError, apt::sync};
use crate::support::{Durability, operations, write_atomic};

/// How many parsed generations are kept: the current one and bases of runs.
const KEPT: usize = 8;

/// Where generations are, below the store's directory.
const DIRECTORY: &str = "generations";

/// What a generation holds, in its directory.
const FILE: &str = "generation.json";

/// What the names of directories begin with that are not generations yet.
const UNFINISHED: &str = ".new";

/// What tells one file from another that had its name before: inode, seconds, nanoseconds.
type Stamp = (u64, i64, i64);

/// Generations below a store's directory.
#[derive(Debug, Clone)]
pub(super) struct Generations {
    directory: PathBuf,
    parsed: Arc<Mutex<Parsed>>,
}

/// Parsed generations by number, each with the stamp of the file that it was read from.
type Parsed = BTreeMap<u64, (Stamp, Arc<Generation>)>;

impl Generations {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, parsed: Arc::default() }
    }

    /// The number of the current generation; 0 in a new store.
    pub(super) fn number(&self) -> Result<u64, StoreError> {
        let path = self.pointer();
        let read = || match fs::read_link(&path) {
            Ok(target) => number(&target).map(Some).ok_or_else(|| self.lost("it names no generation")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(self.lost("it is no link")),
            Err(error) => Err(StoreError::io("cannot read", &path)(error)),
        };
        match read()? {
            Some(number) => Ok(number),
            // a crash in the first promotion leaves the first generation without a pointer, but not a second one;
            // two promotions since we read are no crash
            None if self.path(2).exists() => read()?.ok_or_else(|| self.lost("it is missing")),
            None => Ok(0),
        }
    }

    /// A generation that is or was current. A file with a higher number is what a crash left of one that never was.
    pub(super) fn get(&self, number: u64) -> Result<Arc<Generation>, StoreError> {
        if number > self.number()? {
            return Err(StoreError::new(format!("generation {number} does not exist")));
        }
        self.load(number)
    }

    /// Whether a generation is here.
    pub(super) fn holds(&self, number: u64) -> bool {
        self.path(number).join(FILE).exists()
    }

    /// Makes a generation the current one: its directory, then the pointer. `fill` writes what else belongs into the
    /// directory, given that of the current generation; `reached` is told of every step between two writes.
    pub(super) fn commit(
        &self,
        generation: &Generation,
        fill: impl FnOnce(&Path, &Path) -> Result<(), StoreError>,
        reached: impl Fn(&'static str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let path = self.path(generation.number);
        let cannot_write = || StoreError::io("cannot write", &path);
        let all = self.all();
        operations::make_directories(&all).map_err(StoreError::io("cannot make", &all))?;
        // what was never current: nobody reads it
        let left = fs::read_dir(&all).map_err(StoreError::io("cannot read", &all))?.flatten();
        for entry in left.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
            operations::remove(&entry.path()).map_err(StoreError::io("cannot remove", &entry.path()))?;
        }
        let unfinished = operations::temporary_directory(&all, UNFINISHED).map_err(cannot_write())?;
        let bytes = serde_json::to_vec(generation).map_err(|error| damaged(&path, &error.to_string()))?;
        write_atomic(&unfinished.path().join(FILE), &bytes, Durability::Synced).map_err(cannot_write())?;
        fill(&self.path(generation.number.saturating_sub(1)), unfinished.path())?;
        fs::set_permissions(unfinished.path(), Permissions::from_mode(0o755)).map_err(cannot_write())?;
        sync(unfinished.path())?;
        if path.exists() {
            operations::remove(&path).map_err(StoreError::io("cannot remove", &path))?;
        }
        operations::rename(&unfinished.keep(), &path).map_err(cannot_write())?;
        sync(&all)?;
        // whatever the first promotion made beside the pointer
        sync(&self.directory)?;
        reached("generation written")?;
        self.point_to(generation.number)?;
        reached("pointer written")
    }

    /// Moves the pointer: a link is made beside it, and renamed.
    fn point_to(&self, number: u64) -> Result<(), StoreError> {
        let pointer = self.pointer();
        let new = self.directory.join(".current");
        let moved = match operations::remove(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => operations::symlink(&format!("{DIRECTORY}/{}", name(number)), &new)
                .and_then(|()| operations::rename(&new, &pointer)),
        };
        moved.map_err(StoreError::io("cannot write", &pointer))?;
        sync(&self.directory)
    }

    fn load(&self, number: u64) -> Result<Arc<Generation>, StoreError> {
        if number == 0 {
            return Ok(Arc::default());
        }
        let path = self.path(number).join(FILE);
        let cannot_read = || StoreError::io("cannot read", &path);
        let mut file = File::open(&path).map_err(cannot_read())?;
        let metadata = file.metadata().map_err(cannot_read())?;
        let stamp = (metadata.ino(), metadata.mtime(), metadata.mtime_nsec());
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, generation)) = parsed.get(&number).filter(|(found, _)| *found == stamp) {
            return Ok(generation.clone());
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(cannot_read())?;
        let generation: Generation =
            serde_json::from_slice(&bytes).map_err(|error| damaged(&path, &error.to_string()))?;
        if generation.number != number {
            return Err(damaged(&path, &format!("it holds generation {}", generation.number)));
        }
        let generation = Arc::new(generation);
        parsed.insert(number, (stamp, generation.clone()));
        if parsed.len() > KEPT {
            parsed.pop_first();
        }
        Ok(generation)
    }

    /// The pointer does not say which generation is current: nobody but who knows the last promotion can.
    fn lost(&self, what: &str) -> StoreError {
        damaged(&self.pointer(), what).hint(format!(
            "make it a link to the directory of the generation that was promoted last, as in `ln -sfn {DIRECTORY}/{} {}`; \
             they are in `{}`",
            name(1),
            self.pointer().display(),
            self.all().display()
        ))
    }

    fn path(&self, number: u64) -> PathBuf {
        path(&self.directory, number)
    }

    fn all(&self) -> PathBuf {
        self.directory.join(DIRECTORY)
    }

    fn pointer(&self) -> PathBuf {
        self.directory.join("current")
    }
}

/// The directory of a generation, below a store's own.
pub(super) fn path(store: &Path, number: u64) -> PathBuf {
    store.join(DIRECTORY).join(name(number))
}

fn name(number: u64) -> String {
    format!("{number:06}")
}

/// The generation that a pointer's target names.
fn number(target: &Path) -> Option<u64> {
    let name = target.strip_prefix(DIRECTORY).ok()?.to_str()?;
    name.parse().ok().filter(|number| *number > 0)
}

fn damaged(path: &Path, what: &str) -> StoreError {
    StoreError::new(format!("`{}` is damaged: {what}", path.display()))
}
