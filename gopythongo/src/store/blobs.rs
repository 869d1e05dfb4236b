//! Content-addressed files.

use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tempfile::TempPath;

use super::StoreError;
use crate::support::{Digest, operations, sync_together};

/// A directory of files named by their digests; a blob appears whole or not at all, and is never changed.
#[derive(Debug, Clone)]
pub struct Blobs {
    directory: PathBuf,
}

impl Blobs {
    /// Blobs below a directory, which is made when the first one is put.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Where the blob of a digest is, or would be.
    #[must_use]
    pub fn path(&self, digest: &Digest) -> PathBuf {
        crate::cache::blob_path(&self.directory, digest)
    }

    /// Puts what is left of `reader`; gives its digest and size in bytes. A blob that is there is kept.
    ///
    /// # Errors
    /// When it cannot be read or written; nothing is then left.
    pub fn put(&self, reader: impl Read) -> io::Result<(Digest, u64)> {
        let (file, digest, size) = self.take(reader)?;
        self.keep(file, &digest, size)?;
        Ok((digest, size))
    }

    /// Puts what is left of `reader` if that has this digest; gives whether it has.
    ///
    /// # Errors
    /// When it cannot be read or written; nothing is then left.
    pub(crate) fn put_only(&self, reader: impl Read, digest: &Digest) -> io::Result<bool> {
        let (file, found, size) = self.take(reader)?;
        if found != *digest {
            return Ok(false);
        }
        self.keep(file, digest, size)?;
        Ok(true)
    }

    fn take(&self, reader: impl Read) -> io::Result<(TempPath, Digest, u64)> {
        operations::make_directories(&self.directory).map_err(at("cannot make", &self.directory))?;
        let file = operations::temporary(&self.directory).map_err(at("cannot write in", &self.directory))?;
        let (mut file, path) = file.into_parts();
        let (digest, size) =
            Digest::of_reader(Tee { reader, copy: &mut file, path: &path, directory: &self.directory })?;
        file.set_permissions(Permissions::from_mode(0o444)).map_err(at("cannot write in", &self.directory))?;
        Ok((path, digest, size))
    }

    fn keep(&self, file: TempPath, digest: &Digest, size: u64) -> io::Result<()> {
        let path = self.path(digest);
        // A blob of another size is what a power loss left of one that was not synced yet.
        if path.metadata().is_ok_and(|found| found.len() == size) {
            return Ok(());
        }
        let shard = path.parent().unwrap_or(&self.directory);
        operations::make_directories(shard).map_err(at("cannot make", shard))?;
        operations::persist(file, &path).map_err(at("cannot write", &path))
    }

    /// Puts a copy of a file: a link would change with the file. One of these blobs is only read.
    ///
    /// # Errors
    /// When it cannot be read or written; nothing is then left.
    pub fn put_file(&self, path: &Path) -> io::Result<(Digest, u64)> {
        let open = || File::open(path).map_err(at("cannot read", path));
        if path.starts_with(&self.directory) {
            let (digest, size) = Digest::of_reader(open()?)?;
            if self.path(&digest) == path {
                return Ok((digest, size));
            }
        }
        self.put(open()?)
    }

    /// Takes over a file that its owner needs no more: moves it if it is this user's alone and on the same file system, and
    /// else puts a copy.
    ///
    /// # Errors
    /// When it cannot be read, moved or written.
    pub fn take_file(&self, path: &Path) -> io::Result<(Digest, u64)> {
        let found = fs::symlink_metadata(path).map_err(at("cannot read", path))?;
        // what somebody else has may still change
        let is_own = found.is_file() && found.nlink() == 1 && found.uid() == rustix::process::geteuid().as_raw();
        if !is_own {
            return self.put_file(path);
        }
        let file = File::open(path).map_err(at("cannot read", path))?;
        let (digest, size) = Digest::of_reader(&file)?;
        let blob = self.path(&digest);
        if blob.metadata().is_ok_and(|found| found.len() == size) {
            return Ok((digest, size));
        }
        let shard = blob.parent().unwrap_or(&self.directory);
        operations::make_directories(shard).map_err(at("cannot make", shard))?;
        file.set_permissions(Permissions::from_mode(0o444)).map_err(at("cannot write", path))?;
        match operations::rename(path, &blob) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => self.put_file(path),
            moved => moved.map(|()| (digest, size)).map_err(at("cannot write", &blob)),
        }
    }

    /// Brings blobs to the disk, then the directories that hold them. A blob that is not what its name says is what a power
    /// loss left of one that was not synced: it is removed, so that whoever has its bytes can put it again.
    ///
    /// # Errors
    /// When one is missing or damaged, or cannot be synced.
    pub(super) fn sync(&self, digests: &BTreeSet<Digest>) -> Result<(), StoreError> {
        let paths: Vec<PathBuf> = digests.iter().map(|digest| self.path(digest)).collect();
        let directories: BTreeSet<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
        let top = (!digests.is_empty()).then_some(self.directory.as_path());
        let directories: Vec<PathBuf> = directories.into_iter().chain(top).map(Path::to_owned).collect();
        let sync = |paths: &[PathBuf]| {
            sync_together(paths).map_err(|(path, error)| StoreError::io("cannot bring to the disk", &path)(error))
        };
        let sound = |digest: &Digest| {
            let path = self.path(digest);
            match Digest::of_file(&path) {
                Ok(found) if found == *digest => Ok(()),
                Ok(_) => {
                    operations::remove(&path).map_err(StoreError::io("cannot remove", &path))?;
                    Err(StoreError::new(format!("`{}` was damaged, and is removed", path.display())).hint(
                        "a power loss may take what was not promoted yet: start a new run, which stages it again; if that does \
                         not help, `cache verify` before it",
                    ))
                }
                Err(error) => Err(StoreError::io("cannot read", &path)(error)),
            }
        };
        digests.iter().try_for_each(sound)?;
        sync(&paths)?;
        sync(&directories)
    }
}

