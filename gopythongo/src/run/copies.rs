//! Copies of sources that commands have left as they were: the next command of the same source takes one over, which is sooner
//! done than to copy the source and to remove the copy.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::context::{Pristine, SourceTree};

/// How many bytes wait at most: a large pipeline must not fill the disk.
const MOST: u64 = 256 << 20;

/// How many files wait at most.
const MOST_FILES: usize = 50_000;

/// The copies that wait, each in a directory of its own below one.
pub(crate) struct Copies {
    directory: PathBuf,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// By the directories of their sources.
    copies: HashMap<PathBuf, Vec<(PathBuf, Pristine)>>,
    bytes: u64,
    files: usize,
    /// How many have waited so far.
    count: u64,
}

impl Copies {
    /// None yet; they will wait in `directory`, which is made when one does.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, waiting: Mutex::default() }
    }

    /// Puts a copy of a source into an empty directory. `None` if it cannot be left to others.
    ///
    /// # Errors
    /// When a file cannot be read or written, or is no longer what was hashed.
    pub(super) fn put(&self, tree: &Arc<SourceTree>, to: &Path) -> io::Result<Option<Pristine>> {
        while let Some((place, pristine)) = self.take(tree) {
            if fs::rename(&place, to).is_ok() {
                if pristine.is_untouched(to) {
                    return Ok(Some(pristine));
                }
                fs::remove_dir_all(to)?;
            }
        }
        tree.copy_to(to)?;
        Pristine::mark(tree, to)
    }

    /// Takes back a copy that its command needs no more, for another one. What is not taken stays where it is.
    pub(super) fn leave(&self, place: &Path, pristine: Pristine) {
        let (bytes, files) = (pristine.size(), pristine.tree().files.len());
        let mut waiting = self.waiting();
        if waiting.bytes + bytes > MOST || waiting.files + files > MOST_FILES {
            return;
        }
        waiting.count += 1;
        let to = self.directory.join(waiting.count.to_string());
        let moved = match fs::rename(place, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.directory).and_then(|()| fs::rename(place, &to))
            }
            moved => moved,
        };
        if moved.is_ok() {
            waiting.bytes += bytes;
            waiting.files += files;
            waiting.copies.entry(pristine.tree().directory.clone()).or_default().push((to, pristine));
        }
    }

    /// Where copies wait, if any ever did: what is there may be removed when no command runs any more.
    pub(super) fn directory(&self) -> Option<&Path> {
        (self.waiting().count > 0).then_some(&*self.directory)
    }

    fn take(&self, tree: &Arc<SourceTree>) -> Option<(PathBuf, Pristine)> {
        let mut waiting = self.waiting();
        let (place, pristine) = waiting.copies.get_mut(&tree.directory)?.pop()?;
        waiting.bytes -= pristine.size();
        waiting.files -= pristine.tree().files.len();
        // within a run a source is read once
        Arc::ptr_eq(pristine.tree(), tree).then_some((place, pristine))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
