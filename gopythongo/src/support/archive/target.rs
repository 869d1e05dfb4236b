//! The directory that an archive is unpacked into: the only place that writes.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::{
        ffi::OsStrExt,
        fs::{OpenOptionsExt, symlink},
    },
    path::{Component, Path, PathBuf},
    time::SystemTime,
};

use super::{ArchiveError, Limits, guarded::Allowance};
use crate::support::words::count;

/// Longer targets of links are nonsense.
const LONGEST_LINK: u64 = 4096;

/// A directory under construction.
///
/// Why no link leads out: a link's `..` may stand only at the beginning of its target, where they are counted against
/// the real directories above the link; and nothing is ever written through a link.
pub(super) struct Target<'a> {
    pub(super) archive: &'a Path,
    pub(super) limits: &'a Limits,
    directory: &'a Path,
    entries: u64,
}

impl<'a> Target<'a> {
    pub(super) fn new(archive: &'a Path, directory: &'a Path, limits: &'a Limits) -> Result<Self, ArchiveError> {
        fs::create_dir_all(directory)
            .map_err(|error| ArchiveError::new(archive, format!("cannot make `{}`: {error}", directory.display())))?;
        Ok(Self { archive, limits, directory, entries: 0 })
    }

    /// An error of the whole archive: the limit, if that was exceeded, else `message`.
    pub(super) fn failure(&self, allowance: &Allowance, packed: u64, message: impl Into<String>) -> ArchiveError {
        if allowance.is_exceeded() {
            let allowed = self.limits.allowance(packed);
            return ArchiveError::new(self.archive, format!("it unpacks to more than {}", count_bytes(allowed)));
        }
        ArchiveError::new(self.archive, message)
    }

    pub(super) fn bad(&self, member: &[u8], message: impl Into<String>) -> ArchiveError {
        ArchiveError::member(self.archive, member, message)
    }

    /// Counts a member and finds where it goes; `None` for the directory itself.
    pub(super) fn place(&mut self, member: &[u8]) -> Result<Option<PathBuf>, ArchiveError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            let limit = usize::try_from(self.limits.entries).unwrap_or(usize::MAX);
            return Err(ArchiveError::new(self.archive, format!("it has more than {}", count(limit, "member"))));
        }
        let path = relative(member).map_err(|why| self.bad(member, why))?;
        Ok((!path.as_os_str().is_empty()).then_some(path))
    }

    pub(super) fn directory(&self, member: &[u8], path: &Path) -> Result<(), ArchiveError> {
        self.make(path).map_err(|error| self.failed(member, &error))
    }

    /// Writes a file; reading errors come back as `Ok(Err(_))`, for the caller knows why reading may fail.
    pub(super) fn file(
        &self,
        member: &[u8],
        path: &Path,
        executable: bool,
        modified: Option<SystemTime>,
        mut bytes: impl Read,
    ) -> Result<io::Result<()>, ArchiveError> {
        let full = self.room(path).map_err(|error| self.failed(member, &error))?;
        let mode = if executable { 0o755 } else { 0o644 };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&full)
            .map_err(|error| self.failed(member, &error))?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match bytes.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    io::Write::write_all(&mut file, &buffer[..n]).map_err(|error| self.failed(member, &error))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        if let Some(modified) = modified {
            file.set_modified(modified).map_err(|error| self.failed(member, &error))?;
        }
        Ok(Ok(()))
    }

    /// Makes a symbolic link.
    pub(super) fn link(&self, member: &[u8], path: &Path, to: &[u8]) -> Result<(), ArchiveError> {
        let depth = path.components().count() - 1;
        stays(to, depth).map_err(|why| self.bad(member, format!("{why}: it is a link to `{}`", words(to))))?;
        let made = self.room(path).and_then(|full| symlink(OsStr::from_bytes(to), full));
        made.map_err(|error| self.failed(member, &error))
    }

    /// Reads a link's target where the archive stores it as the member's bytes.
    pub(super) fn read_link(bytes: impl Read) -> io::Result<Vec<u8>> {
        let mut to = Vec::new();
        bytes.take(LONGEST_LINK).read_to_end(&mut to)?;
        Ok(to)
    }

    /// Opens a file that was unpacked before, for a hard link to it: as a copy, because nobody expects one file's
    /// change in the other.
    pub(super) fn earlier(&self, member: &[u8], to: &[u8]) -> Result<File, ArchiveError> {
        let wrong = |why: &str| self.bad(member, format!("{why}: it is a hard link to `{}`", words(to)));
        let path = relative(to).map_err(wrong)?;
        self.checked_parent(&path).map_err(|error| self.failed(member, &error))?;
        let full = self.directory.join(path);
        if !fs::symlink_metadata(&full).is_ok_and(|metadata| metadata.is_file()) {
            return Err(wrong("links to no file before it"));
        }
        File::open(full).map_err(|error| self.failed(member, &error))
    }

    /// Makes a directory and those above it.
    fn make(&self, path: &Path) -> io::Result<()> {
        let mut full = self.directory.to_owned();
        for name in path.components() {
            full.push(name);
            match fs::create_dir(&full) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if !fs::symlink_metadata(&full)?.is_dir() {
                        return Err(io::Error::other("it lies below something that is no directory"));
                    }
                }
                made => made?,
            }
        }
        Ok(())
    }

    fn checked_parent(&self, path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), |parent| self.make(parent))
    }

    /// Where a file or a link can be made: its directory is there, and what had its name is not.
    fn room(&self, path: &Path) -> io::Result<PathBuf> {
        self.checked_parent(path)?;
        let full = self.directory.join(path);
        match fs::remove_file(&full) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(full),
        }
    }

    fn failed(&self, member: &[u8], error: &io::Error) -> ArchiveError {
        self.bad(member, format!("cannot be written: {error}"))
    }
}

/// A member's name as a path below the target.
fn relative(member: &[u8]) -> Result<PathBuf, &'static str> {
    let mut path = PathBuf::new();
    if member.is_empty() || member.contains(&0) {
        return Err("has no usable name");
    }
    for component in Path::new(OsStr::from_bytes(member)).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => return Err("has `..` in its name"),
            Component::RootDir | Component::Prefix(_) => return Err("has an absolute name"),
        }
    }
    Ok(path)
}

/// Whether a link `depth` directories below the target stays within it, whatever other links there are.
fn stays(to: &[u8], depth: usize) -> Result<(), &'static str> {
    if to.is_empty() || to.contains(&0) {
        return Err("leads nowhere");
    }
    let (mut ups, mut down) = (0, false);
    for component in Path::new(OsStr::from_bytes(to)).components() {
        match component {
            Component::RootDir | Component::Prefix(_) => return Err("leads out of the archive"),
            Component::ParentDir if down => return Err("leads down and up again"),
            Component::ParentDir => ups += 1,
            Component::Normal(_) => down = true,
            Component::CurDir => {}
        }
    }
    if ups > depth { Err("leads out of the archive") } else { Ok(()) }
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).escape_debug().to_string()
}

fn count_bytes(bytes: u64) -> String {
    match (bytes >> 30, bytes >> 20) {
        (0, 0) => count(usize::try_from(bytes).unwrap_or(usize::MAX), "byte"),
        (0, mebibytes) => format!("{mebibytes} MiB"),
        (gibibytes, _) => format!("{gibibytes} GiB"),
    }
}
