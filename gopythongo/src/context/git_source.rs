//! Sources in other repositories: a bare mirror of each, fetched once a run, and a work tree of the commit that is built.
//!
//! Below the tool cache: `git/NAME.git` are the mirrors, `git/trees/NAME/COMMIT` the work trees. Knows nothing of versions: a work
//! tree is a checkout as any other. Submodules are not followed, and Git LFS is not asked: what is missing is said.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Branches, BuildKind, ContextError, git_trees};
use crate::{
    ci::ServerBuild,
    support::{Digest, FileLock},
};

/// Which branch of another repository a build takes: the first one that the repository has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Follow {
    branches: Vec<String>,
    tag: Option<String>,
    /// Whether git may ask its credential helpers: not for a stranger's pull request.
    trusted: bool,
}

impl Follow {
    /// The branch of the same name, else the one that a pull request shall be merged into, else the ones that are integrated on. The
    /// name that a stranger gave the branch of a fork chooses nothing. What is released takes no branch that is not.
    pub(super) fn of(branches: &Branches, kind: BuildKind, branch: Option<&str>, server: Option<&ServerBuild>) -> Self {
        let trusted = server.is_none_or(ServerBuild::is_trusted);
        let same = branch.filter(|_| trusted).map(ToOwned::to_owned);
        let target = server.and_then(|build| build.pull_request.as_ref()?.target.clone());
        let others = match kind {
            BuildKind::Master => branches.masters(),
            _ => branches.develops(),
        };
        let mut wanted: Vec<String> = Vec::new();
        for name in same.into_iter().chain(target).chain(others.iter().cloned()) {
            if super::git::is_branch_name(&name) && !wanted.contains(&name) {
                wanted.push(name);
            }
        }
        let tag = server.and_then(|build| build.tag.clone()).filter(|tag| super::git::is_branch_name(tag));
        Self { branches: wanted, tag, trusted }
    }
}

/// What is wanted of another repository.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// As `pipeline.rs` has it.
    pub(super) url: &'a str,
    /// The branch, tag or commit of `.revision(..)`.
    pub(super) revision: Option<&'a str>,
    /// The pipeline's root, from which a URL that is a relative path leads.
    pub(super) root: &'a Path,
    pub(super) follow: &'a Follow,
}

impl Wanted<'_> {
    /// A work tree of what is wanted, as the mirror has it. `fetch` says whether the mirror is brought up to date.
    ///
    /// # Errors
    /// When the repository cannot be fetched, was never fetched and may not be, or has nothing that is wanted.
    pub(super) fn checkout(&self, cache: &Path, fetch: bool) -> Result<Checkout, ContextError> {
        let mirror = Mirror::of(self, cache);
        let _lock = FileLock::wait(&mirror.directory.with_extension("lock")).map_err(|error| mirror.failed(&error))?;
        if fetch {
            mirror.fetch(self.revision)?;
        } else if !mirror.directory.is_dir() {
            let message = format!("{} was never fetched", self.shown());
            return Err(ContextError { message, hint: Some("run once without `--offline`".to_owned()) });
        }
        let commit = self.commit(&mirror)?;
        let directory = mirror.work_tree(&commit)?;
        let tree = directory.display().to_string();
        let lacking = git_trees::use_tree(&directory, |arguments| mirror.git(&[&["-C", &tree], arguments].concat()))?;
        let doubts = lacking.iter().map(|what| format!("{}: {what}", self.shown())).collect();
        Ok(Checkout { directory, doubts })
    }

    /// The commit that is built.
    fn commit(&self, mirror: &Mirror<'_>) -> Result<String, ContextError> {
        let branch = |name: &String| format!("refs/heads/{name}");
        let names: Vec<String> = match self.revision {
            Some(revision) => {
                vec![format!("refs/tags/{revision}"), format!("refs/heads/{revision}"), revision.to_owned()]
            }
            None => {
                let tag = self.follow.tag.iter().map(|tag| format!("refs/tags/{tag}"));
                tag.chain(self.follow.branches.iter().map(branch)).collect()
            }
        };
        let found = names.iter().find_map(|name| {
            let peeled = format!("{name}^{{commit}}");
            let said = mirror.git(&["rev-parse", "--verify", "--quiet", &peeled]).ok()?;
            Some(said.trim().to_owned())
        });
        found.ok_or_else(|| match self.revision {
            Some(revision) => ContextError {
                message: format!("{} has no revision `{revision}`", self.shown()),
                hint: Some("`.revision(…)` takes a tag, a branch or a whole commit".to_owned()),
            },
            None => {
                let quoted = |name: &String| format!("`{name}`");
                let sought: Vec<String> = self.follow.tag.iter().chain(&self.follow.branches).map(quoted).collect();
                ContextError {
                    message: format!("{} has none of {}", self.shown(), sought.join(", ")),
                    hint: Some("push one of them there, or pin what is built: `.revision(\"v1.4.2\")`".to_owned()),
                }
            }
        })
    }

    fn shown(&self) -> String {
        format!("repository `{}`", redacted(self.url))
    }
}

