//! Files that are to be written: all of them or none, and none over another.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::InitError;
use crate::support::{Durability, words, write_atomic};

/// Files and their texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    top: PathBuf,
    files: Vec<File>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    path: PathBuf,
    text: String,
    /// Whether it is there and gets lines more.
    grows: bool,
}

impl Files {
    /// No files. Paths are shown relative to `top`.
    pub(super) fn new(top: &Path) -> Self {
        Self { top: top.to_owned(), files: Vec::new() }
    }

    /// Adds a file that must not be there.
    ///
    /// # Errors
    /// When it is.
    pub(super) fn add(&mut self, path: PathBuf, text: impl Into<String>) -> Result<(), InitError> {
        if fs::symlink_metadata(&path).is_ok() {
            let message = format!("`{}` is there already: nothing was written", self.shown(&path));
            return Err(InitError::refused(message).hint("move it away, or `--dry-run` to see what would be written"));
        }
        self.files.push(File { path, text: text.into(), grows: false });
        Ok(())
    }

    /// Adds a file, unless it is there: then it is as good.
    pub(super) fn add_if_missing(&mut self, path: PathBuf, text: impl Into<String>) {
        if fs::symlink_metadata(&path).is_err() {
            self.files.push(File { path, text: text.into(), grows: false });
        }
    }

    /// Gives a file that is there a new text, in which the old one is.
    pub(super) fn grow(&mut self, path: PathBuf, text: String) {
        self.files.push(File { path, text, grows: true });
    }

    /// Adds lines to a file of lines, which need not be there: those that are missing.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn add_lines(&mut self, path: PathBuf, lines: &str) -> Result<(), InitError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.add_if_missing(path, lines);
                return Ok(());
            }
            Err(error) => return Err(InitError::io("read", &path)(error)),
        };
        let bare = |line: &str| line.trim().trim_matches('/').to_owned();
        let is_missing = |line: &&str| !text.lines().any(|known| bare(known) == bare(line));
        let missing: Vec<&str> = lines.lines().filter(is_missing).collect();
        if !missing.is_empty() {
            let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            self.grow(path, format!("{text}{end}{}\n", missing.join("\n")));
        }
        Ok(())
    }

    /// Writes all of them.
    ///
    /// # Errors
    /// When one cannot be written: new ones that were written before it are removed again.
    pub(crate) fn write(&self) -> Result<(), InitError> {
        let mut written: Vec<&File> = Vec::new();
        for file in &self.files {
            if let Err(error) = write_atomic(&file.path, file.text.as_bytes(), Durability::Cached) {
                for new in written.iter().filter(|file| !file.grows) {
                    // it was not there a moment ago
                    let _ = fs::remove_file(&new.path);
                }
                return Err(InitError::io("write", &file.path)(error));
            }
            written.push(file);
        }
        Ok(())
    }

    /// All texts, each below its name.
    pub(crate) fn print(&self) -> String {
        let one = |file: &File| {
            let what = if file.grows { " (there already, with this added)" } else { "" };
            format!("==> {}{what} <==\n{}", self.shown(&file.path), file.text)
        };
        self.files.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    /// The names, in a sentence.
    pub(crate) fn names(&self) -> String {
        words::list(&self.files.iter().map(|file| self.shown(&file.path)).collect::<Vec<_>>())
    }

    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.top).unwrap_or(path).display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    #[test]
    fn nothing_is_written_over_another_file() {
        let directory = tree(&[("pipeline/pipeline.rs", "mine")]);
        let mut files = Files::new(directory.path());
        let error = files.add(directory.path().join("pipeline/pipeline.rs"), "new").expect_err("there");
        assert_eq!(error.message, "`pipeline/pipeline.rs` is there already: nothing was written");
    }

    #[test]
    fn all_or_none_are_written() {
        let directory = tree(&[("file", "")]);
        let mut files = Files::new(directory.path());
        files.add_if_missing(directory.path().join("a/new"), "1");
        files.add_if_missing(directory.path().join("file/below"), "2");
        assert!(files.write().is_err());
        assert!(!directory.path().join("a/new").exists());
    }

    #[test]
    fn lines_are_added_once() {
        let directory = tree(&[(".gitignore", "target/\n*.pyc")]);
        let path = directory.path().join(".gitignore");
        let mut files = Files::new(directory.path());
        files.add_lines(path.clone(), "/target\n.gopythongo/\n").expect("read");
        files.write().expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "target/\n*.pyc\n.gopythongo/\n");
        let mut files = Files::new(directory.path());
        files.add_lines(path, "/target\n.gopythongo/\n").expect("read");
        assert_eq!(files.names(), "");
    }
}
