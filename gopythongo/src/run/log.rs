//! A step's log: made when there is something to write.

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// A file of lines; a step that says nothing has none.
pub(super) struct Log {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

impl Log {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: Mutex::new(None) }
    }

    pub(super) fn line(&self, line: &str) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = self
                .path
                .parent()
                .and_then(|parent| fs::create_dir_all(parent).ok())
                .and_then(|()| File::options().create(true).append(true).open(&self.path).ok());
        }
        if let Some(file) = file.as_mut() {
            // a log that cannot be written must not fail the step; reports have the lines too
            let _ = writeln!(file, "{line}");
        }
    }
}
