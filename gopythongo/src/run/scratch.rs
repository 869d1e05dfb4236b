//! A step's own directory: made when somebody wants it, and remembered if somebody did.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::RunDirectory;

/// Where a step may write, whether or not it is there yet.
pub(super) struct Scratch<'a> {
    work: &'a Path,
    step: &'a str,
    wanted: OnceLock<PathBuf>,
}

impl<'a> Scratch<'a> {
    /// That of a step, below the place where all steps of the run work.
    pub(super) fn new(work: &'a Path, step: &'a str) -> Self {
        Self { work, step, wanted: OnceLock::new() }
    }

    /// The path, for whoever may write there.
    pub(super) fn path(&self) -> &Path {
        self.wanted.get_or_init(|| RunDirectory::scratch(self.work, self.step))
    }

    /// The path, if anybody has asked for it.
    pub(super) fn wanted(self) -> Option<PathBuf> {
        self.wanted.into_inner()
    }
}
