//! A directory that all machines see, by NFS or otherwise. Writers take turns by a lock on a file in it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{
    SharedError,
    objects::{Content, Found, Objects, When},
};
use crate::support::{Digest, FileLock};

/// Objects as files.
#[derive(Debug)]
pub(super) struct Directory {
    /// It is somebody's, and must be there.
    top: PathBuf,
    directory: PathBuf,
}

impl Directory {
    /// Objects below a directory of this name in another.
    pub(super) fn new(top: &Path, name: &str) -> Self {
        Self { top: top.to_owned(), directory: top.join(name) }
    }

    fn write(&self, path: &Path, content: &Content) -> io::Result<()> {
        let parent = path.parent().unwrap_or(&self.directory);
        fs::create_dir_all(parent)?;
        let mut file = NamedTempFile::new_in(parent)?;
        io::copy(&mut content.reader()?, file.as_file_mut())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Objects for Directory {
    fn get(&self, name: &str) -> Result<Option<Found>, SharedError> {
        let path = self.directory.join(name);
        match File::open(&path) {
            Ok(file) => Ok(Some(Found { body: Box::new(file), tag: None })),
            // a directory that is not there at all is not mounted
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.top.is_dir() => Ok(None),
            Err(error) => Err(SharedError::io("cannot read", &path.display().to_string())(error)),
        }
    }

    fn put(&self, name: &str, content: &Content, when: &When) -> Result<bool, SharedError> {
        let path = self.directory.join(name);
        let shown = path.display().to_string();
        // nobody is to fill the place where a directory should be mounted
        if !self.top.is_dir() {
            return Err(SharedError::new(format!("`{}` is no directory", self.top.display())));
        }
        let _lock = match when {
            When::Always => None,
            When::Absent | When::Is(_) => {
                let lock = self.directory.join("lock");
                Some(FileLock::wait(&lock).map_err(SharedError::io("cannot lock", &lock.display().to_string()))?)
            }
        };
        let expected = match when {
            When::Always => true,
            When::Absent => !path.exists(),
            When::Is(state) => Digest::of_file(&path).is_ok_and(|found| found == state.digest),
        };
        if expected {
            self.write(&path, content).map_err(SharedError::io("cannot write", &shown))?;
        }
        Ok(expected)
    }
}
