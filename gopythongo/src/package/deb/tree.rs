//! The tree that a package ships: a tar archive that passes through, looked at once on its way.

use std::{
    collections::BTreeSet,
    io::{self, Read, Write},
};

use super::sum::Sum;

/// How much is read at once.
const CHUNK: usize = 256 * 1024;

/// What is known of a tree after it has passed.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Its directories: `opt`, `opt/shop`.
    pub(super) directories: BTreeSet<String>,
    /// Lines of `md5sums`.
    pub(super) sums: String,
    /// What it takes on a disk, in KiB (deb-substvars(5), `Installed-Size`).
    pub(super) kibibytes: u64,
}

/// Copies a GNU tar archive of the tree at `root` (`opt/shop`) without its end, so that more can follow.
///
/// # Errors
/// When it cannot be read or written, or holds what a package of that tree cannot: something outside of it, or neither a
/// file, a directory nor a symbolic link.
pub(super) fn pass(mut tar: impl Read, root: &str, data: &mut impl Write) -> io::Result<Tree> {
    let mut tree = Tree::default();
    let mut long_name = None;
    let mut buffer = vec![0; CHUNK];
    loop {
        let mut header = [0; 512];
        tar.read_exact(&mut header)?;
        if header.iter().all(|byte| *byte == 0) {
            return Ok(tree);
        }
        data.write_all(&header)?;
        let header = tar::Header::from_byte_slice(&header);
        let (kind, size) = (header.entry_type(), header.entry_size()?);
        if matches!(kind, tar::EntryType::GNULongName | tar::EntryType::GNULongLink) {
            let name = whole(&mut tar, size, data)?;
            if kind == tar::EntryType::GNULongName {
                long_name = Some(name);
            }
            continue;
        }
        let bytes = long_name.take().unwrap_or_else(|| header.path_bytes().into_owned());
        let path = inside(&bytes, root)?;
        match kind {
            tar::EntryType::Regular | tar::EntryType::Continuous => {
                let mut sum = Sum::default();
                let mut left = size;
                while left > 0 {
                    let chunk = &mut buffer[..CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
                    tar.read_exact(chunk)?;
                    sum.update(chunk);
                    data.write_all(chunk)?;
                    left -= chunk.len() as u64;
                }
                pad(&mut tar, size, data)?;
                tree.sums += &format!("{}  {path}\n", sum.finish());
                tree.kibibytes += size.div_ceil(1024);
            }
            tar::EntryType::Directory => {
                tree.directories.insert(path);
                tree.kibibytes += 1;
            }
            tar::EntryType::Symlink => tree.kibibytes += 1,
            other => {
                let message = format!("the tree holds `{path}`, which a package cannot: a tar entry of type {other:?}");
                return Err(io::Error::other(message));
            }
        }
    }
}

/// The path of an entry, without slashes at its ends: of the tree, or a directory on the way to it.
fn inside(bytes: &[u8], root: &str) -> io::Result<String> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    let path = String::from_utf8(bytes.to_vec())
        .map_err(|_| io::Error::other(format!("`{}` is not UTF-8", String::from_utf8_lossy(bytes))))?;
    let path = path.strip_prefix("./").unwrap_or(&path).trim_end_matches('/').to_owned();
    let below =
        |path: &str, top: &str| path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if path.contains('\n') {
        return Err(io::Error::other(format!("`{}` has a line break in its name", path.escape_default())));
    }
    if below(&path, root) || below(root, &path) {
        return Ok(path);
    }
    Err(io::Error::other(format!("the tree holds `/{path}`, which is not below `/{root}`")))
}

/// Passes a small entry's content on, and gives it.
fn whole(tar: &mut impl Read, size: u64, data: &mut impl Write) -> io::Result<Vec<u8>> {
    if size > CHUNK as u64 {
        return Err(io::Error::other("the tree holds a name that is longer than any file system takes"));
    }
    let mut bytes = Vec::new();
    tar.by_ref().take(size).read_to_end(&mut bytes)?;
    data.write_all(&bytes)?;
    pad(tar, size, data)?;
    Ok(bytes)
}

/// Passes on what fills the last block.
fn pad(tar: &mut impl Read, size: u64, data: &mut impl Write) -> io::Result<()> {
    let mut padding = [0; 512];
    let padding = &mut padding[..((512 - size % 512) % 512) as usize];
    tar.read_exact(padding)?;
    data.write_all(padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: tar::EntryType, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_size(size);
        header
    }

    /// A tar archive with the end that every archive has.
    fn archive(add: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_data(&mut header(tar::EntryType::Directory, 0), "opt/", io::empty()).expect("space");
        builder.append_data(&mut header(tar::EntryType::Directory, 0), "opt/shop/", io::empty()).expect("space");
        add(&mut builder);
        builder.into_inner().expect("space")
    }

    fn file(builder: &mut tar::Builder<Vec<u8>>, path: &str, content: &[u8]) {
        let mut header = header(tar::EntryType::Regular, content.len() as u64);
        builder.append_data(&mut header, path, content).expect("space");
    }

    #[test]
    fn a_tree_passes_byte_for_byte_but_for_its_end() {
        let long = format!("opt/shop/{}/module.py", "deep/".repeat(40));
        let tar = archive(|builder| {
            file(builder, "opt/shop/one", b"message digest");
            file(builder, &long, &[7; 3000]);
            let mut link = header(tar::EntryType::Symlink, 0);
            builder.append_link(&mut link, "opt/shop/python", "/usr/bin/python3").expect("space");
        });
        let mut data = Vec::new();
        let tree = pass(&tar[..], "opt/shop", &mut data).expect("a good tree");
        assert_eq!(data, tar[..tar.len() - 1024]);
        assert_eq!(tree.directories, ["opt".to_owned(), "opt/shop".to_owned()].into());
        assert_eq!(tree.kibibytes, 2 + 1 + 3 + 1);
        let sums: Vec<&str> = tree.sums.lines().collect();
        assert_eq!(sums[0], "f96b697d7cb7938d525a2f31aaf161d0  opt/shop/one");
        assert!(sums[1].ends_with(&long), "{}", sums[1]);
    }

    #[test]
    fn what_does_not_belong_into_the_package_is_refused() {
        let refused = |tar: Vec<u8>| pass(&tar[..], "opt/shop", &mut Vec::new()).expect_err("refused").to_string();
        let outside = refused(archive(|builder| file(builder, "opt/shopping/x", b"")));
        assert_eq!(outside, "the tree holds `/opt/shopping/x`, which is not below `/opt/shop`");
        let device = refused(archive(|builder| {
            builder.append_data(&mut header(tar::EntryType::Fifo, 0), "opt/shop/pipe", io::empty()).expect("space");
        }));
        assert!(device.contains("`opt/shop/pipe`, which a package cannot"), "{device}");
        let broken = refused(archive(|builder| file(builder, "opt/shop/a\nb", b"")));
        assert!(broken.contains("has a line break"), "{broken}");
    }

    #[test]
    fn a_tree_that_is_cut_off_is_an_error() {
        let tar = archive(|builder| file(builder, "opt/shop/one", &[7; 3000]));
        for length in [0, 100, 512, 1600, tar.len() - 1024] {
            assert!(pass(&tar[..length], "opt/shop", &mut Vec::new()).is_err(), "{length} bytes");
        }
    }
}
