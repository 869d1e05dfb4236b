//! Unpacking archives that strangers made: `.tar.gz` and `.zip`.
//!
//! `search` looks into those that this program made, `.deb` too.
//! [`unpack`] looks at the bytes, not at the name. `guarded` bounds what is inflated, `target` what is written and where.

mod ar;
mod error;
mod guarded;
mod limits;
mod search;
mod tar_gz;
mod target;
#[cfg(test)]
mod tests;
mod zip;

use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    path::Path,
};

pub(crate) use ar::Ar;
pub use error::ArchiveError;
pub use limits::Limits;
pub(crate) use search::{is_archive, search};

use target::Target;

/// Unpacks an archive into a directory, which is made if it is missing. Files get the mode 644 or 755; times are kept
/// where the archive says them in UTC.
///
/// Whatever the archive says, nothing is written outside of the directory, and no link in it leads out.
///
/// # Errors
/// When the archive cannot be read, is truncated or damaged, is neither `.tar.gz` nor `.zip`, has a member that is
/// absolute, has `..`, is a device or a link that leaves, or exceeds the limits. What was unpacked until then is left.
pub fn unpack(archive: &Path, to: &Path, limits: &Limits) -> Result<(), ArchiveError> {
    let unreadable = |error: std::io::Error| ArchiveError::new(archive, format!("it cannot be read: {error}"));
    let mut file = File::open(archive).map_err(unreadable)?;
    let packed = file.metadata().map_err(unreadable)?.len();
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    let target = Target::new(archive, to, limits)?;
    match magic.as_slice() {
        [0x1f, 0x8b, ..] => tar_gz::unpack(BufReader::new(file), packed, target),
        b"PK\x03\x04" | b"PK\x05\x06" => zip::unpack(BufReader::new(file), packed, target),
        _ => Err(ArchiveError::new(archive, "it is neither a `.tar.gz` nor a `.zip`")),
    }
}
