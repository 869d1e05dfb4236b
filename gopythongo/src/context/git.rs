//! Asking git, the program, so that users' configuration applies. Knows repositories, nothing of pipelines or versions.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs, io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// How many directories git is asked for by name.
const FEW: usize = 32;

/// A work tree, and what was asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The top directory of the work tree.
    pub toplevel: PathBuf,
    /// The branch; `None` where `HEAD` is detached.
    pub branch: Option<String>,
    /// The commit; `None` before the first one.
    pub commit: Option<String>,
    /// Whether commits before some are missing.
    pub shallow: bool,
    /// Tracked paths that differ from the commit, relative to the top.
    pub changes: Vec<PathBuf>,
    /// Paths that are neither tracked nor ignored, relative to the top: files, and directories that are repositories themselves.
    pub untracked: Vec<PathBuf>,
}

/// Why git could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitError {
    /// There is a repository, but no git program.
    NoProgram {
        /// The top directory.
        toplevel: PathBuf,
    },
    /// Git ended with an error.
    Refused {
        /// Its arguments.
        command: String,
        /// The top directory.
        toplevel: PathBuf,
        /// The first line of what it said.
        said: String,
    },
}

impl GitError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoProgram { .. } => Some("install git".to_owned()),
            Self::Refused { .. } => None,
        }
    }
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProgram { toplevel } => {
                write!(f, "{} is a git repository, but `git` is not on PATH", toplevel.display())
            }
            Self::Refused { command, toplevel, said } => write!(f, "`git {command}` in {}: {said}", toplevel.display()),
        }
    }
}

impl std::error::Error for GitError {}

/// The top directory of the work tree that `directory` is in; `None` where there is no repository.
#[must_use]
pub fn toplevel(directory: &Path) -> Option<PathBuf> {
    let directory = fs::canonicalize(directory).ok()?;
    directory.ancestors().find(|ancestor| ancestor.join(".git").exists()).map(Path::to_owned)
}

/// Whether git would take this as the name of a branch (git-check-ref-format).
#[must_use]
pub fn is_branch_name(name: &str) -> bool {
    let forbidden = |c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c);
    let is_part =
        |part: &str| !(part.is_empty() || part.starts_with('.') || part.ends_with('.') || part.ends_with(".lock"));
    !name.starts_with('-')
        && name != "@"
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(forbidden)
        && name.split('/').all(is_part)
}

impl Repository {
    /// Names of the tags whose commits are the current one or before it.
    ///
    /// # Errors
    /// When there is no git program, or it refuses.
    pub fn tags(&self) -> Result<Vec<String>, GitError> {
        if self.commit.is_none() {
            return Ok(Vec::new());
        }
        let output =
            git(&self.toplevel, &["for-each-ref", "--merged=HEAD", "--format=%(refname:strip=2)", "refs/tags"])?;
        Ok(String::from_utf8_lossy(&output).lines().map(ToOwned::to_owned).collect())
    }

    /// The nearest tag that has a digit, and how many commits, merges too, the current one has and the tag has not: what
    /// `git describe` says. `None` for the tag where there is none: then all commits are counted.
    ///
    /// # Errors
    /// When there is no git program, or it refuses.
    pub fn describe(&self) -> Result<(Option<String>, u64), GitError> {
        if self.commit.is_none() {
            return Ok((None, 0));
        }
        // without a tag, `--always` gives the abbreviated commit alone
        let output = git(&self.toplevel, &["describe", "--tags", "--long", "--always", "--match", "*[0-9]*"])?;
        let text = String::from_utf8_lossy(&output);
        let mut parts = text.trim().rsplitn(3, '-');
        if let (Some(_), Some(count), Some(tag)) = (parts.next(), parts.next(), parts.next())
            && let Ok(count) = count.parse()
        {
            return Ok((Some(tag.to_owned()), count));
        }
        let output = git(&self.toplevel, &["rev-list", "--count", "HEAD"])?;
        Ok((None, String::from_utf8_lossy(&output).trim().parse().unwrap_or_default()))
    }

