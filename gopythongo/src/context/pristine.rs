//! A copy of a source that can tell whether anybody has touched it since it was made.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::fs::{AtFlags, CWD, Stat, Timespec, Timestamps, utimensat};

use super::SourceTree;

/// How old the files of a copy seem to be. Whoever writes into one makes it younger, also within the tick of the file system's
/// clock in which it was made.
const AGE: Duration = Duration::from_secs(2);

/// What the files and directories of a copy were when it was made.
pub(crate) struct Pristine {
    tree: Arc<SourceTree>,
    files: Vec<Stat>,
    /// Of each directory: its mode, and how many names it has.
    directories: BTreeMap<PathBuf, (u32, usize)>,
}

impl Pristine {
    /// Marks a copy that was just [made](SourceTree::copy_to) in an empty directory. `None` for one that holds links, or whose
    /// file system keeps no times.
    ///
    /// # Errors
    /// When a file of the copy cannot be marked.
    pub(crate) fn mark(tree: &Arc<SourceTree>, copy: &Path) -> io::Result<Option<Self>> {
        let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(AGE);
        let age = Timespec::try_from(age).map_err(io::Error::other)?;
        let times = Timestamps { last_access: age, last_modification: age };
        let mut names: BTreeMap<&Path, usize> = BTreeMap::from([(Path::new(""), 0)]);
        let mut files = Vec::with_capacity(tree.files.len());
        for file in &tree.files {
            let place = copy.join(&file.path);
            utimensat(CWD, &place, &times, AtFlags::SYMLINK_NOFOLLOW)?;
            let stat = rustix::fs::lstat(&place)?;
            if !is_marked(&stat, &age) {
                return Ok(None);
            }
            files.push(stat);
            let mut below: &Path = &file.path;
            while let Some(parent) = below.parent() {
                let is_known = names.contains_key(parent);
                *names.entry(parent).or_default() += 1;
                if is_known {
                    break;
                }
                below = parent;
            }
        }
        let directory =
            |(below, count): (&Path, usize)| Ok((below.to_owned(), (fs::metadata(copy.join(below))?.mode(), count)));
        let directories = names.into_iter().map(directory).collect::<io::Result<_>>()?;
        Ok(Some(Self { tree: tree.clone(), files, directories }))
    }

    /// Whether the copy, which may have been moved, is what it was: the same files of the same times, and no others.
    pub(crate) fn is_untouched(&self, copy: &Path) -> bool {
        let same = |(below, (mode, count)): (&PathBuf, &(u32, usize))| {
            let directory = copy.join(below);
            fs::symlink_metadata(&directory).is_ok_and(|metadata| metadata.mode() == *mode)
                && fs::read_dir(&directory).is_ok_and(|names| names.count() == *count)
        };
        let unchanged = |(file, before): (&super::SourceFile, &Stat)| {
            rustix::fs::lstat(copy.join(&file.path)).is_ok_and(|now| is_same(before, &now))
        };
        self.directories.iter().all(same) && self.tree.files.iter().zip(&self.files).all(unchanged)
    }

    /// The source.
    pub(crate) fn tree(&self) -> &Arc<SourceTree> {
        &self.tree
    }

    /// How many bytes its files have.
    pub(crate) fn size(&self) -> u64 {
        self.files.iter().map(|stat| stat.st_size.cast_unsigned()).sum()
    }
}

/// Whether a file is an ordinary one, and has taken its time.
fn is_marked(stat: &Stat, age: &Timespec) -> bool {
    rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file()
        && stat.st_mtime == age.tv_sec
        && stat.st_mtime_nsec.try_into() == Ok(age.tv_nsec)
}

fn is_same(before: &Stat, now: &Stat) -> bool {
    let of = |stat: &Stat| {
        let modified = (stat.st_mtime, stat.st_mtime_nsec);
        let changed = (stat.st_ctime, stat.st_ctime_nsec);
        (stat.st_ino, stat.st_mode, stat.st_nlink, stat.st_uid, stat.st_gid, stat.st_size, modified, changed)
    };
    of(before) == of(now)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::support::trees::tree;

    #[test]
    fn whatever_is_done_to_a_copy_is_seen() -> io::Result<()> {
        let source = tree(&[("a.py", "1"), ("deep/er/b.py", "2"), ("deep/c.py", "3")]);
        let tree = Arc::new(SourceTree::read(source.path())?);
        type Done = fn(&Path) -> io::Result<()>;
        let done: [(&str, Done); 9] = [
            ("written with the same length", |copy| fs::write(copy.join("a.py"), "9")),
            ("replaced", |copy| {
                fs::remove_file(copy.join("a.py"))?;
                fs::write(copy.join("a.py"), "1")
            }),
            ("removed", |copy| fs::remove_file(copy.join("deep/c.py"))),
            ("made executable", |copy| fs::set_permissions(copy.join("a.py"), fs::Permissions::from_mode(0o755))),
            ("linked", |copy| fs::hard_link(copy.join("a.py"), copy.with_extension("link"))),
            ("a new file", |copy| fs::write(copy.join("deep/er/new"), "")),
            ("a new directory", |copy| fs::create_dir(copy.join("new"))),
            ("a directory closed", |copy| fs::set_permissions(copy.join("deep"), fs::Permissions::from_mode(0o711))),
            ("another name", |copy| fs::rename(copy.join("deep/c.py"), copy.join("deep/d.py"))),
        ];
        let places = tempfile::tempdir()?;
        for (number, (what, act)) in done.iter().enumerate() {
            let (copy, moved) =
                (places.path().join(format!("{number}")), places.path().join(format!("{number}.moved")));
            tree.copy_to(&copy)?;
            let pristine = Pristine::mark(&tree, &copy)?.expect("it holds no links");
            assert!(pristine.is_untouched(&copy), "{what}");
            fs::rename(&copy, &moved)?;
            assert!(pristine.is_untouched(&moved), "{what}");
            act(&moved)?;
            assert!(!pristine.is_untouched(&moved), "{what}");
        }
        Ok(())
    }

    #[test]
    fn a_copy_with_a_link_is_not_kept() -> io::Result<()> {
        let source = tree(&[("a.py", "1")]);
        symlink("a.py", source.path().join("b.py"))?;
        let tree = Arc::new(SourceTree::read(source.path())?);
        let copy = tempfile::tempdir()?;
        tree.copy_to(copy.path())?;
        assert!(Pristine::mark(&tree, copy.path())?.is_none());
        Ok(())
    }
}
