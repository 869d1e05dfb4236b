//! A step's log: made when there is something to write.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::RunDirectory;

/// A file of lines; a step that says nothing has none.
pub(super) struct Log<'a> {
    run: &'a Path,
    step: &'a str,
    file: Mutex<Option<File>>,
}

impl<'a> Log<'a> {
    /// The log of a step, in the directory of a run.
    pub(super) fn new(run: &'a Path, step: &'a str) -> Self {
        Self { run, step, file: Mutex::new(None) }
    }

    pub(super) fn line(&self, line: &str) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            let path = RunDirectory::log(self.run, self.step);
            *file = path
                .parent()
                .and_then(|parent| fs::create_dir_all(parent).ok())
                .and_then(|()| File::options().create(true).append(true).open(&path).ok());
        }
        if let Some(file) = file.as_mut() {
            // a log that cannot be written must not fail the step; reports have the lines too
            let _ = writeln!(file, "{line}");
        }
    }
}
