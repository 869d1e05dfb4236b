//! The repositories that were asked: each once, whoever wants to know something of it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    git::{GitError, Repository},
    git_index,
    present::Present,
    survey::Surveyed,
    surveys::Surveys,
};
use crate::support::Digest;

/// The repositories of a pipeline's sources, as they were when they were first asked for. Cheap to clone: clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Repositories {
    asked: Arc<Mutex<Asked>>,
    surveys: Surveys,
}

#[derive(Debug, Default)]
struct Asked {
    /// By their top directories.
    opened: BTreeMap<PathBuf, Result<Arc<Repository>, GitError>>,
    /// How what is known of them is known.
    presents: BTreeMap<PathBuf, Present>,
    /// Where that is remembered.
    memory: Option<PathBuf>,
    /// Those of which it was looked for.
    recalled: BTreeSet<PathBuf>,
    /// URLs of other repositories that were fetched.
    fetched: BTreeSet<String>,
    /// What work trees of other repositories lack.
    lacking: BTreeSet<String>,
    /// Whether one of them could not be taken.
    refused: bool,
    /// The top directory of the work tree that each directory is in.
    tops: HashMap<PathBuf, Option<PathBuf>>,
}

impl Repositories {
    /// Repositories of which what git says is remembered in a directory, and not asked for again as long as nothing changes.
    pub(crate) fn remembered_in(memory: PathBuf) -> Self {
        let surveys = Surveys::default();
        surveys.keep(HashMap::new());
        Self { asked: Arc::new(Mutex::new(Asked { memory: Some(memory), ..Asked::default() })), surveys }
    }

    /// Takes over what is remembered of the repository that a canonical directory is in, as far as nothing has changed.
    pub(super) fn recall(&self, directory: &Path) {
        let mut asked = self.asked();
        if let Some(top) = asked.top(directory) {
            asked.recall(&top, &self.surveys);
        }
    }

    /// The repository that a canonical directory is in.
    pub(super) fn of(&self, directory: &Path) -> Option<Result<Arc<Repository>, GitError>> {
        let mut asked = self.asked();
        let top = asked.top(directory)?;
        if let Some(known) = asked.opened.get(&top) {
            return Some(known.clone());
        }
        asked.recall(&top, &self.surveys);
        if let Some(known) = asked.opened.get(&top) {
            return Some(known.clone());
        }
        let opened = Present::ask(&top, asked.memory.as_deref()).map(|(repository, present)| {
            asked.presents.extend(present.map(|present| (top.clone(), present)));
            Arc::new(repository)
        });
        asked.opened.insert(top, opened.clone());
        Some(opened)
    }

    /// The survey of a source.
    pub(super) fn survey(&self, source: &Path) -> Surveyed {
        self.surveys.of(source)
    }

    /// The digests of sources that are what they were when they were read.
    pub(crate) fn sources(&self) -> HashMap<PathBuf, Digest> {
        let asked = self.asked();
        asked.presents.values().flat_map(Present::sources).collect()
    }

    /// Remembers what git said, with the digests of sources that are listed as it said: by the top of their work tree, and by
    /// their directory. What cannot be remembered is looked at again.
    pub(crate) fn save(&self, read: &[(PathBuf, PathBuf, Digest)]) {
        for (top, present) in &self.asked().presents {
            let read = read.iter().filter(|(of, ..)| of == top);
            let read = read.map(|(_, source, digest)| (source.clone(), *digest)).collect();
            let _ = present.save(read, self.surveys.made(top));
        }
    }

    /// The top directory of the work tree that a canonical directory is in; `None` where there is no repository.
    pub(super) fn top(&self, directory: &Path) -> Option<PathBuf> {
        self.asked().top(directory)
    }

    /// Whether nobody has fetched another repository yet: each is fetched once a run.
    pub(super) fn is_first_fetch(&self, url: &str) -> bool {
        self.asked().fetched.insert(url.to_owned())
    }

    /// Notes what the work tree of another repository lacks.
    pub(super) fn doubt(&self, lacking: Vec<String>) {
        self.asked().lacking.extend(lacking);
    }

