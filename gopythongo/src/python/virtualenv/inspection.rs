//! A look at every file of a tree: whether it holds a path of this machine, and whether it runs on its processors only.

use std::{
    fs,
    io::{self, BufRead},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

/// How the programs and libraries of an operating system begin (ELF).
const NATIVE: &[u8] = b"\x7fELF";

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::python) struct Inspection {
    /// How many bytes all files have.
    pub(in crate::python) bytes: u64,
    /// Whether a file is machine code.
    pub(in crate::python) native: bool,
    /// Files that hold one of the paths, in the order of their paths.
    pub(in crate::python) leaks: Vec<Leak>,
}

/// A file that holds a path of this machine.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::python) struct Leak {
    /// The file, relative to the tree.
    pub(in crate::python) file: PathBuf,
    /// The path that it holds.
    pub(in crate::python) holds: PathBuf,
    /// Whether the file is no text.
    pub(in crate::python) binary: bool,
}

/// Looks at every file and link below `root`. `traces` are directories of this machine that no file may name.
///
/// # Errors
/// When a file cannot be read; it is named.
pub(in crate::python) fn inspect(root: &Path, traces: &[PathBuf]) -> io::Result<Inspection> {
    let mut found = Inspection::default();
    for entry in WalkDir::new(root).sort_by_file_name() {
        let entry = entry.map_err(io::Error::other)?;
        let path = entry.path();
        let naming = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()));
        let (bytes, binary) = if entry.file_type().is_symlink() {
            (fs::read_link(path).map_err(naming)?.into_os_string().as_bytes().to_vec(), false)
        } else if entry.file_type().is_file() {
            let bytes = fs::read(path).map_err(naming)?;
            found.bytes += bytes.len() as u64;
            found.native |= bytes.starts_with(NATIVE);
            let binary = bytes.contains(&0);
            (bytes, binary)
        } else {
            continue;
        };
        if let Some(holds) = holds(&bytes, traces) {
            let file = path.strip_prefix(root).unwrap_or(path).to_owned();
            found.leaks.push(Leak { file, holds: holds.to_owned(), binary });
        }
    }
    Ok(found)
}

/// The first of `traces` that stands in `bytes` as a path or as the beginning of one. What stands before it may be anything:
/// `-I/var/work`.
fn holds<'a>(bytes: &[u8], traces: &'a [PathBuf]) -> Option<&'a Path> {
    // A build without optimisation compares byte by byte at a crawl; looking for a byte is the standard library's own.
    let mut rest = bytes;
    loop {
        let skipped = rest.skip_until(b'/').ok()?;
        if skipped == 0 {
            return None;
        }
        let at = bytes.len() - rest.len() - 1;
        if bytes[at] != b'/' {
            return None;
        }
        let is_here = |trace: &&PathBuf| {
            let trace = trace.as_os_str().as_bytes();
            bytes[at..].starts_with(trace) && bytes.get(at + trace.len()).is_none_or(|next| !is_of_name(*next))
        };
        if let Some(trace) = traces.iter().find(is_here) {
            return Some(trace);
        }
    }
}

/// Whether a byte goes on with the name of a file.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-~+".contains(&byte)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::support::trees::tree;

    fn held(bytes: &[u8]) -> bool {
        holds(bytes, &["/home/me/shop".into(), "/var/work".into()]).is_some()
    }

    #[test]
    fn a_path_is_found_wherever_it_stands() {
        for bytes in [
            &b"/home/me/shop"[..],
            b"#!/home/me/shop/env/bin/python\n",
            b"\x00\xff/var/work/a.c\x00",
            b"x=/home/me/shop",
            b"file:///home/me/shop/a.whl",
            b"-I/var/work",
            b"/home/you:/home/me/shop:/bin",
            b"'/home/me/shop'",
        ] {
            assert!(held(bytes), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn what_only_looks_like_it_is_none() {
        for bytes in [&b""[..], b"/", b"/home/me/shopping", b"/home/me/shop2", b"home/me/shop/", b"/var/wor"] {
            assert!(!held(bytes), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn files_with_paths_and_machine_code_are_told() -> io::Result<()> {
        let directory = tree(&[("a/plain.py", "x = 1\n"), ("b/text.json", "{\"at\": \"/var/work/x\"}")]);
        let root = directory.path();
        let traces = [PathBuf::from("/var/work")];
        let found = inspect(root, &traces)?;
        assert!(!found.native);
        fs::write(root.join("b/fast.so"), b"\x7fELF\x00\x00 /var/work/fast.c\x00")?;
        symlink("/var/work/elsewhere", root.join("b/link"))?;
        let found = inspect(root, &traces)?;
        let leak = |file: &str, binary| Leak { file: file.into(), holds: "/var/work".into(), binary };
        assert_eq!(found.leaks, [leak("b/fast.so", true), leak("b/link", false), leak("b/text.json", false)]);
        assert!(found.native);
        assert_eq!(found.bytes, 6 + 21 + 24);
        Ok(())
    }
}
