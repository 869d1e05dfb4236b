//! The record of approvals of an environment on this machine. It is synced, and changed under the environment's lock.

use std::{fs, io, path::PathBuf};

use super::LocalHost;
use crate::{
    deploy::{Approvals, Approved, Candidate},
    run::Failure,
    support::{Durability, write_atomic},
};

impl LocalHost {
    /// The file with what waits and what was approved.
    pub(in crate::deploy) fn approvals_file(&self) -> PathBuf {
        self.place.approvals()
    }

    /// What waits here, and what was approved.
    ///
    /// # Errors
    /// When the record cannot be read, or is damaged: then nothing is taken for approved.
    pub fn approvals(&self) -> Result<Approvals, Failure> {
        let path = self.place.approvals();
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Failure::lacking(format!("`{}` is damaged: {error}", path.display()))
                    .hint("put it back as it was, or move it away and approve again what is live")
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Approvals::default()),
            Err(error) => Err(Failure::io("cannot read", &path)(error)),
        }
    }

    /// Remembers that a run waits for an approval.
    ///
    /// # Errors
    /// When another program changes the environment, or the record cannot be read or written.
    pub fn request(&self, candidate: Candidate) -> Result<(), Failure> {
        self.change_approvals(|approvals| approvals.ask(candidate))
    }

    /// Remembers an approval, in the place of an earlier one of the same bytes.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn approve(&self, approved: Approved) -> Result<(), Failure> {
        self.change_approvals(|approvals| approvals.approve(approved))
    }

    fn change_approvals(&self, change: impl FnOnce(&mut Approvals)) -> Result<(), Failure> {
        let _lock = self.lock()?;
        let mut approvals = self.approvals()?;
        change(&mut approvals);
        let path = self.place.approvals();
        let written = serde_json::to_vec_pretty(&approvals).map_err(io::Error::other);
        let written = written.and_then(|bytes| write_atomic(&path, &bytes, Durability::Synced));
        written.map_err(Failure::io("cannot write", &path))
    }
}
