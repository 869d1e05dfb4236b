//! The tree that a package ships: a tar archive that is looked at, header by header, and whose bytes go into the package as they are.

use std::{collections::BTreeSet, fs::File, io, os::unix::fs::FileExt};

/// How long a name may be, in bytes: more than any file system takes.
const NAME: u64 = 256 * 1024;

/// A GNU tar archive, and what is known of it without its files' bytes.
#[derive(Debug)]
pub(super) struct Tree {
    tar: File,
    /// Its directories: `opt`, `opt/shop`.
    pub(super) directories: BTreeSet<String>,
    /// What it takes on a disk, in KiB (deb-substvars(5), `Installed-Size`).
    pub(super) kibibytes: u64,
    /// Where its end begins, so that more can follow.
    pub(super) end: u64,
}

impl Tree {
    /// Looks at the archive of the tree at `root` (`opt/shop`).
    ///
    /// # Errors
    /// When it cannot be read, or holds what a package of that tree cannot: something outside of it, or neither a file, a
    /// directory nor a symbolic link.
    pub(super) fn look(tar: File, root: &str) -> io::Result<Self> {
        let mut tree = Self { tar, directories: BTreeSet::new(), kibibytes: 0, end: 0 };
        let mut long_name = None;
        let mut header = [0; 512];
        loop {
            tree.tar.read_exact_at(&mut header, tree.end)?;
            if header.iter().all(|byte| *byte == 0) {
                return Ok(tree);
            }
            let header = tar::Header::from_byte_slice(&header);
            let (kind, size) = (header.entry_type(), header.entry_size()?);
            let begin = tree.end + 512;
            tree.end = size
                .checked_next_multiple_of(512)
                .and_then(|blocks| begin.checked_add(blocks))
                .ok_or_else(|| io::Error::other("the tree holds an entry that is larger than any file"))?;
            match kind {
                tar::EntryType::GNULongName => {
                    long_name = Some(tree.name(begin, size)?);
                    continue;
                }
                tar::EntryType::GNULongLink => continue,
                _ => {}
            }
            let bytes = long_name.take().unwrap_or_else(|| header.path_bytes().into_owned());
            let path = inside(&bytes, root)?;
            match kind {
                tar::EntryType::Regular | tar::EntryType::Continuous => tree.kibibytes += size.div_ceil(1024),
                tar::EntryType::Directory => {
                    tree.directories.insert(path);
                    tree.kibibytes += 1;
                }
                tar::EntryType::Symlink => tree.kibibytes += 1,
                other => {
                    let message =
                        format!("the tree holds `{path}`, which a package cannot: a tar entry of type {other:?}");
                    return Err(io::Error::other(message));
                }
            }
        }
    }

    /// The archive, whose end begins at [`end`](Self::end).
    #[cfg(target_os = "linux")]
    pub(super) fn file(&self) -> &File {
        &self.tar
    }

    /// The archive without its end, to be read once.
    ///
    /// # Errors
    /// When the file cannot be opened again.
    pub(super) fn bytes(&self) -> io::Result<io::Take<File>> {
        use std::io::{Read, Seek};

        let mut tar = self.tar.try_clone()?;
        tar.rewind()?;
        Ok(tar.take(self.end))
    }

    /// The content of a small entry.
    fn name(&self, begin: u64, size: u64) -> io::Result<Vec<u8>> {
        if size > NAME {
            return Err(io::Error::other("the tree holds a name that is longer than any file system takes"));
        }
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        self.tar.read_exact_at(&mut bytes, begin)?;
        Ok(bytes)
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

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

    fn look(tar: &[u8]) -> io::Result<Tree> {
        let mut file = tempfile::tempfile()?;
        file.write_all(tar)?;
        Tree::look(file, "opt/shop")
    }

    #[test]
    fn a_tree_is_known_without_its_end() -> io::Result<()> {
        let long = format!("opt/shop/{}/module.py", "deep/".repeat(40));
        let tar = archive(|builder| {
            file(builder, "opt/shop/one", b"message digest");
            file(builder, &long, &[7; 3000]);
            let mut link = header(tar::EntryType::Symlink, 0);
            builder.append_link(&mut link, "opt/shop/python", "/usr/bin/python3").expect("space");
        });
        let tree = look(&tar)?;
        for _ in 0..2 {
            let mut data = Vec::new();
            tree.bytes()?.read_to_end(&mut data)?;
            assert_eq!(data, tar[..tar.len() - 1024]);
        }
        assert_eq!(tree.directories, ["opt".to_owned(), "opt/shop".to_owned()].into());
        assert_eq!(tree.kibibytes, 2 + 1 + 3 + 1);
        Ok(())
    }

    #[test]
    fn what_does_not_belong_into_the_package_is_refused() {
        let refused = |tar: Vec<u8>| look(&tar).expect_err("refused").to_string();
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
            assert!(look(&tar[..length]).is_err(), "{length} bytes");
        }
    }
}
