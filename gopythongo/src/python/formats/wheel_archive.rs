//! The zip archive of a wheel, read with limits.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use zip::{CompressionMethod, ZipArchive};

use crate::python::{DistributionError, Metadata, metadata};

/// More members than any wheel has.
const MEMBERS: usize = 200_000;
/// What an archive may unpack to, however large it is, in bytes.
const ALWAYS_FINE: u64 = 64 << 20;
/// How many times its own size an archive may unpack to beyond that.
const RATIO: u64 = 200;
/// What no archive may unpack to, in bytes.
const NEVER_FINE: u64 = 8 << 30;

/// An open wheel whose list of members was found harmless.
pub(in crate::python) struct WheelArchive {
    path: PathBuf,
    zip: ZipArchive<BufReader<File>>,
    members: Vec<Member>,
    dist_info: String,
}

/// A file in the archive.
#[derive(Debug, Clone)]
pub(in crate::python) struct Member {
    pub(in crate::python) path: String,
    pub(in crate::python) size: u64,
    pub(in crate::python) executable: bool,
    index: usize,
}

impl WheelArchive {
    /// Opens a wheel and looks at its list of members.
    ///
    /// # Errors
    /// When it cannot be read, is no zip archive, has unsafe members, unpacks to too much, or has not one `.dist-info`.
    pub(in crate::python) fn open(path: &Path) -> Result<Self, DistributionError> {
        let unreadable = |error: io::Error| DistributionError::unreadable(path, &error);
        let error = |why: &dyn std::fmt::Display| DistributionError::new(format!("`{}`: {why}", path.display()));
        let file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let zip = ZipArchive::new(BufReader::new(file))
            .map_err(|why| error(&format!("it is not a zip archive, or it is truncated ({why})")))?;
        let members = members(&zip, size).map_err(|why| error(&why))?;
        let dist_info = dist_info(&members).map_err(|why| error(&why))?;
        Ok(Self { path: path.to_owned(), zip, members, dist_info })
    }

    /// Its files, in the order of the archive.
    pub(in crate::python) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The name of its one `.dist-info` directory.
    pub(in crate::python) fn dist_info(&self) -> &str {
        &self.dist_info
    }

    /// Gives a member's contents to `read`, no more than its stated size; the checksum is looked at when they are read to the end.
    ///
    /// # Errors
    /// When it cannot be inflated, or `read` fails.
    pub(in crate::python) fn read<T>(
        &mut self,
        member: &Member,
        read: impl FnOnce(&mut dyn Read) -> io::Result<T>,
    ) -> Result<T, DistributionError> {
        let path = &self.path;
        let error = |why: &dyn std::fmt::Display| {
            DistributionError::new(format!("`{}`: its member `{}` is damaged ({why})", path.display(), member.path))
        };
        let file = self.zip.by_index(member.index).map_err(|why| error(&why))?;
        // One byte more than stated, so that the end, and with it the checksum, is reached.
        let mut reader = Counted { inner: file.take(member.size + 1), left: member.size };
        read(&mut reader).map_err(|why| error(&why))
    }

    /// Its core metadata.
    ///
    /// # Errors
    /// When there are none, or they are not valid.
    pub(in crate::python) fn metadata(&mut self) -> Result<Metadata, DistributionError> {
        let wanted = format!("{}/METADATA", self.dist_info);
        let error =
            |path: &Path, why: &dyn std::fmt::Display| DistributionError::new(format!("`{}`: {why}", path.display()));
        let member = self.members.iter().find(|member| member.path == wanted).cloned();
        let member = member.ok_or_else(|| error(&self.path, &format!("it has no `{wanted}`")))?;
        let bytes = self.read(&member, |reader| metadata::bounded(reader))?;
        Metadata::parse(bytes).map_err(|why| error(&self.path, &why))
    }
}

/// Fails when a member holds more than its header says.
struct Counted<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| io::Error::other("larger than its header says"))?;
        Ok(n)
    }
}

fn members(zip: &ZipArchive<BufReader<File>>, size: u64) -> Result<Vec<Member>, String> {
    if zip.len() > MEMBERS {
        return Err(format!("it has {} members, more than {MEMBERS}", zip.len()));
    }
    if zip.has_duplicate_names() {
        return Err("it has two members of one name".into());
    }
    let (mut members, mut total) = (Vec::new(), 0u64);
    for index in 0..zip.len() {
        let entry = zip.by_index_data(index).map_err(|why| why.to_string())?;
        let path = entry.name().map_err(|why| why.to_string())?.into_owned();
        if !is_safe(path.strip_suffix('/').unwrap_or(&path)) {
            return Err(format!("its member `{path}` leaves the archive's directory"));
        }
        if entry.is_symlink() {
            return Err(format!("its member `{path}` is a symbolic link"));
        }
        if entry.encrypted() || !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated)
        {
            return Err(format!(
                "its member `{path}` is encrypted, or compressed by a method that installers do not know"
            ));
        }
        total = total.saturating_add(entry.size());
        if total > NEVER_FINE || (total > ALWAYS_FINE && total / RATIO > size) {
            return Err(format!("it unpacks to {total} bytes or more from {size}"));
        }
        if entry.is_dir() {
            continue;
        }
        let executable = entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
        members.push(Member { size: entry.size(), path, executable, index });
    }
    Ok(members)
}

/// Whether a member's path stays below the directory that it is unpacked into, on every system.
pub(in crate::python) fn is_safe(path: &str) -> bool {
    !path.contains(['\\', '\0', ':']) && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn dist_info(members: &[Member]) -> Result<String, String> {
    let tops: BTreeSet<&str> = members
        .iter()
        .filter_map(|member| member.path.split_once('/').map(|(top, _)| top))
        .filter(|top| top.ends_with(".dist-info"))
        .collect();
    match tops.into_iter().collect::<Vec<_>>().as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err("it has no `.dist-info` directory, so it is not a wheel".into()),
        several => Err(format!("it has several `.dist-info` directories: {}", several.join(", "))),
    }
}