    /// Notes that another repository could not be taken.
    pub(super) fn refuse(&self) {
        self.asked().refused = true;
    }

    /// Whether another repository could not be taken: its server or the network lacks something.
    pub(crate) fn is_refused(&self) -> bool {
        self.asked().refused
    }

    /// What the work tree at `top` tracks, and what it neither tracks nor ignores, relative to it. `None` if the repository was
    /// not asked for before, or does not tell.
    pub(super) fn files(&self, top: &Path) -> Option<(Vec<PathBuf>, Arc<Repository>)> {
        let repository = self.asked().opened.get(top)?.clone().ok()?;
        Some((git_index::tracked(top)?, repository))
    }

    /// What the repositories that were asked could not tell, although versions are made of it, and what work trees lack.
    pub(super) fn doubts(&self) -> Vec<String> {
        let doubt = |repository: &Result<Arc<Repository>, GitError>| match repository {
            Err(error) => {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                Some(format!("{error}: what is built from it counts as uncommitted{hint}"))
            }
            Ok(repository) if repository.shallow => Some(format!(
                "{} is a shallow clone: versions count only the commits that are here; `git fetch --unshallow --tags` brings all",
                repository.toplevel.display()
            )),
            Ok(_) => None,
        };
        let asked = self.asked();
        asked.opened.values().filter_map(doubt).chain(asked.lacking.iter().cloned()).collect()
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// Looks once whether what is remembered of a repository still holds.
    fn recall(&mut self, top: &Path, surveys: &Surveys) {
        if self.opened.contains_key(top) || !self.recalled.insert(top.to_owned()) {
            return;
        }
        let found = self.memory.as_deref().and_then(|memory| Present::recall(top, memory));
        if let Some((repository, present)) = found {
            surveys.keep(present.surveys());
            self.opened.insert(top.to_owned(), Ok(Arc::new(repository)));
            self.presents.insert(top.to_owned(), present);
        }
    }

    /// Thousands of sources share most of the directories above them: each is looked at once.
    fn top(&mut self, directory: &Path) -> Option<PathBuf> {
        if !self.tops.contains_key(directory) && !directory.is_dir() {
            return None;
        }
        let mut passed = Vec::new();
        let mut found = None;
        for ancestor in directory.ancestors() {
            if let Some(known) = self.tops.get(ancestor) {
                found.clone_from(known);
                break;
            }
            passed.push(ancestor.to_owned());
            if ancestor.join(".git").exists() {
                found = Some(ancestor.to_owned());
                break;
            }
        }
        self.tops.extend(passed.into_iter().map(|directory| (directory, found.clone())));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::git::{tests::repository, toplevel},
        *,
    };
    use crate::support::trees::plant;

    #[test]
    fn the_top_is_the_one_that_is_found_without_memory() {
        let directory = repository(&[("a/b/c/x", "1"), ("d/x", "1")]);
        let path = directory.path().canonicalize().expect("it is there");
        plant(&path, &[("a/b/.git/x", "")]);
        let repositories = Repositories::default();
        for below in ["a/b/c", "d", "a", "a/b", "", "a/b/c", "missing", "missing"] {
            let directory = path.join(below);
            assert_eq!(repositories.top(&directory), toplevel(&directory), "{below}");
        }
        assert_eq!(repositories.top(Path::new("/")), toplevel(Path::new("/")));
    }

    #[test]
    fn a_repository_is_asked_once() {
        let directory = repository(&[("x", "1")]);
        let path = directory.path().canonicalize().expect("it is there");
        let repositories = Repositories::default();
        assert!(repositories.files(&path).is_none(), "nobody has asked for it");
        let first = repositories.of(&path).expect("it is one").expect("git is there");
        plant(&path, &[("y", "1")]);
        let again = repositories.clone().of(&path).expect("it is one").expect("git is there");
        assert!(Arc::ptr_eq(&first, &again) && again.untracked.is_empty());
        let (tracked, _) = repositories.files(&path).expect("it was asked for");
        assert_eq!(tracked, [Path::new("x")]);
    }
}
