//! The files of a source, as git sees them: tracked, or neither tracked nor ignored. Without git, all but well-known litter.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::{
            ffi::OsStrExt,
            fs::{MetadataExt, PermissionsExt},
        },
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, openat, readlinkat, statat, symlinkat},
    io::Errno,
};

use super::{
    StatCache,
    listing::{self, Listings},
    stat_cache::Beside,
};
use crate::support::{Digest, Hasher};

/// How a directory is opened whose files are only asked for by name: where the system knows that, not to be read.
#[cfg(target_os = "linux")]
pub(super) const WITHIN: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
pub(super) const WITHIN: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// One file of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the source.
    pub path: PathBuf,
    /// Whether it may be executed.
    pub executable: bool,
    /// Digest of the bytes; of the target for a symbolic link, other than that of a file with the target as its bytes.
    pub digest: Digest,
}

/// The files of a source, sorted by the bytes of their paths. Directories without files are no part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTree {
    /// The source directory.
    pub directory: PathBuf,
    /// Its files.
    pub files: Vec<SourceFile>,
}

impl SourceTree {
    /// Lists and hashes the files below `directory`.
    ///
    /// # Errors
    /// When the directory or a file cannot be read, or git fails.
    pub fn read(directory: &Path) -> io::Result<Self> {
        Self::of(directory, listing::list(directory)?, None)
    }

    /// As [`read`](Self::read), of a source that was listed with others, and hashes only files that have changed since the
    /// cache met them.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn read_listed(directory: &Path, listings: &Listings, cache: &StatCache) -> io::Result<Self> {
        Self::of(directory, listings.get(directory)?, Some(cache))
    }

    fn of(directory: &Path, paths: Vec<PathBuf>, cache: Option<&StatCache>) -> io::Result<Self> {
        let mut files = Vec::with_capacity(paths.len());
        let mut siblings: Option<Siblings<'_>> = None;
        for path in paths {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { continue };
            let here = match siblings.take_if(|siblings| siblings.below == *parent) {
                Some(here) => here,
                None => Siblings::open(directory, parent, cache)?,
            };
            let here = siblings.insert(here);
            let Some(stat) = here.stat(name)? else { continue };
            let kind = FileType::from_raw_mode(stat.st_mode);
            let full = || here.directory.join(name);
            if kind.is_symlink() {
                let target = fs::read_link(full()).map_err(|error| naming(&full(), &error))?;
                files.push(SourceFile { path, executable: false, digest: of_link(&target) });
            } else if kind.is_file() {
                let hash = || Digest::of_file(&full());
                let digest = match &mut here.known {
                    Some(known) => known.digest(name, &stat, hash),
                    None => hash(),
                };
                let digest = digest.map_err(|error| naming(&full(), &error))?;
                // The owner's bit, as git does: others depend on the umask.
                files.push(SourceFile { path, executable: stat.st_mode & 0o100 != 0, digest });
            }
            // Directories here are submodules and nested repositories; sockets and devices are no sources.
        }
        Ok(Self { directory: directory.to_owned(), files })
    }

    /// The digest of paths, modes and bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for file in &self.files {
            hasher.part(file.path.as_os_str().as_bytes()).part([u8::from(file.executable)]).part(file.digest.bytes());
        }
        hasher.finish()
    }

    /// Copies the files to `to`, which is made if it is missing. Files get the mode 644 or 755, links stay links.
    ///
    /// # Errors
    /// When a file cannot be read or written, or is no longer what was hashed.
    pub fn copy_to(&self, to: &Path) -> io::Result<()> {
        let mut siblings: Option<(Siblings<'_>, OwnedFd)> = None;
        made(to)?;
        for file in &self.files {
            let (Some(parent), Some(name)) = (file.path.parent(), file.path.file_name()) else { continue };
            let here = match siblings.take_if(|(from, _)| from.below == *parent) {
                Some(here) => here,
                None => (Siblings::open(&self.directory, parent, None)?, made(&to.join(parent))?),
            };
            let (from, into) = siblings.insert(here);
            let source = || from.directory.join(name);
            let copied = from.copy(name, into, file.executable).map_err(|error| naming(&source(), &error))?;
            if copied != file.digest {
                return Err(io::Error::other(format!("`{}` was changed while it was being used", source().display())));
            }
        }
        Ok(())
    }
}

/// The files of one directory of a source, which is opened once: the kernel walks its path once for all of them.
struct Siblings<'a> {
    /// Relative to the source.
    below: PathBuf,
    directory: PathBuf,
    /// `None` where there is no such directory.
    descriptor: Option<OwnedFd>,
    known: Option<Beside<'a>>,
}

