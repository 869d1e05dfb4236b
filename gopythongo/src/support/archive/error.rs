//! Why an archive was not unpacked.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// An archive that cannot, or must not, be unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveError {
    /// The archive.
    pub archive: PathBuf,
    /// The member that is wrong, as the archive names it.
    pub member: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl ArchiveError {
    pub(super) fn new(archive: &Path, message: impl Into<String>) -> Self {
        Self { archive: archive.to_owned(), member: None, message: message.into() }
    }

    pub(super) fn member(archive: &Path, member: &[u8], message: impl Into<String>) -> Self {
        // Names are strangers' text: control characters would play with the terminal.
        let member = String::from_utf8_lossy(member).escape_debug().to_string();
        Self { archive: archive.to_owned(), member: Some(member), message: message.into() }
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot unpack `{}`: ", self.archive.display())?;
        if let Some(member) = &self.member {
            write!(f, "its member `{member}` ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ArchiveError {}
