//! Content-addressed files.

use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::StoreError;
use crate::support::{Digest, sync_together};

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
        fs::create_dir_all(&self.directory).map_err(at("cannot make", &self.directory))?;
        let mut file = NamedTempFile::new_in(&self.directory).map_err(at("cannot write in", &self.directory))?;
        let (digest, size) = Digest::of_reader(Tee { reader, copy: file.as_file_mut(), directory: &self.directory })?;
        let path = self.path(&digest);
        // A blob of another size is what a power loss left of one that was not synced yet.
        if path.metadata().is_ok_and(|found| found.len() == size) {
            return Ok((digest, size));
        }
        let shard = path.parent().unwrap_or(&self.directory);
        fs::create_dir_all(shard).map_err(at("cannot make", shard))?;
        file.as_file().set_permissions(Permissions::from_mode(0o444)).map_err(at("cannot write", &path))?;
        file.persist(&path).map_err(|error| at("cannot write", &path)(error.error))?;
        Ok((digest, size))
    }

    /// Puts a copy of a file: a link would change with the file.
    ///
    /// # Errors
    /// When it cannot be read or written; nothing is then left.
    pub fn put_file(&self, path: &Path) -> io::Result<(Digest, u64)> {
        self.put(File::open(path).map_err(at("cannot read", path))?)
    }

    /// Brings blobs to the disk, then the directories that hold them.
    ///
    /// # Errors
    /// When one is missing or cannot be synced.
    pub(super) fn sync(&self, digests: &BTreeSet<Digest>) -> Result<(), StoreError> {
        let paths: Vec<PathBuf> = digests.iter().map(|digest| self.path(digest)).collect();
        let directories: BTreeSet<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
        let top = (!digests.is_empty()).then_some(self.directory.as_path());
        let directories: Vec<PathBuf> = directories.into_iter().chain(top).map(Path::to_owned).collect();
        let sync = |paths: &[PathBuf]| {
            sync_together(paths).map_err(|(path, error)| StoreError::io("cannot bring to the disk", &path)(error))
        };
        sync(&paths)?;
        sync(&directories)
    }
}

/// A reader that writes down what passes.
struct Tee<'a, R> {
    reader: R,
    copy: &'a mut File,
    directory: &'a Path,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.copy.write_all(&buffer[..n]).map_err(at("cannot write in", self.directory))?;
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