/// A reader that writes down what passes.
struct Tee<'a, R> {
    reader: R,
    copy: &'a mut File,
    path: &'a Path,
    directory: &'a Path,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        operations::write(self.copy, self.path, &buffer[..n]).map_err(at("cannot write in", self.directory))?;
        Ok(n)
    }
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{action} `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(directory: &Path) -> Vec<PathBuf> {
        let entries = walkdir::WalkDir::new(directory).into_iter().filter_map(Result::ok);
        entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
    }

    #[test]
    fn a_blob_lies_under_its_digest_and_is_read_only() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let blobs = Blobs::new(directory.path().join("blobs"));
        let (digest, size) = blobs.put(&b"wheel"[..])?;
        assert_eq!((digest, size), (Digest::of("wheel"), 5));
        assert_eq!(fs::read(blobs.path(&digest))?, b"wheel");
        assert_eq!(blobs.path(&digest).metadata()?.permissions().mode() & 0o777, 0o444);
        blobs.put(&b"wheel"[..])?;
        assert_eq!(files(directory.path()), [blobs.path(&digest)]);
        blobs.sync(&BTreeSet::from([digest])).expect("it is there");
        Ok(())
    }

    #[test]
    fn a_file_is_moved_unless_it_has_another_name() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let (blobs, file) = (Blobs::new(directory.path().join("blobs")), directory.path().join("file"));
        let other = directory.path().join("other");
        fs::write(&file, "wheel")?;
        fs::hard_link(&file, &other)?;
        let (digest, size) = blobs.take_file(&file)?;
        assert_eq!((digest, size), (Digest::of("wheel"), 5));
        fs::write(&other, "changed")?;
        assert_eq!(fs::read(blobs.path(&digest))?, b"wheel", "it was copied");
        fs::remove_file(&other)?;
        let (digest, _) = blobs.take_file(&file)?;
        assert!(!file.exists(), "it was moved");
        assert_eq!(fs::read(blobs.path(&digest))?, b"changed");
        assert_eq!(blobs.path(&digest).metadata()?.permissions().mode() & 0o777, 0o444);
        fs::write(&file, "changed")?;
        assert_eq!(blobs.take_file(&file)?, (digest, 7));
        Ok(())
    }

    #[test]
    fn a_reader_that_fails_leaves_nothing() -> io::Result<()> {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the line went dead"))
            }
        }
        let directory = tempfile::tempdir()?;
        let error = Blobs::new(directory.path()).put((&b"half of it"[..]).chain(Broken)).expect_err("it is broken");
        assert_eq!(error.to_string(), "the line went dead");
        assert!(files(directory.path()).is_empty());
        Ok(())
    }

    #[test]
    fn what_a_power_loss_left_of_a_blob_is_replaced() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let blobs = Blobs::new(directory.path());
        let path = blobs.path(&Digest::of("wheel"));
        fs::create_dir_all(path.parent().expect("a shard"))?;
        fs::write(&path, "")?;
        blobs.put(&b"wheel"[..])?;
        assert_eq!(fs::read(path)?, b"wheel");
        Ok(())
    }

    #[test]
    fn a_missing_blob_is_named_when_it_should_be_synced() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let blobs = Blobs::new(directory.path());
        let digest = Digest::of("gone");
        let error = blobs.sync(&BTreeSet::from([digest])).expect_err("it is not there");
        assert!(error.message.contains(&blobs.path(&digest).display().to_string()), "{error}");
        Ok(())
    }
}
