//! `.tar.gz`, what source distributions are (PEP 625).

use std::{
    io::{self, BufRead, Read},
    time::{Duration, UNIX_EPOCH},
};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::{
    ArchiveError,
    guarded::{Allowance, Guarded},
    target::Target,
};

pub(super) fn unpack(reader: impl BufRead, packed: u64, mut target: Target<'_>) -> Result<(), ArchiveError> {
    // Headers count too: their extensions are read into memory.
    let allowance = Allowance::new(target.limits.allowance(packed));
    let reader = Guarded { reader: MultiGzDecoder::new(reader), allowance: allowance.clone() };
    let mut archive = Archive::new(reader);
    let damaged = |target: &Target<'_>, error: io::Error| {
        target.failure(&allowance, packed, format!("it is truncated or damaged ({error})"))
    };
    for entry in archive.entries().map_err(|error| damaged(&target, error))? {
        let mut entry = entry.map_err(|error| damaged(&target, error))?;
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let member = entry.path_bytes().into_owned();
        let Some(path) = target.place(&member)? else { continue };
        let executable = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
        let modified = entry.header().mtime().ok().and_then(|time| UNIX_EPOCH.checked_add(Duration::from_secs(time)));
        let link = entry.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
        match kind {
            EntryType::Directory => target.directory(&member, &path)?,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => target
                .file(&member, &path, executable, modified, &mut entry)?
                .map_err(|error| damaged(&target, error))?,
            EntryType::Symlink => target.link(&member, &path, &link)?,
            EntryType::Link => {
                let earlier = Guarded { reader: target.earlier(&member, &link)?, allowance: allowance.clone() };
                target.file(&member, &path, executable, modified, earlier)?.map_err(|error| damaged(&target, error))?;
            }
            _ => return Err(target.bad(&member, "is neither file, directory nor link")),
        }
    }
    // The end of the tar is not the end of the gzip stream, whose checksum is worth looking at.
    io::copy(archive.into_inner().by_ref(), &mut io::sink()).map_err(|error| damaged(&target, error))?;
    Ok(())
}
