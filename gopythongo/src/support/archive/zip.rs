//! `.zip`, what wheels are (PEP 427) and some old source distributions.

use std::io::{Read, Seek};

use zip::{ZipArchive, result::ZipError};

use super::{
    ArchiveError,
    guarded::{Allowance, Guarded},
    target::Target,
};

pub(super) fn unpack(reader: impl Read + Seek, packed: u64, mut target: Target<'_>) -> Result<(), ArchiveError> {
    let allowance = Allowance::new(target.limits.allowance(packed));
    let mut archive = ZipArchive::new(reader)
        .map_err(|error| ArchiveError::new(target.archive, format!("it is truncated or damaged ({error})")))?;
    if archive.has_duplicate_names() {
        return Err(ArchiveError::new(target.archive, "it has two members of one name"));
    }
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| damaged(&target, &error))?;
        let member = entry.name_raw().to_vec();
        let Some(path) = target.place(&member)? else { continue };
        let (directory, link) = (entry.is_dir(), entry.is_symlink());
        // The type is in the upper bits of the mode, where Unix made the archive.
        let kind = entry.unix_mode().unwrap_or_default() & 0o170_000;
        let executable = entry.unix_mode().is_some_and(|mode| mode & 0o100 != 0);
        // One byte more than stated, so that the end, and with it the checksum, is reached.
        let stated = entry.size();
        let mut bytes = Guarded { reader: entry.take(stated + 1), allowance: allowance.clone() };
        let failed = |error: std::io::Error| {
            let damage = target.bad(&member, format!("is damaged ({error})"));
            if allowance.is_exceeded() { target.failure(&allowance, packed, "") } else { damage }
        };
        if directory {
            target.directory(&member, &path)?;
        } else if link {
            let to = Target::read_link(&mut bytes).map_err(failed)?;
            target.link(&member, &path, &to)?;
        } else if kind == 0 || kind == 0o100_000 {
            // The times of zip archives are in nobody knows whose time zone.
            target.file(&member, &path, executable, None, &mut bytes)?.map_err(failed)?;
            if bytes.reader.limit() == 0 {
                return Err(target.bad(&member, "is larger than its header says"));
            }
        } else {
            return Err(target.bad(&member, "is neither file, directory nor link"));
        }
    }
    Ok(())
}

fn damaged(target: &Target<'_>, error: &ZipError) -> ArchiveError {
    ArchiveError::new(target.archive, format!("it is damaged ({error})"))
}
