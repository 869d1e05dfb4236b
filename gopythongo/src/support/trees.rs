//! Small trees of files for unit tests.

use std::{fs, path::Path};

use tempfile::TempDir;

/// A new directory with these files: paths and texts.
pub(crate) fn tree(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"));
    plant(directory.path(), files);
    directory
}

/// Writes files below a directory.
pub(crate) fn plant(directory: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = directory.join(path);
        let parent = path.parent().unwrap_or(directory);
        fs::create_dir_all(parent).and_then(|()| fs::write(&path, text)).unwrap_or_else(|error| panic!("{error}"));
    }
}
