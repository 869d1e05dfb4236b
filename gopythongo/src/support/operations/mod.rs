//! Changes of files that have to survive: those of store, journal and cache pass here, so that tests see each of them, let
//! it fail as a full disk does, or take it back as a power loss does.

#[cfg(test)]
pub(crate) mod loss;
#[cfg(test)]
pub(crate) mod tape;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::{NamedTempFile, TempPath};

#[cfg(test)]
use tape::{Operation, at};

/// Makes a directory with those above it that are missing; gives the directories in which some were made, which hold them
/// after a power loss once they are synced.
pub(crate) fn make_directories(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let missing: Vec<&Path> = directory.ancestors().take_while(|above| !above.is_dir()).collect();
    let mut changed = Vec::new();
    for made in missing.into_iter().rev().filter(|made| !made.as_os_str().is_empty()) {
        match make_directory(made) {
            // somebody else was faster
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && made.is_dir() => {}
            made => made?,
        }
        changed.push(made.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned());
    }
    Ok(changed)
}

pub(crate) fn make_directory(directory: &Path) -> io::Result<()> {
    #[cfg(test)]
    at(directory, || Operation::MakeDirectory(directory.into()))?;
    fs::create_dir(directory)
}

/// A directory of a name that nobody has, whose own begins with `prefix`.
pub(crate) fn temporary_directory(above: &Path, prefix: &str) -> io::Result<tempfile::TempDir> {
    let made = tempfile::Builder::new().prefix(prefix).tempdir_in(above)?;
    #[cfg(test)]
    at(made.path(), || Operation::MakeDirectory(made.path().into()))?;
    Ok(made)
}

/// A new file of a name that nobody has.
pub(crate) fn temporary(directory: &Path) -> io::Result<NamedTempFile> {
    let file = NamedTempFile::new_in(directory)?;
    #[cfg(test)]
    at(file.path(), || Operation::Create(file.path().into()))?;
    Ok(file)
}

/// Opens a file, which may be made by that.
pub(crate) fn open(path: &Path, options: &OpenOptions) -> io::Result<File> {
    #[cfg(test)]
    if !path.exists() {
        at(path, || Operation::Create(path.into()))?;
    }
    options.open(path)
}

/// Writes at the end of a file.
pub(crate) fn write(file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    #[cfg(test)]
    at(path, || Operation::Write(path.into(), bytes.into()))?;
    #[cfg(not(test))]
    let _ = path;
    file.write_all(bytes)
}

/// Cuts a file off after so many bytes.
pub(crate) fn cut(file: &File, path: &Path, length: u64) -> io::Result<()> {
    #[cfg(test)]
    at(path, || Operation::Cut(path.into(), length))?;
    #[cfg(not(test))]
    let _ = path;
    file.set_len(length)
}

/// Brings a file's bytes to the disk.
pub(crate) fn sync_file(file: &File, path: &Path) -> io::Result<()> {
    #[cfg(test)]
    at(path, || Operation::Sync(path.into()))?;
    #[cfg(not(test))]
    let _ = path;
    file.sync_data()
}

/// Brings a file to the disk, or a directory with the names in it.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    #[cfg(test)]
    at(path, || Operation::Sync(path.into()))?;
    file.sync_all()
}

pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    at(to, || Operation::Rename(from.into(), to.into()))?;
    fs::rename(from, to)
}

/// Gives a temporary file its name.
pub(crate) fn persist(file: TempPath, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    at(to, || Operation::Rename(file.to_path_buf(), to.into()))?;
    file.persist(to).map_err(|error| error.error)
}

/// Gives a file another name beside its own.
pub(crate) fn link(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    at(to, || Operation::Link(from.into(), to.into()))?;
    fs::hard_link(from, to)
}

/// Copies a file to where none is.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    {
        at(to, || Operation::Create(to.into()))?;
        let bytes = fs::read(from)?;
        at(to, || Operation::Write(to.into(), bytes))?;
    }
    fs::copy(from, to).map(drop)
}

pub(crate) fn symlink(target: &str, path: &Path) -> io::Result<()> {
    #[cfg(test)]
    at(path, || Operation::Symlink(target.into(), path.into()))?;
    std::os::unix::fs::symlink(target, path)
}

/// Removes a file, a link, or a directory with everything in it.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let is_directory = fs::symlink_metadata(path)?.is_dir();
    #[cfg(test)]
    at(path, || Operation::Remove(path.into()))?;
    if is_directory { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
