//! Files that appear whole or not at all.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::operations;

/// Whether a write has to survive a power loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The file and its directory are synced before the call returns.
    Synced,
    /// The file is whole or absent after a crash of this program; a power loss may undo it.
    Cached,
}

/// Writes a file through a temporary one in the same directory, which is made if it is missing.
///
/// # Errors
/// When the directory cannot be made, or the file not written, synced or renamed; the old file, if any, is then untouched.
pub fn write_atomic(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let directory = path.parent().ok_or_else(|| io::Error::other("a path without a directory"))?;
    let mut changed = Vec::new();
    let made = match operations::temporary(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            changed = operations::make_directories(directory)?;
            operations::temporary(directory)
        }
        made => made,
    };
    let (mut file, temporary) = made?.into_parts();
    // Past the wrapper, whose errors name the temporary file.
    operations::write(&mut file, &temporary, bytes)?;
    if durability == Durability::Synced {
        operations::sync_file(&file, &temporary)?;
    }
    operations::persist(temporary, path)?;
    if durability == Durability::Synced {
        operations::sync(directory)?;
        changed.iter().try_for_each(|above| operations::sync(above))?;
    }
    Ok(())
}

/// How many files are brought to the disk at once.
const AT_ONCE: usize = 8;

/// Brings files and directories to the disk, several at once: a file system writes its journal once for all that wait for it,
/// and one after the other they would wait each time.
///
/// # Errors
/// The first one that cannot be opened or synced, with its path.
pub fn sync_together(paths: &[PathBuf]) -> Result<(), (PathBuf, io::Error)> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), (PathBuf, io::Error)> {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            operations::sync(path).map_err(|error| (path.clone(), error))?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..paths.len().min(AT_ONCE)).map(|_| scope.spawn(work)).collect();
        let own = work();
        let theirs = helpers.into_iter().map(|helper| helper.join().unwrap_or(Ok(())));
        theirs.chain([own]).collect()
    })
}

/// Copies a directory's files, directories and symbolic links into `to`, which is made if it is missing.
///
/// # Errors
/// When anything cannot be read or written.
pub fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry?;
        let target = to.join(entry.path().strip_prefix(from).map_err(io::Error::other)?);
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target)?;
        } else if entry.file_type().is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_brought_to_the_disk_is_named() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let mut paths: Vec<PathBuf> = (0..20).map(|n| directory.path().join(n.to_string())).collect();
        paths.iter().try_for_each(|path| fs::write(path, "x"))?;
        paths.push(directory.path().to_owned());
        assert!(sync_together(&paths).is_ok() && sync_together(&[]).is_ok());
        let gone = directory.path().join("gone");
        paths.insert(9, gone.clone());
        assert_eq!(sync_together(&paths).expect_err("it is not there").0, gone);
        Ok(())
    }
}
