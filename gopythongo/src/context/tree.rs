//! The files of a source, as git sees them: tracked, or neither tracked nor ignored. Without git, all but well-known litter.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{OpenOptionsExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
};

use super::{
    StatCache,
    listing::{self, Listings},
};
use crate::support::{Digest, Hasher};

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
        for path in paths {
            let full = directory.join(&path);
            let metadata = match fs::symlink_metadata(&full) {
                Ok(metadata) => metadata,
                // Tracked but deleted.
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    continue;
                }
                Err(error) => return Err(naming(&full, &error)),
            };
            let kind = metadata.file_type();
            if kind.is_symlink() {
                let target = fs::read_link(&full).map_err(|error| naming(&full, &error))?;
                files.push(SourceFile { path, executable: false, digest: of_link(&target) });
            } else if kind.is_file() {
                let hash = || Digest::of_file(&full);
                let digest = match cache {
                    Some(cache) => cache.digest(&full, &metadata, hash),
                    None => hash(),
                };
                let digest = digest.map_err(|error| naming(&full, &error))?;
                // The owner's bit, as git does: others depend on the umask.
                files.push(SourceFile { path, executable: metadata.permissions().mode() & 0o100 != 0, digest });
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
        fs::create_dir_all(to).map_err(|error| naming(to, &error))?;
        let mut made = to.to_owned();
        for file in &self.files {
            let (source, target) = (self.directory.join(&file.path), to.join(&file.path));
            if let Some(parent) = target.parent().filter(|parent| *parent != made) {
                fs::create_dir_all(parent).map_err(|error| naming(parent, &error))?;
                parent.clone_into(&mut made);
            }
            let copied = copy(&source, &target, file.executable).map_err(|error| naming(&source, &error))?;
            if copied != file.digest {
                return Err(io::Error::other(format!("`{}` was changed while it was being used", source.display())));
            }
        }
        Ok(())
    }
}

/// Copies a file or a link; gives the digest of what was copied.
fn copy(source: &Path, target: &Path, executable: bool) -> io::Result<Digest> {
    if fs::symlink_metadata(source)?.is_symlink() {
        let to = fs::read_link(source)?;
        symlink(&to, target)?;
        return Ok(of_link(&to));
    }
    let mode = if executable { 0o755 } else { 0o644 };
    let output = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(target)?;
    let (digest, _) = Digest::of_reader(Tee { input: File::open(source)?, output: &output })?;
    // The umask may have taken bits away.
    output.set_permissions(fs::Permissions::from_mode(mode))?;
    Ok(digest)
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
