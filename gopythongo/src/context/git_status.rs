//! What `git status` says of a work tree (git-status(1), porcelain format 2).

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use super::git::{GitError, Repository, git, is_shallow};

/// All that is asked for at once: branch and commit, what differs, what is new, and what is ignored as far as a pattern names it.
const STATUS: [&str; 7] =
    ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--ignored=matching", "--no-renames"];

/// Asks git; gives its answer as it stands.
pub(super) fn status(toplevel: &Path) -> Result<Vec<u8>, GitError> {
    git(toplevel, &STATUS)
}

/// The records of an answer, each with what it begins with.
pub(super) fn records(said: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    said.split(|byte| *byte == 0).filter_map(|record| Some((*record.first()?, record)))
}

/// The path in a record, after a number of fields.
pub(super) fn path_after(record: &[u8], fields: usize) -> Option<PathBuf> {
    let path = record.splitn(fields + 1, |byte| *byte == b' ').nth(fields)?;
    Some(OsString::from_vec(path.to_vec()).into())
}

impl Repository {
    /// Asks for the state of the work tree at `toplevel`.
    ///
    /// # Errors
    /// When there is no git program, or it refuses.
    pub fn open(toplevel: &Path) -> Result<Self, GitError> {
        Ok(Self::told(toplevel, &status(toplevel)?))
    }

    /// The state that an answer tells.
    pub(super) fn told(toplevel: &Path, said: &[u8]) -> Self {
        let mut repository = Self {
            toplevel: toplevel.to_owned(),
            branch: None,
            commit: None,
            shallow: is_shallow(toplevel),
            changes: Vec::new(),
            untracked: Vec::new(),
        };
        for (kind, record) in records(said) {
            match kind {
                b'#' => repository.header(&String::from_utf8_lossy(record)),
                // `1 XY SUB MODE MODE MODE HASH HASH PATH`, and two fields more for what is not merged.
                b'1' => repository.changes.extend(path_after(record, 8)),
                b'u' => repository.changes.extend(path_after(record, 10)),
                b'?' => repository.untracked.extend(path_after(record, 1)),
                _ => {}
            }
        }
        repository
    }

    fn header(&mut self, line: &str) {
        let mut words = line.splitn(3, ' ').skip(1);
        match (words.next(), words.next()) {
            (Some("branch.oid"), Some(commit)) if commit != "(initial)" => self.commit = Some(commit.to_owned()),
            (Some("branch.head"), Some(branch)) if branch != "(detached)" => self.branch = Some(branch.to_owned()),
            _ => {}
        }
    }

    /// Whether anything below a directory differs from the commit. The directory is canonical and in the work tree.
    #[must_use]
    pub fn is_changed(&self, directory: &Path) -> bool {
        let Ok(below) = directory.strip_prefix(&self.toplevel) else { return true };
        self.commit.is_none()
            || self.changes.iter().chain(&self.untracked).any(|path| {
                let is_state = path.iter().any(|part| part == ".gopythongo");
                !is_state && (path.starts_with(below) || below.starts_with(path))
            })
    }
}