/// A work tree of what is wanted.
pub(super) struct Checkout {
    pub(super) directory: PathBuf,
    /// What the repository has and the work tree lacks, a sentence each.
    pub(super) doubts: Vec<String>,
}

/// A bare copy of a repository.
struct Mirror<'a> {
    wanted: &'a Wanted<'a>,
    url: String,
    directory: PathBuf,
    trees: PathBuf,
}

impl<'a> Mirror<'a> {
    fn of(wanted: &'a Wanted<'a>, cache: &Path) -> Self {
        let url = match wanted.url.starts_with("./") || wanted.url.starts_with("../") {
            true => wanted.root.join(wanted.url).display().to_string(),
            false => wanted.url.to_owned(),
        };
        let last = url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default().trim_end_matches(".git");
        let word: String = last.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        let name = format!("{word}-{}", Digest::of(&url).short(12));
        let directory = cache.join("git").join(format!("{name}.git"));
        let trees = git_trees::trees(cache).join(&name);
        Self { wanted, url, directory, trees }
    }

    /// Makes it what the repository is now; a pinned commit that no branch leads to is asked for by itself.
    fn fetch(&self, revision: Option<&str>) -> Result<(), ContextError> {
        if !self.directory.join("HEAD").is_file() {
            fs::create_dir_all(&self.directory).map_err(|error| self.failed(&error))?;
            self.git(&["init", "--quiet", "--bare", "--template="])?;
        }
        let fetch = ["fetch", "--quiet", "--no-auto-gc", "--no-write-fetch-head", "--prune", "--force"];
        let all = ["--", &self.url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        self.git(&[&fetch[..], &all[..]].concat())?;
        let is_commit = |text: &&str| text.len() >= 40 && text.chars().all(|c| c.is_ascii_hexdigit());
        if let Some(commit) = revision.filter(is_commit)
            && self.git(&["cat-file", "-e", commit]).is_err()
        {
            // a server may refuse this: then the revision is not found
            let _ = self.git(&[&fetch[..4], &["--", &self.url, commit]].concat());
        }
        Ok(())
    }

    /// The directory of a commit's work tree: made once, as its files do not change. One that was never used is half of one.
    fn work_tree(&self, commit: &str) -> Result<PathBuf, ContextError> {
        let directory = self.trees.join(commit);
        if git_trees::is_used(&directory) {
            return Ok(directory);
        }
        // git moves no work tree with submodules: it is made in its place
        if directory.exists() {
            fs::remove_dir_all(&directory).map_err(|error| self.failed(&error))?;
        }
        fs::create_dir_all(&self.trees).map_err(|error| self.failed(&error))?;
        self.git(&["worktree", "prune"])?;
        self.git(&["worktree", "add", "--quiet", "--detach", &directory.display().to_string(), commit])?;
        Ok(directory)
    }

    /// Runs git in it. Its helpers give the credentials; it never asks a person.
    fn git(&self, arguments: &[&str]) -> Result<String, ContextError> {
        const ELSEWHERE: [&str; 6] = [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_COMMON_DIR",
            "GIT_INDEX_FILE",
            "GIT_OBJECT_DIRECTORY",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        ];
        let mut command = Command::new("git");
        for name in ELSEWHERE {
            command.env_remove(name);
        }
        // a mirror has no server that Git LFS could ask
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_LFS_SKIP_SMUDGE", "1");
        command.arg("-C").arg(&self.directory);
        if !self.wanted.follow.trusted {
            command.env_remove("GIT_ASKPASS").env_remove("SSH_ASKPASS").args(["-c", "credential.helper="]);
        }
        let output = command.args(["-c", "gc.auto=0"]).args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| self.failed(&error))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().find(|line| line.starts_with("fatal: ")).or_else(|| said.lines().next());
        let mut error = self.failed(&redacted(line.unwrap_or("it said nothing").trim_start_matches("fatal: ")));
        let wants_credentials = ["could not read", "Authentication failed", "Permission denied"];
        error.hint = if wants_credentials.iter().any(|sign| said.contains(sign)) && !self.wanted.follow.trusted {
            Some("a stranger's pull request gets no credentials: what it builds has to be readable by all".to_owned())
        } else if wants_credentials.iter().any(|sign| said.contains(sign)) {
            Some("git's own credential helper (`git config credential.helper`) or its ssh key gives access".to_owned())
        } else {
            self.trees.is_dir().then(|| "`--offline` builds what was fetched before".to_owned())
        };
        Err(error)
    }

    fn failed(&self, why: &dyn fmt::Display) -> ContextError {
        ContextError { message: format!("cannot take {}: {why}", self.wanted.shown()), hint: None }
    }
}

/// A text without what stands before the `@` of its URLs: git's configuration may put credentials into them.
fn redacted(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c == '/' || c == '\'' || c.is_whitespace()).unwrap_or(part.len());
        let rest = part[..end].rfind('@').map_or(part, |at| &part[at..]);
        clean.push_str("://");
        clean.push_str(if rest.len() < part.len() { "***" } else { "" });
        clean.push_str(rest);
    }
    clean
}

#[cfg(test)]
#[path = "git_source_tests.rs"]
mod tests;