    /// Names of branches, those of remote repositories too, each once.
    ///
    /// # Errors
    /// When there is no git program, or it refuses.
    pub fn branches(&self) -> Result<Vec<String>, GitError> {
        let format = "--format=%(refname)";
        let output = git(&self.toplevel, &["for-each-ref", format, "refs/heads", "refs/remotes"])?;
        let text = String::from_utf8_lossy(&output);
        let name = |line: &str| {
            let of_remote = |rest: &str| rest.split_once('/').map(|(_, name)| name.to_owned());
            line.strip_prefix("refs/heads/")
                .map(ToOwned::to_owned)
                .or_else(|| of_remote(line.strip_prefix("refs/remotes/")?))
        };
        // one without a commit is no reference yet
        let mut names: Vec<String> = text.lines().filter_map(name).chain(self.branch.clone()).collect();
        names.retain(|name| name != "HEAD");
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// How many commits, merges apart, touched each directory, after a tag if there is one. The directories are canonical.
    ///
    /// # Errors
    /// When there is no git program, or it refuses.
    pub fn commits(&self, after: Option<&str>, directories: &[&Path]) -> Result<BTreeMap<PathBuf, u64>, GitError> {
        let below = |directory: &Path| directory.strip_prefix(&self.toplevel).unwrap_or(directory).to_owned();
        let mut counts: BTreeMap<PathBuf, u64> = directories.iter().map(|path| (path.to_path_buf(), 0)).collect();
        if self.commit.is_none() {
            return Ok(counts);
        }
        let range = after.map_or_else(|| "HEAD".to_owned(), |tag| format!("refs/tags/{tag}..HEAD"));
        let mut arguments = vec!["--literal-pathspecs", "log", "--no-show-signature", "--full-history", "--no-merges"];
        arguments.extend(["--no-renames", "--name-only", "-z", "--format=%x01", &range, "--"]);
        // git compares each path with each of them, so that many take longer than the commits that they leave out
        let named = if directories.len() > FEW { &[][..] } else { directories };
        let paths: Vec<String> = named.iter().map(|path| format!("./{}", below(path).display())).collect();
        arguments.extend(paths.iter().map(String::as_str));
        let output = git(&self.toplevel, &arguments)?;
        let mut tallies: HashMap<Vec<u8>, Tally> = HashMap::new();
        for directory in directories {
            tallies.insert(below(directory).into_os_string().into_vec(), Tally::default());
        }
        // Each commit is `\x01`, and then its paths, all of them ended by NUL.
        for (commit, names) in (1..).zip(output.split(|byte| *byte == 1)) {
            for path in names.split(|byte| *byte == 0).map(|name| name.strip_prefix(b"\n").unwrap_or(name)) {
                if path.is_empty() {
                    continue;
                }
                let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
                for end in [0, path.len()].into_iter().chain(slashes) {
                    if let Some(tally) = tallies.get_mut(&path[..end]) {
                        tally.touched_by(commit);
                    }
                }
            }
        }
        for (directory, count) in &mut counts {
            *count = tallies.get(below(directory).as_os_str().as_bytes()).map_or(0, |tally| tally.commits);
        }
        Ok(counts)
    }
}

/// How many commits touched a directory.
#[derive(Default)]
struct Tally {
    commits: u64,
    latest: u64,
}

impl Tally {
    /// Counts a commit once, however many of its paths are below the directory.
    fn touched_by(&mut self, commit: u64) {
        self.commits += u64::from(self.latest != commit);
        self.latest = commit;
    }
}

/// Git in a work tree, without the variables by which hooks of git and others would send it elsewhere.
pub(super) fn command(toplevel: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    // A checkout may belong to another user, as in containers: nothing of its configuration is executed by this.
    let careful = ["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "--no-optional-locks"];
    command.env("LC_ALL", "C").arg("-C").arg(toplevel).args(careful).args(arguments).stdin(Stdio::null());
    command
}

/// Runs git; gives what it printed.
pub(super) fn git(toplevel: &Path, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
    let refused = |said: String| {
        let asked = arguments.iter().find(|argument| !argument.starts_with('-')).unwrap_or(&"").to_string();
        GitError::Refused { command: asked, toplevel: toplevel.to_owned(), said }
    };
    let output = command(toplevel, arguments).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => GitError::NoProgram { toplevel: toplevel.to_owned() },
        _ => refused(error.to_string()),
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().next().unwrap_or("it failed and said nothing");
    Err(refused(line.trim_start_matches("fatal: ").trim_start_matches("error: ").to_owned()))
}

/// Git's directories of a work tree: its own one, and the one that it shares with other work trees of the repository. They
/// differ where `.git` is a file that leads there (gitrepository-layout(5)).
pub(super) fn directories(toplevel: &Path) -> (PathBuf, PathBuf) {
    let mut own = toplevel.join(".git");
    if let Ok(text) = fs::read_to_string(&own)
        && let Some(elsewhere) = text.trim().strip_prefix("gitdir:")
    {
        own = toplevel.join(elsewhere.trim());
    }
    let common = fs::read_to_string(own.join("commondir"));
    let common = common.map_or_else(|_| own.clone(), |common| own.join(common.trim()));
    (own, common)
}

/// Whether git's directory has a list of commits whose parents are missing.
pub(super) fn is_shallow(toplevel: &Path) -> bool {
    directories(toplevel).1.join("shallow").is_file()
}

#[cfg(test)]
pub(super) mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::support::trees::{plant, tree};

    /// Runs git in a test's repository, as nobody in particular.
    pub(crate) fn run(directory: &Path, arguments: &[&str]) {
        let identity = [
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@localhost",
            "-c",
            "commit.gpgsign=false",
            "-c",
            "tag.gpgsign=false",
        ];
        git(directory, &[&identity, arguments].concat()).unwrap_or_else(|error| panic!("{error}"));
    }

    /// A repository on `develop` with one commit.
    pub(crate) fn repository(files: &[(&str, &str)]) -> TempDir {
        let directory = tree(files);
        run(directory.path(), &["init", "-q", "-b", "develop"]);
        commit(directory.path(), &[]);
        directory
    }

    /// Writes files and commits everything.
    pub(crate) fn commit(directory: &Path, files: &[(&str, &str)]) {
        plant(directory, files);
        run(directory, &["add", "-A"]);
        run(directory, &["commit", "-q", "--allow-empty", "-m", "more"]);
    }

    fn open(directory: &Path) -> Repository {
        let toplevel = toplevel(directory).unwrap_or_else(|| panic!("no repository"));
        Repository::open(&toplevel).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn branch_and_commit_are_known() -> io::Result<()> {
        let directory = repository(&[("libs/money/x", "1")]);
        let opened = open(&directory.path().join("libs/money"));
        assert_eq!(opened.toplevel, fs::canonicalize(directory.path())?);
        assert_eq!(opened.branch.as_deref(), Some("develop"));
        assert_eq!(opened.commit.as_ref().map(String::len), Some(40));
        assert!(!opened.shallow && opened.changes.is_empty());
        run(directory.path(), &["checkout", "-q", "--detach"]);
        assert_eq!(open(directory.path()).branch, None);
        Ok(())
    }

    #[test]
    fn a_repository_without_commits_has_a_branch_and_no_history() -> Result<(), GitError> {
        let directory = tree(&[("x", "1")]);
        run(directory.path(), &["init", "-q", "-b", "main"]);
        let opened = open(directory.path());
        assert_eq!((opened.branch.as_deref(), &opened.commit), (Some("main"), &None));
        assert!(opened.is_changed(&opened.toplevel));
        assert!(opened.tags()?.is_empty());
        assert_eq!(opened.commits(None, &[&opened.toplevel])?[&opened.toplevel], 0);
        Ok(())
    }

    #[test]
    fn what_is_no_repository_is_none() {
        assert_eq!(toplevel(tree(&[("x", "1")]).path()), None);
        assert_eq!(toplevel(Path::new("/nowhere/at/all")), None);
    }

    #[test]
    fn changes_belong_to_directories() {
        let directory = repository(&[("a/x", "1"), ("ab/y z", "1"), ("c/é", "1"), (".gitignore", "*.pyc")]);
        let changed = |name: &str| {
            let opened = open(directory.path());
            opened.is_changed(&opened.toplevel.join(name))
        };
        assert!(!changed("a") && !changed(""));
        plant(directory.path(), &[("a/x.pyc", ""), (".gopythongo/x", "")]);
        assert!(!changed("a") && !changed(""), "what is ignored, and our own state, are no changes");
        plant(directory.path(), &[("ab/y z", "2")]);
        assert!(changed("ab") && !changed("a") && changed(""));
        plant(directory.path(), &[("c/é", "2"), ("new/inside/x", "1")]);
        assert!(changed("c") && changed("new/inside") && !changed("a"));
    }

    #[test]
    fn commits_are_counted_by_directory_after_a_tag() -> Result<(), GitError> {
        let directory = repository(&[("a/x", "1"), ("b/x", "1")]);
        let path = directory.path();
        run(path, &["tag", "v1.0.0"]);
        commit(path, &[("a/x", "2"), ("a/y z", "1")]);
        commit(path, &[("a/é", "2"), ("b/x", "3")]);
        commit(path, &[("ab/x", "2")]);
        run(path, &["checkout", "-q", "-b", "elsewhere", "HEAD~1"]);
        commit(path, &[("b/x", "4")]);
        run(path, &["tag", "v9"]);
        run(path, &["checkout", "-q", "develop"]);
        run(path, &["tag", "-m", "a", "v1.1.0"]);
        let opened = open(path);
        let (a, b) = (opened.toplevel.join("a"), opened.toplevel.join("b"));
        let counts = |after| opened.commits(after, &[&a, &b]).map(|counts| (counts[&a], counts[&b]));
        assert_eq!(counts(None)?, (3, 2));
        assert_eq!(counts(Some("v1.0.0"))?, (2, 1));
        assert_eq!(counts(Some("v1.1.0"))?, (0, 0));
        assert_eq!(opened.tags()?, ["v1.0.0", "v1.1.0"]);
        assert_eq!(opened.commits(None, &[&opened.toplevel])?[&opened.toplevel], 4);
        Ok(())
    }

    #[test]
    fn the_nearest_tag_is_described_and_merges_count() -> Result<(), GitError> {
        let directory = repository(&[("x", "1")]);
        let path = directory.path();
        let described = || open(path).describe();
        assert_eq!(described()?, (None, 1));
        run(path, &["tag", "no-version"]);
        commit(path, &[("x", "2")]);
        assert_eq!(described()?, (None, 2));
        run(path, &["tag", "shop-2.0"]);
        assert_eq!(described()?, (Some("shop-2.0".to_owned()), 0));
        run(path, &["checkout", "-q", "-b", "side"]);
        commit(path, &[("y", "1")]);
        run(path, &["checkout", "-q", "develop"]);
        commit(path, &[("z", "1")]);
        run(path, &["tag", "v1.0-1"]);
        run(path, &["-c", "user.name=a", "merge", "-q", "--no-ff", "-m", "merge", "side"]);
        assert_eq!(described()?, (Some("v1.0-1".to_owned()), 2));
        Ok(())
    }

    #[test]
    fn names_of_branches_are_those_of_git() {
        for name in [
            "develop",
            "feature/x-1_2",
            "release/1.6.0",
            "fix/größe",
            "a@b",
            "-x",
            "release/",
            "/x",
            "a//b",
            "a b",
            "a..b",
            "x.lock",
            ".x/y",
            "x/.y",
            "x.",
            "a~1",
            "a@{1}",
            "a:b",
            "",
            "a\\b",
            "a*",
        ] {
            let git = Command::new("git").args(["check-ref-format", "--branch", name]).output().expect("git");
            assert_eq!(is_branch_name(name), git.status.success(), "{name:?}");
        }
    }

    #[test]
    fn shallow_clones_are_known() {
        let directory = repository(&[("x", "1")]);
        commit(directory.path(), &[("x", "2")]);
        let clones = tree(&[]);
        let url = format!("file://{}", directory.path().display());
        run(clones.path(), &["clone", "-q", "--depth", "1", &url, "clone"]);
        let clone = clones.path().join("clone");
        assert!(open(&clone).shallow);
        run(&clone, &["worktree", "add", "-q", "../tree"]);
        assert!(open(&clones.path().join("tree")).shallow);
    }

    #[test]
    fn what_git_says_is_told() {
        let directory = repository(&[("x", "1")]);
        let error = open(directory.path()).commits(Some("v0"), &[]).expect_err("no such tag").to_string();
        assert!(error.starts_with("`git log` in ") && error.contains("v0"), "{error}");
    }
}
