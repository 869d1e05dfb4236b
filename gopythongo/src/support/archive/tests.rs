//! Archives made to do harm, and some that are not.

use std::{fs, io::Write, os::unix::fs::PermissionsExt, path::PathBuf};

use flate2::{Compression, write::GzEncoder};
use tar::{EntryType, Header};
use tempfile::TempDir;

use super::*;

/// A member of a tar: type, name, link or contents.
type Member<'a> = (EntryType, &'a str, &'a str);

/// A member of a zip: name, link or contents, mode.
type ZipMember<'a> = (&'a str, &'a str, u32);

fn tar(members: &[Member<'_>]) -> Vec<u8> {
    let mut tar = ::tar::Builder::new(Vec::new());
    for (kind, name, text) in members {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(if name.ends_with(".sh") { 0o4777 } else { 0o600 });
        header.set_mtime(1_000_000_000);
        // The library would refuse such names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        let contents = if matches!(kind, EntryType::Symlink | EntryType::Link) {
            header.as_old_mut().linkname[..text.len()].copy_from_slice(text.as_bytes());
            ""
        } else {
            text
        };
        header.set_size(contents.len() as u64);
        header.set_cksum();
        tar.append(&header, contents.as_bytes()).expect("it is written to memory");
    }
    tar.into_inner().expect("it is written to memory")
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("it is written to memory");
    encoder.finish().expect("it is written to memory")
}

fn zip_of(members: &[ZipMember<'_>]) -> Vec<u8> {
    let mut zip = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text, mode) in members {
        let options = ::zip::write::SimpleFileOptions::default().unix_permissions(*mode);
        if mode & 0o170_000 == 0o120_000 {
            zip.add_symlink(*name, *text, options).expect("it is written to memory");
        } else {
            zip.start_file(*name, options).expect("it is written to memory");
            zip.write_all(text.as_bytes()).expect("it is written to memory");
        }
    }
    zip.finish().expect("it is written to memory").into_inner()
}

/// Unpacks; gives the directory around the target, and the error in words without the archive's path.
fn unpacked(bytes: &[u8], limits: &Limits) -> (TempDir, Result<PathBuf, String>) {
    let directory = tempfile::tempdir().expect("a directory");
    let archive = directory.path().join("archive");
    fs::write(&archive, bytes).expect("it can be written");
    let to = directory.path().join("to");
    let result = unpack(&archive, &to, limits).map(|()| to).map_err(|error| {
        let start = format!("cannot unpack `{}`: ", archive.display());
        error.to_string().strip_prefix(&start).expect("it names the archive").to_owned()
    });
    (directory, result)
}

fn refusal(bytes: &[u8], limits: &Limits) -> String {
    let (directory, result) = unpacked(bytes, limits);
    let mut names: Vec<_> =
        fs::read_dir(directory.path()).expect("it exists").flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["archive", "to"], "nothing may be written elsewhere");
    result.expect_err("it must be refused")
}

#[test]
fn an_honest_sdist() {
    let members = [
        (EntryType::Directory, "./", ""),
        (EntryType::Directory, "x-1/", ""),
        (EntryType::Regular, "x-1/setup.py", "old"),
        (EntryType::Regular, "x-1/setup.py", "setup()"),
        (EntryType::Regular, "x-1/deep/run.sh", "#!"),
        (EntryType::Symlink, "x-1/deep/link", "../setup.py"),
        (EntryType::Link, "x-1/copy.py", "x-1/setup.py"),
    ];
    let (_directory, to) = unpacked(&gz(&tar(&members)), &Limits::default());
    let to = to.expect("nothing is wrong with it").join("x-1");
    assert_eq!(fs::read_to_string(to.join("setup.py")).expect("it is there"), "setup()");
    assert_eq!(fs::read_to_string(to.join("deep/link")).expect("it is there"), "setup()");
    assert_eq!(fs::read_to_string(to.join("copy.py")).expect("it is there"), "setup()");
    let script = fs::metadata(to.join("deep/run.sh")).expect("it is there");
    assert_eq!(script.permissions().mode() & 0o7777, 0o755 & !umask());
    let modified = script.modified().expect("files have times").duration_since(std::time::UNIX_EPOCH);
    assert_eq!(modified.expect("it is later").as_secs(), 1_000_000_000);
}

/// What the process takes away from modes, seen on a new file.
fn umask() -> u32 {
    use std::os::unix::fs::OpenOptionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let file =
        fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o777).open(directory.path().join("x"));
    let mode = file.and_then(|file| file.metadata()).expect("it can be made").permissions().mode();
    !mode & 0o777
}

#[test]
fn an_honest_zip() {
    let members = [
        ("x-1/setup.py", "setup()", 0o100_644),
        ("x-1/run.sh", "#!", 0o100_755),
        ("x-1/link", "run.sh", 0o120_777),
        ("x-1/data/", "", 0o040_755),
    ];
    let (_directory, to) = unpacked(&zip_of(&members), &Limits::default());
    let to = to.expect("nothing is wrong with it").join("x-1");
    assert_eq!(fs::read_to_string(to.join("link")).expect("it is there"), "#!");
    assert_ne!(fs::metadata(to.join("run.sh")).expect("it is there").permissions().mode() & 0o100, 0);
    assert!(to.join("data").is_dir());
}

