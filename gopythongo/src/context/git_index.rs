//! Git's index, read without git: the paths that a work tree tracks (gitformat-index(5)).
//!
//! Entries name files only. What else an index may say, as that some of its entries are in another file, is for git.

use std::{ffi::OsString, fs, os::unix::ffi::OsStringExt, path::PathBuf};

use super::git::directories;

/// The stat data of an entry, its object's name in SHA-1, its flags.
const FIXED: usize = 40 + HASH + 2;

/// The length of a name in SHA-1.
const HASH: usize = 20;

/// In the flags: that two more bytes of them follow.
const EXTENDED: u16 = 0x4000;

/// In the flags: the length of the path, or all ones for longer ones.
const LENGTH: u16 = 0x0fff;

/// The paths that the work tree at `toplevel` tracks, relative to it, in the order of their bytes; one that is being merged
/// stands there once a side. `None` for an index that this does not understand, where git has to be asked.
pub(super) fn tracked(toplevel: &std::path::Path) -> Option<Vec<PathBuf>> {
    parse(&fs::read(directories(toplevel).0.join("index")).ok()?)
}

fn parse(bytes: &[u8]) -> Option<Vec<PathBuf>> {
    let (body, _checksum) = bytes.split_at_checked(bytes.len().checked_sub(HASH)?)?;
    let mut rest = body.strip_prefix(b"DIRC")?;
    let version = number(take(&mut rest, 4)?);
    if !(2..=4).contains(&version) {
        return None;
    }
    let count = number(take(&mut rest, 4)?);
    let mut paths: Vec<Vec<u8>> = Vec::with_capacity(usize::try_from(count).ok()?.min(body.len() / FIXED));
    for _ in 0..count {
        let before = rest.len();
        let fixed = take(&mut rest, FIXED)?;
        let flags = u16::from_be_bytes([fixed[FIXED - 2], fixed[FIXED - 1]]);
        if flags & EXTENDED != 0 {
            take(&mut rest, 2)?;
        }
        let mut path = Vec::new();
        if version == 4 {
            let earlier = paths.last().map_or(&[][..], Vec::as_slice);
            path.extend(&earlier[..earlier.len().checked_sub(varint(&mut rest)?)?]);
        }
        let end = rest.iter().position(|byte| *byte == 0)?;
        path.extend(take(&mut rest, end)?);
        // names in another hash would be longer, and everything after them elsewhere
        let said = usize::from(flags & LENGTH);
        if path.is_empty() || path.len().min(usize::from(LENGTH)) != said {
            return None;
        }
        // one zero in version 4; before, as many as fill the entry up to eight bytes, one at least
        let used = before - rest.len();
        let zeros = if version == 4 { 1 } else { 8 - used % 8 };
        take(&mut rest, zeros)?;
        paths.push(path);
    }
    while !rest.is_empty() {
        let name = take(&mut rest, 4)?;
        // optional ones begin with a capital; the others change what the entries mean
        if !name.first()?.is_ascii_uppercase() {
            return None;
        }
        let length = usize::try_from(number(take(&mut rest, 4)?)).ok()?;
        take(&mut rest, length)?;
    }
    Some(paths.into_iter().map(|path| OsString::from_vec(path).into()).collect())
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// How many bytes of the path before are left out: an offset as in packs, of seven bits a byte (gitformat-pack(5)).
fn varint(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0usize;
    for place in 0.. {
        let byte = *take(rest, 1)?.first()?;
        value = (value + usize::from(place > 0)).checked_mul(128)? | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{
        super::git::tests::{commit, repository, run},
        *,
    };
    use crate::support::trees::plant;

    /// Names of every length around the padding, and one that does not fit into the flags.
    fn files() -> Vec<String> {
        let long = format!("long/{}", vec!["d".repeat(200); 21].join("/"));
        (1..20).map(|length| "x".repeat(length)).chain((1..9).map(|n| format!("a/{n}/é {n}"))).chain([long]).collect()
    }

    fn planted() -> tempfile::TempDir {
        let directory = repository(&[]);
        for file in files().iter().filter(|file| file.len() < 200) {
            plant(directory.path(), &[(file, "")]);
        }
        commit(directory.path(), &[]);
        // longer than a path that can be opened: it exists in the index alone
        for file in files().iter().filter(|file| file.len() >= 200) {
            let blob = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
            run(directory.path(), &["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{file}")]);
        }
        directory
    }

    fn sorted(mut names: Vec<String>) -> Vec<PathBuf> {
        names.sort();
        names.into_iter().map(PathBuf::from).collect()
    }

    #[test]
    fn every_version_of_the_format_is_read() {
        let directory = planted();
        for version in ["2", "3", "4"] {
            run(directory.path(), &["update-index", "--index-version", version]);
            assert_eq!(tracked(directory.path()), Some(sorted(files())), "version {version}");
        }
        plant(directory.path(), &[("later", "1")]);
        run(directory.path(), &["add", "--intent-to-add", "later"]);
        let with_later = files().into_iter().chain(["later".to_owned()]).collect();
        assert_eq!(tracked(directory.path()), Some(sorted(with_later)), "flags may take four bytes");
    }

    #[test]
    fn another_work_tree_has_an_index_of_its_own() {
        let directory = repository(&[("x", "1")]);
        let elsewhere = tempfile::tempdir().expect("a temporary directory");
        let tree = elsewhere.path().join("tree");
        run(directory.path(), &["worktree", "add", "-q", &tree.display().to_string()]);
        commit(&tree, &[("y", "1")]);
        assert_eq!(tracked(&tree), Some(sorted(vec!["x".to_owned(), "y".to_owned()])));
        assert_eq!(tracked(directory.path()), Some(vec!["x".into()]));
    }

    #[test]
    fn what_is_not_understood_is_left_to_git() {
        let directory = repository(&[("x", "1")]);
        run(directory.path(), &["update-index", "--split-index"]);
        assert_eq!(tracked(directory.path()), None, "the entries are in another file");
        let other = tempfile::tempdir().expect("a temporary directory");
        run(other.path(), &["init", "-q", "--object-format=sha256"]);
        plant(other.path(), &[("x", "1"), ("y", "1"), ("z/z", "")]);
        run(other.path(), &["add", "."]);
        assert_eq!(tracked(other.path()), None, "names of objects are longer");
        assert_eq!(tracked(Path::new("/nowhere")), None);
    }

    #[test]
    fn no_damage_is_a_panic() {
        let directory = planted();
        let whole = fs::read(directory.path().join(".git/index")).expect("there is one");
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_none_or(|paths| paths.len() == files().len()), "{length} bytes");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            let _ = parse(&damaged);
        }
    }
}
