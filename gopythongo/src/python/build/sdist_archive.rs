//! The archive of an sdist (PEP 625), written anew so that the same source gives the same bytes, and unpacked.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder, read::GzDecoder};
use tar::{Archive, Builder, EntryType, Header};

use crate::support::SOURCE_DATE_EPOCH;

/// A member as far as it is kept.
struct Member {
    kind: EntryType,
    executable: bool,
    link: Option<PathBuf>,
    bytes: Vec<u8>,
}

/// Writes the sdist at `from` to `to`: members sorted, of nobody, of the constant time, with the mode 644 or 755; names,
/// links and bytes as they are. Gives the paths of its files below its one directory.
pub(in crate::python) fn normalize(from: &Path, to: &Path) -> io::Result<Vec<PathBuf>> {
    let mut members = BTreeMap::new();
    let mut archive = Archive::new(GzDecoder::new(File::open(from)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let header = entry.header();
        let (kind, mode) = (header.entry_type(), header.mode()?);
        // A directory is made by what is in it.
        if !(kind.is_file() || kind.is_symlink() || kind.is_hard_link()) {
            continue;
        }
        let (path, link) = (entry.path()?.into_owned(), entry.link_name()?.map(|link| link.into_owned()));
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        let kind = if kind.is_file() { EntryType::Regular } else { kind };
        members.insert(path, Member { kind, executable: mode & 0o111 != 0, link, bytes });
    }
    let gzip = GzBuilder::new().mtime(0).write(File::create(to)?, Compression::new(6));
    let mut builder = Builder::new(gzip);
    for (path, member) in &members {
        let mut header = Header::new_gnu();
        header.set_entry_type(member.kind);
        header.set_mode(if member.executable { 0o755 } else { 0o644 });
        header.set_mtime(SOURCE_DATE_EPOCH);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(member.bytes.len() as u64);
        match &member.link {
            Some(link) => builder.append_link(&mut header, path, link)?,
            None => builder.append_data(&mut header, path, member.bytes.as_slice())?,
        }
    }
    builder.into_inner()?.finish()?;
    Ok(members.into_keys().map(|path| path.components().skip(1).collect()).collect())
}

/// Unpacks a checked sdist into `to`; gives its one directory.
pub(in crate::python) fn unpack(sdist: &Path, to: &Path) -> io::Result<PathBuf> {
    let mut archive = Archive::new(GzDecoder::new(File::open(sdist)?));
    archive.set_preserve_mtime(true);
    archive.set_preserve_permissions(true);
    archive.unpack(to)?;
    let mut entries = to.read_dir()?;
    match (entries.next().transpose()?, entries.next()) {
        (Some(only), None) => Ok(only.path()),
        _ => Err(io::Error::other("it has not one directory")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn archive(path: &Path, members: &[(&str, u32)], mtime: u64) {
        let gzip = GzBuilder::new().mtime(7).write(File::create(path).expect("a file"), Compression::fast());
        let mut builder = Builder::new(gzip);
        for (name, mode) in members {
            let mut header = Header::new_ustar();
            header.set_mode(*mode);
            header.set_mtime(mtime);
            header.set_uid(1000);
            header.set_size(name.len() as u64);
            builder.append_data(&mut header, name, name.as_bytes()).expect("a member");
        }
        builder.into_inner().and_then(|gzip| gzip.finish()).expect("an archive");
    }

    #[test]
    fn the_same_files_give_the_same_bytes_and_keep_what_matters() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        archive(&path("a.tar.gz"), &[("x-1/b.py", 0o664), ("x-1/a.sh", 0o775)], 1);
        archive(&path("b.tar.gz"), &[("x-1/a.sh", 0o700), ("x-1/b.py", 0o600)], 2);
        let files = normalize(&path("a.tar.gz"), &path("a")).expect("an archive");
        assert_eq!(files, [PathBuf::from("a.sh"), PathBuf::from("b.py")]);
        normalize(&path("b.tar.gz"), &path("b")).expect("an archive");
        assert_eq!(fs::read(path("a")).expect("bytes"), fs::read(path("b")).expect("bytes"));

        let top = unpack(&path("a"), &path("unpacked")).expect("a directory");
        assert_eq!(top, path("unpacked/x-1"));
        assert_eq!(fs::read_to_string(top.join("b.py")).expect("a file"), "x-1/b.py");
        use std::os::unix::fs::MetadataExt;
        let script = top.join("a.sh").metadata().expect("a file");
        assert_eq!((script.mode() & 0o777, script.mtime()), (0o755, 1_580_601_600));
    }

    #[test]
    fn long_names_and_links_survive() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let long = format!("x-1/{}/c.py", "d".repeat(120));
        archive(&path("a.tar.gz"), &[], 1);
        let gzip = GzBuilder::new().write(File::create(path("a.tar.gz")).expect("a file"), Compression::fast());
        let mut builder = Builder::new(gzip);
        let mut header = Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o644);
        builder.append_data(&mut header, &long, &b"c"[..]).expect("a member");
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        header.set_mode(0o777);
        builder.append_link(&mut header, "x-1/link", "target").expect("a link");
        builder.into_inner().and_then(|gzip| gzip.finish()).expect("an archive");
        let files = normalize(&path("a.tar.gz"), &path("a")).expect("an archive");
        assert_eq!(files.len(), 2);
        let top = unpack(&path("a"), &path("unpacked")).expect("a directory");
        assert_eq!(fs::read_link(top.join("link")).expect("a link"), PathBuf::from("target"));
        assert!(top.join("d".repeat(120)).join("c.py").exists());
    }
}