#[test]
fn a_table_of_hostile_tars() {
    let table: [(&[Member<'_>], &str); 11] = [
        (&[(EntryType::Regular, "../evil", "")], "its member `../evil` has `..` in its name"),
        (&[(EntryType::Regular, "a/../../evil", "")], "its member `a/../../evil` has `..` in its name"),
        (&[(EntryType::Regular, "/evil", "")], "its member `/evil` has an absolute name"),
        (
            &[(EntryType::Symlink, "a/link", "../../evil")],
            "its member `a/link` leads out of the archive: it is a link to `../../evil`",
        ),
        (
            &[(EntryType::Symlink, "link", "/etc/passwd")],
            "its member `link` leads out of the archive: it is a link to `/etc/passwd`",
        ),
        (
            &[(EntryType::Symlink, "d/e/up", "../.."), (EntryType::Symlink, "out", "d/e/up/../evil")],
            "its member `out` leads down and up again: it is a link to `d/e/up/../evil`",
        ),
        (
            &[(EntryType::Symlink, "link", "."), (EntryType::Regular, "link/file", "")],
            "its member `link/file` cannot be written: it lies below something that is no directory",
        ),
        (
            &[(EntryType::Link, "copy", "../archive")],
            "its member `copy` has `..` in its name: it is a hard link to `../archive`",
        ),
        (
            &[(EntryType::Symlink, "link", "file"), (EntryType::Link, "copy", "link")],
            "its member `copy` links to no file before it: it is a hard link to `link`",
        ),
        (&[(EntryType::Char, "null", "")], "its member `null` is neither file, directory nor link"),
        (&[(EntryType::Fifo, "a\u{1b}[2J", "")], "its member `a\\u{1b}[2J` is neither file, directory nor link"),
    ];
    for (members, expected) in table {
        assert_eq!(refusal(&gz(&tar(members)), &Limits::default()), expected);
    }
}

#[test]
fn a_table_of_hostile_zips() {
    let table: [(&[ZipMember<'_>], &str); 4] = [
        (&[("../evil", "", 0o100_644)], "its member `../evil` has `..` in its name"),
        (&[("/evil", "", 0o100_644)], "its member `/evil` has an absolute name"),
        (&[("link", "../evil", 0o120_777)], "its member `link` leads out of the archive: it is a link to `../evil`"),
        (
            &[("link", ".", 0o120_777), ("link/file", "", 0o100_644)],
            "its member `link/file` cannot be written: it lies below something that is no directory",
        ),
    ];
    for (members, expected) in table {
        assert_eq!(refusal(&zip_of(members), &Limits::default()), expected);
    }
}

#[test]
fn every_truncation_is_noticed() {
    let text: String = (0..400).map(|i| format!("{i} ")).collect();
    let archives = [
        gz(&tar(&[(EntryType::Regular, "a", &text), (EntryType::Regular, "b", &text)])),
        zip_of(&[("a", &text, 0o100_644), ("b", &text, 0o100_644)]),
    ];
    for archive in archives {
        for length in 0..archive.len() {
            refusal(&archive[..length], &Limits::default());
        }
    }
}

#[test]
fn limits_hold() {
    let many = [(EntryType::Regular, "a", ""), (EntryType::Regular, "b", "")];
    let limits = Limits { entries: 1, ..Limits::default() };
    assert_eq!(refusal(&gz(&tar(&many)), &limits), "it has more than 1 member");
    assert_eq!(refusal(&zip_of(&[("a", "", 0), ("b", "", 0)]), &limits), "it has more than 1 member");
    let zeros = "\0".repeat(1 << 20);
    let limits = Limits { bytes: 100_000, ..Limits::default() };
    assert_eq!(
        refusal(&gz(&tar(&[(EntryType::Regular, "a", &zeros)])), &limits),
        "it unpacks to more than 100000 bytes"
    );
    assert_eq!(refusal(&zip_of(&[("a", &zeros, 0)]), &limits), "it unpacks to more than 100000 bytes");
    let links = [(EntryType::Regular, "a", "x".repeat(60_000)), (EntryType::Link, "b", "a".to_owned())];
    let links: Vec<Member<'_>> = links.iter().map(|(kind, name, text)| (*kind, *name, text.as_str())).collect();
    assert_eq!(refusal(&gz(&tar(&links)), &limits), "it unpacks to more than 100000 bytes");
}

#[test]
fn a_bomb_is_stopped_by_its_ratio() {
    let bomb = gz(&tar(&[(EntryType::Regular, "a", &"\0".repeat(2 << 20))]));
    let limits = Limits { harmless: 1 << 20, ..Limits::default() };
    assert!(bomb.len() < 5000);
    assert_eq!(refusal(&bomb, &limits), "it unpacks to more than 1 MiB");
    assert!(unpacked(&bomb, &Limits::default()).1.is_ok());
}

#[test]
fn what_is_no_archive_is_said() {
    assert_eq!(refusal(b"hello", &Limits::default()), "it is neither a `.tar.gz` nor a `.zip`");
    assert!(refusal(&gz(b"hello"), &Limits::default()).starts_with("it is truncated or damaged"));
}
