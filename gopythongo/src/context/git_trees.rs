//! The work trees of other repositories below the tool cache: what a checkout lacks that git does not bring, and those that no
//! run has used for long. Beside a work tree `COMMIT` is `COMMIT.used`: its time is that of the last use, its lines are what the
//! tree lacks.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use super::ContextError;
use crate::support::{FileLock, words};

/// After what time without use a work tree is cleared away.
const UNUSED: Duration = Duration::from_secs(30 * 86_400);

/// How a file begins that stands for another one in Git LFS.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// The repositories' work trees below a tool cache.
pub(super) fn trees(cache: &Path) -> PathBuf {
    cache.join("git").join("trees")
}

/// Whether a work tree is there, as a whole.
pub(super) fn is_used(tree: &Path) -> bool {
    tree.is_dir() && tree.with_extension("used").exists()
}

/// Notes that a work tree is used now. Gives what it lacks, a sentence each: `git` runs git in it, the first time.
pub(super) fn use_tree(
    tree: &Path,
    git: impl Fn(&[&str]) -> Result<String, ContextError>,
) -> Result<Vec<String>, ContextError> {
    let mark = tree.with_extension("used");
    let known = fs::read_to_string(&mark);
    let lines = match known {
        Ok(text) => text.lines().map(str::to_owned).collect(),
        Err(_) => {
            lacking(tree, &git(&["ls-files", "--stage", "-z"])?, &git(&["ls-files", "-z", ":(attr:filter=lfs)"])?)
        }
    };
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    // without it the tree looks older than it is, and is made again
    let _ = fs::write(&mark, text).and_then(|()| File::open(&mark)?.set_modified(SystemTime::now()));
    Ok(lines)
}

/// What a work tree lacks, of what its index holds and of the files that Git LFS keeps elsewhere.
fn lacking(tree: &Path, staged: &str, elsewhere: &str) -> Vec<String> {
    let submodule = |entry: &str| Some(format!("`{}`", entry.strip_prefix("160000 ")?.split_once('\t')?.1));
    let submodules: Vec<String> = staged.split('\0').filter_map(submodule).collect();
    let is_pointer = |file: &&str| {
        let mut begin = Vec::new();
        let read = File::open(tree.join(file)).and_then(|file| file.take(POINTER.len() as u64).read_to_end(&mut begin));
        read.is_ok() && begin == POINTER
    };
    let pointers = elsewhere.split('\0').filter(|file| !file.is_empty()).filter(is_pointer);
    let pointers: Vec<String> = pointers.map(|file| format!("`{file}`")).collect();
    let mut lacking = Vec::new();
    if !submodules.is_empty() {
        lacking.push(format!("submodules are not followed: {}", of(&submodules, "is empty", "are empty")));
    }
    if !pointers.is_empty() {
        lacking.push(format!("Git LFS is not asked: {} of its own", of(&pointers, "has nothing", "have nothing")));
    }
    lacking
}

/// `` `a`, `b` and 3 others are empty ``.
fn of(names: &[String], one: &str, many: &str) -> String {
    let mut shown: Vec<String> = names.iter().take(3).cloned().collect();
    if names.len() > shown.len() {
        shown.push(words::count(names.len() - shown.len(), "other"));
    }
    format!("{} {}", words::list(&shown), if names.len() == 1 { one } else { many })
}

/// Clears away the work trees of other repositories below a tool cache that no run has used for 30 days; gives how many.
/// A run that needs one again makes it again.
///
/// # Errors
/// When one cannot be read or removed.
pub(crate) fn clear_work_trees(cache: &Path) -> io::Result<usize> {
    clear(cache, SystemTime::now().checked_sub(UNUSED).unwrap_or(SystemTime::UNIX_EPOCH))
}

fn clear(cache: &Path, before: SystemTime) -> io::Result<usize> {
    let mut cleared = 0;
    for repository in directories(&trees(cache))? {
        let old = |tree: &PathBuf| -> io::Result<bool> {
            let mark = tree.with_extension("used");
            Ok(fs::metadata(if mark.exists() { &mark } else { tree })?.modified()? < before)
        };
        let mirror = cache.join("git").join(repository.file_name().unwrap_or_default()).with_extension("git");
        let mut unused = Vec::new();
        for tree in directories(&repository)? {
            unused.extend(old(&tree)?.then_some(tree));
        }
        if unused.is_empty() {
            continue;
        }
        let _lock = FileLock::wait(&mirror.with_extension("lock"))?;
        for tree in unused {
            // somebody may have used it meanwhile
            if old(&tree)? {
                fs::remove_dir_all(&tree)?;
                let _ = fs::remove_file(tree.with_extension("used"));
                cleared += 1;
            }
        }
        // the next work tree does it otherwise
        let mut prune = Command::new("git");
        let _ = prune.arg("-C").arg(&mirror).args(["worktree", "prune"]).stdin(Stdio::null()).output();
    }
    Ok(cleared)
}

/// The directories in a directory; none where it is missing.
fn directories(directory: &Path) -> io::Result<Vec<PathBuf>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::{plant, tree};

    #[test]
    fn what_git_does_not_bring_is_named() {
        let checkout =
            tree(&[("a.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n"), ("b.bin", "here")]);
        let staged = "100644 aa 0\tsetup.py\x00160000 bb 0\tvendor/one\x00160000 cc 0\tvendor/two\0";
        assert_eq!(
            lacking(checkout.path(), staged, "a.bin\0b.bin\0"),
            [
                "submodules are not followed: `vendor/one` and `vendor/two` are empty",
                "Git LFS is not asked: `a.bin` has nothing of its own"
            ]
        );
        assert_eq!(lacking(checkout.path(), "100644 aa 0\tsetup.py\0", ""), [""; 0]);
        let many: Vec<String> = (0..5).map(|number| format!("`{number}`")).collect();
        assert_eq!(of(&many, "is empty", "are empty"), "`0`, `1`, `2` and 2 others are empty");
    }

    #[test]
    fn a_work_tree_is_asked_once_for_what_it_lacks() {
        let cache = tree(&[("aa11/setup.py", "")]);
        let at = cache.path().join("aa11");
        let asked = |_: &[&str]| Ok("160000 bb 0\tvendor\0".to_owned());
        let first = use_tree(&at, asked).expect("git answers");
        let again = use_tree(&at, |_| Err(ContextError { message: "asked again".to_owned(), hint: None }));
        assert_eq!(again.expect("nobody is asked"), first);
    }

    #[test]
    fn work_trees_that_no_run_uses_are_cleared_away() -> io::Result<()> {
        let cache =
            tree(&[("git/trees/money-1/aa/x", ""), ("git/trees/money-1/bb/x", ""), ("git/trees/tax-2/cc/x", "")]);
        plant(cache.path(), &[("git/trees/money-1/aa.used", ""), ("git/trees/money-1/bb.used", "")]);
        let below = trees(cache.path());
        let (now, day) = (SystemTime::now(), Duration::from_secs(86_400));
        File::open(below.join("money-1/aa.used"))?.set_modified(now - 40 * day)?;
        File::open(below.join("money-1/bb.used"))?.set_modified(now - 20 * day)?;
        assert_eq!(clear_work_trees(cache.path())?, 1);
        let left = |name: &str| below.join(name).exists();
        assert_eq!(["money-1/aa", "money-1/aa.used", "money-1/bb", "tax-2/cc"].map(left), [false, false, true, true]);
        assert_eq!(clear(cache.path(), now + day)?, 2, "one that has no mark is as old as it is");
        assert_eq!(clear_work_trees(&cache.path().join("nowhere"))?, 0);
        Ok(())
    }
}