impl<'a> Siblings<'a> {
    fn open(source: &Path, below: &Path, cache: Option<&'a StatCache>) -> io::Result<Self> {
        let directory = source.join(below);
        let descriptor = match openat(CWD, &directory, WITHIN, Mode::empty()) {
            Ok(descriptor) => Some(descriptor),
            Err(Errno::NOENT | Errno::NOTDIR) => None,
            Err(error) => return Err(naming(&directory, &error.into())),
        };
        let known = cache.map(|cache| cache.beside(&directory));
        Ok(Self { below: below.to_owned(), directory, descriptor, known })
    }

    /// The state of a file, or of the link itself; `None` where it is missing: tracked but deleted.
    fn stat(&self, name: &OsStr) -> io::Result<Option<Stat>> {
        let Some(descriptor) = &self.descriptor else { return Ok(None) };
        match statat(descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(naming(&self.directory.join(name), &error.into())),
        }
    }

    /// Copies a file or a link into another directory; gives the digest of what was copied.
    fn copy(&self, name: &OsStr, into: &OwnedFd, executable: bool) -> io::Result<Digest> {
        let from = self.descriptor.as_ref().ok_or(Errno::NOENT)?;
        let input = match openat(from, name, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
            // of a link
            Err(Errno::LOOP) => {
                let to = readlinkat(from, name, Vec::new())?;
                symlinkat(&to, into, name)?;
                return Ok(of_link(Path::new(OsStr::from_bytes(to.to_bytes()))));
            }
            input => File::from(input?),
        };
        let mode = if executable { 0o755 } else { 0o644 };
        let write = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let output = File::from(openat(into, name, write, Mode::from_raw_mode(mode))?);
        let (digest, _) = Digest::of_reader(Tee { input, output: &output })?;
        // The umask may have taken bits away.
        if output.metadata()?.mode() & 0o7777 != mode {
            output.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        Ok(digest)
    }
}

/// A directory to write files into, which is made if it is missing.
fn made(directory: &Path) -> io::Result<OwnedFd> {
    let opened = fs::create_dir_all(directory).and_then(|()| Ok(openat(CWD, directory, WITHIN, Mode::empty())?));
    opened.map_err(|error| naming(directory, &error))
}

fn of_link(target: &Path) -> Digest {
    let mut hasher = Hasher::new();
    hasher.part("symbolic link").part(OsStr::as_bytes(target.as_os_str()));
    hasher.finish()
}

fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

/// Writes what is read.
struct Tee<R, W> {
    input: R,
    output: W,
}

impl<R: Read, W: Write> Read for Tee<R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.output.write_all(&buffer[..n])?;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(directory: &Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
            fs::write(path, text).expect("it can be written");
        }
    }

    #[test]
    fn a_copy_has_the_same_digest_as_its_source() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        write(&from, &[("a b.py", "1"), ("run.sh", "2"), ("deep/er/c.py", "3")]);
        fs::write(from.join(OsStr::from_bytes(b"caf\xe9.txt")), "latin")?;
        fs::set_permissions(from.join("run.sh"), fs::Permissions::from_mode(0o700))?;
        symlink("a b.py", from.join("link"))?;
        symlink("/nowhere", from.join("dangling"))?;
        let tree = SourceTree::read(&from)?;
        assert_eq!(tree.files.len(), 6);
        tree.copy_to(&to)?;
        let copy = SourceTree::read(&to)?;
        assert_eq!(copy.files, tree.files);
        assert_eq!(copy.digest(), tree.digest());
        assert_eq!(fs::metadata(to.join("run.sh"))?.permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_link(to.join("link"))?, Path::new("a b.py"));
        Ok(())
    }

    #[test]
    fn names_modes_bytes_and_links_change_the_digest() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path();
        let mut seen = Vec::new();
        let mut differs = || -> io::Result<()> {
            let digest = SourceTree::read(path)?.digest();
            assert!(!seen.contains(&digest));
            seen.push(digest);
            Ok(())
        };
        write(path, &[("a", "b")]);
        differs()?;
        write(path, &[("a", "c")]);
        differs()?;
        fs::set_permissions(path.join("a"), fs::Permissions::from_mode(0o755))?;
        differs()?;
        fs::rename(path.join("a"), path.join("b"))?;
        differs()?;
        fs::remove_file(path.join("b"))?;
        symlink("c", path.join("b"))?;
        differs()
    }

    #[test]
    fn what_changes_between_reading_and_copying_is_an_error() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let from = directory.path().join("from");
        write(&from, &[("a.py", "1")]);
        let tree = SourceTree::read(&from)?;
        write(&from, &[("a.py", "2")]);
        let error = tree.copy_to(&directory.path().join("to")).expect_err("the file was changed");
        assert!(error.to_string().ends_with("a.py` was changed while it was being used"), "{error}");
        Ok(())
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = SourceTree::read(Path::new("/no/such")).expect_err("it is missing").to_string();
        assert!(error.contains("`/no/such`"), "{error}");
    }
}
