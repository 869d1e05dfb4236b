//! A step's own directory: made when somebody wants it, and remembered if somebody did.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// Where a step may write, whether or not it is there yet.
pub(super) struct Scratch {
    path: PathBuf,
    wanted: AtomicBool,
}

impl Scratch {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, wanted: AtomicBool::new(false) }
    }

    /// The path, for whoever may write there.
    pub(super) fn path(&self) -> &Path {
        self.wanted.store(true, Ordering::Relaxed);
        &self.path
    }

    /// The path, if anybody has asked for it.
    pub(super) fn wanted(self) -> Option<PathBuf> {
        self.wanted.into_inner().then_some(self.path)
    }
}
