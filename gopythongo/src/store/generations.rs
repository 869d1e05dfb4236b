//! The files of generations and the pointer to the current one. Reading takes no lock; who writes holds the store's.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{Generation, StoreError};
use crate::support::{Durability, write_atomic};

/// How many parsed generations are kept: the current one and bases of runs.
const KEPT: usize = 8;

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
        let read = || match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| self.lost("it holds no number")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("cannot read", &path)(error)),
        };
        match read()? {
            Some(number) => Ok(number),
            // a crash in the first promotion leaves the first generation's file without a pointer, but not a second one;
            // two promotions since we read are no crash
            None if self.path(2).exists() => read()?.ok_or_else(|| self.lost("it is missing")),
            None => Ok(0),
        }
    }

    /// The current generation.
    pub(super) fn current(&self) -> Result<Arc<Generation>, StoreError> {
        self.load(self.number()?)
    }

    /// A generation that is or was current. A file with a higher number is what a crash left of one that never was.
    pub(super) fn get(&self, number: u64) -> Result<Arc<Generation>, StoreError> {
        if number > self.number()? {
            return Err(StoreError::new(format!("generation {number} does not exist")));
        }
        self.load(number)
    }

    /// Makes a generation the current one: its file, then the pointer. `reached` is told of every step between two writes.
    pub(super) fn commit(
        &self,
        generation: &Generation,
        reached: impl Fn(&'static str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let path = self.path(generation.number);
        let bytes = serde_json::to_vec(generation).map_err(|error| damaged(&path, &error.to_string()))?;
        write_atomic(&path, &bytes, Durability::Synced).map_err(StoreError::io("cannot write", &path))?;
        reached("generation written")?;
        let pointer = self.pointer();
        let number = format!("{}\n", generation.number);
        write_atomic(&pointer, number.as_bytes(), Durability::Synced)
            .map_err(StoreError::io("cannot write", &pointer))?;
        reached("pointer written")
    }

    fn load(&self, number: u64) -> Result<Arc<Generation>, StoreError> {
        if number == 0 {
            return Ok(Arc::default());
        }
        let path = self.path(number);
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
        let generations = self.directory.join("generations");
        damaged(&self.pointer(), what).hint(format!(
            "write into it the number of the generation that was promoted last: they are in `{}`",
            generations.display()
        ))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join("generations").join(format!("{number:06}.json"))
    }

    fn pointer(&self) -> PathBuf {
        self.directory.join("current")
    }
}

fn damaged(path: &Path, what: &str) -> StoreError {
    StoreError::new(format!("`{}` is damaged: {what}", path.display()))
}
