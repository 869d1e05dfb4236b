//! What git said of a repository's past, remembered for as long as its commit and its tags stay the same.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::git::{GitError, Repository, directories};
use crate::support::{Digest, Durability, Hasher, write_atomic};

/// The shape of the file, and how commits are counted: another one is read by nobody else.
const FORMAT: &str = "gopythongo history 1";

/// What git said, and says, of a repository. [`save`](Self::save) writes down what was learnt.
pub(super) struct Past<'a> {
    repository: &'a Repository,
    /// Where it is remembered, and what has to be the same; `None` where that cannot be told.
    place: Option<(PathBuf, Digest)>,
    said: Said,
    learnt: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct Said {
    key: String,
    tags: Option<Vec<String>>,
    described: Option<(Option<String>, u64)>,
    /// Commits by the tag that they come after (the empty one for all), and by directory below the top.
    commits: BTreeMap<String, BTreeMap<PathBuf, u64>>,
}

impl<'a> Past<'a> {
    /// What is remembered below `cache`; nothing if that is no absolute path.
    pub(super) fn open(repository: &'a Repository, cache: &Path) -> Self {
        let place = key(repository).filter(|_| cache.is_absolute()).map(|key| {
            let name = Digest::of(repository.toplevel.as_os_str().as_encoded_bytes()).short(32);
            (cache.join("history").join(name), key)
        });
        let said = place.as_ref().and_then(|(file, key)| read(file, key)).unwrap_or_default();
        Self { repository, place, said, learnt: false }
    }

    /// As [`Repository::tags`].
    pub(super) fn tags(&mut self) -> Result<Vec<String>, GitError> {
        if let Some(tags) = &self.said.tags {
            return Ok(tags.clone());
        }
        let tags = self.repository.tags()?;
        (self.said.tags, self.learnt) = (Some(tags.clone()), true);
        Ok(tags)
    }

    /// As [`Repository::describe`].
    pub(super) fn describe(&mut self) -> Result<(Option<String>, u64), GitError> {
        if let Some(described) = &self.said.described {
            return Ok(described.clone());
        }
        let described = self.repository.describe()?;
        (self.said.described, self.learnt) = (Some(described.clone()), true);
        Ok(described)
    }

    /// As [`Repository::commits`].
    pub(super) fn commits(
        &mut self,
        after: Option<&str>,
        directories: &[&Path],
    ) -> Result<BTreeMap<PathBuf, u64>, GitError> {
        let known = self.said.commits.entry(after.unwrap_or_default().to_owned()).or_default();
        let counted = |path: &&Path| Some(((*path).to_owned(), *known.get(below(self.repository, path))?));
        if let Some(counts) = directories.iter().map(counted).collect() {
            return Ok(counts);
        }
        let counts = self.repository.commits(after, directories)?;
        known.extend(counts.iter().map(|(path, count)| (below(self.repository, path).to_owned(), *count)));
        self.learnt = true;
        Ok(counts)
    }

    /// Writes down what was learnt. Without it, git is asked again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn save(mut self) -> io::Result<()> {
        let Some((file, key)) = self.place.filter(|_| self.learnt) else { return Ok(()) };
        self.said.key = key.to_string();
        let json = serde_json::to_string(&self.said)?;
        write_atomic(&file, format!("{}\n{json}", Digest::of(&json)).as_bytes(), Durability::Cached)
    }
}

fn below<'a>(repository: &Repository, directory: &'a Path) -> &'a Path {
    directory.strip_prefix(&repository.toplevel).unwrap_or(directory)
}

fn read(file: &Path, key: &Digest) -> Option<Said> {
    let text = fs::read_to_string(file).ok()?;
    let (sum, json) = text.split_once('\n')?;
    let said: Said = serde_json::from_str(json).ok().filter(|_| sum == Digest::of(json).to_string())?;
    (said.key == key.to_string()).then_some(said)
}

/// The digest of all that an answer about the past is made of: the commit, tags, and what hides or replaces commits
/// (gitrepository-layout(5)). `None` before the first commit, or where references are kept otherwise than in files.
fn key(repository: &Repository) -> Option<Digest> {
    let (_, common) = directories(&repository.toplevel);
    if common.join("reftable").exists() {
        return None;
    }
    let mut hasher = Hasher::new();
    hasher.part(FORMAT).part(repository.toplevel.as_os_str().as_encoded_bytes()).part(repository.commit.as_ref()?);
    for name in ["packed-refs", "shallow", "info/grafts"] {
        hasher.part(name).part(bytes(&common.join(name))?);
    }
    for name in ["refs/tags", "refs/replace"] {
        for entry in WalkDir::new(common.join(name)).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) => {
                    hasher.part(entry.path().as_os_str().as_encoded_bytes()).part(bytes(entry.path())?);
                }
                Err(error) if error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::NotFound) => {}
                Err(_) => return None,
            }
        }
    }
    Some(hasher.finish())
}

/// A file's bytes, none if it is missing; `None` if it cannot be read.
fn bytes(path: &Path) -> Option<Vec<u8>> {
    match fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) => (error.kind() == io::ErrorKind::NotFound).then(Vec::new),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::git::tests::{commit, repository, run},
        *,
    };

    /// What is said of the past, and whether git was asked.
    fn told(top: &Path, cache: &Path) -> (Vec<String>, u64, bool) {
        let opened = Repository::open(top).expect("git is there");
        let mut past = Past::open(&opened, cache);
        let tags = past.tags().expect("git is there");
        let last = tags.last().cloned();
        let directory = top.join("a");
        let counts = past.commits(last.as_deref(), &[&directory]).expect("git is there");
        let (count, learnt) = (counts[&directory], past.learnt);
        past.save().expect("it can be written");
        (tags, count, learnt)
    }

    #[test]
    fn git_is_asked_again_where_the_answer_may_be_another() {
        let directory = repository(&[("a/x", "1"), ("b/x", "1")]);
        let top = directory.path().canonicalize().expect("it is there");
        let cache = tempfile::tempdir().expect("a temporary directory");
        let told = || told(&top, cache.path());
        let tags = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(told(), (tags(&[]), 1, true));
        assert_eq!(told(), (tags(&[]), 1, false));
        commit(&top, &[("a/x", "2")]);
        assert_eq!(told(), (tags(&[]), 2, true));
        run(&top, &["tag", "v1"]);
        assert_eq!(told(), (tags(&["v1"]), 0, true));
        run(&top, &["pack-refs", "--all"]);
        assert_eq!(told(), (tags(&["v1"]), 0, true), "it cannot know that nothing else has changed");
        assert_eq!(told(), (tags(&["v1"]), 0, false));
        run(&top, &["tag", "--force", "v1", "HEAD~1"]);
        assert_eq!(told(), (tags(&["v1"]), 1, true), "a tag may be moved");
        run(&top, &["tag", "--delete", "v1"]);
        assert_eq!(told(), (tags(&[]), 2, true));
        run(&top, &["reset", "-q", "--hard", "HEAD~1"]);
        assert_eq!(told(), (tags(&[]), 1, true));
    }

    #[test]
    fn what_was_not_asked_for_before_is_added_and_damage_is_forgotten() {
        let directory = repository(&[("a/x", "1"), ("b/x", "1")]);
        let top = directory.path().canonicalize().expect("it is there");
        let cache = tempfile::tempdir().expect("a temporary directory");
        assert!(told(&top, cache.path()).2);
        let opened = Repository::open(&top).expect("git is there");
        let mut past = Past::open(&opened, cache.path());
        let (a, b) = (top.join("a"), top.join("b"));
        assert_eq!(past.commits(None, &[&a, &b]).expect("git is there"), [(a, 1), (b, 1)].into());
        assert!(past.learnt);
        past.save().expect("it can be written");
        assert!(!told(&top, cache.path()).2);
        let file = fs::read_dir(cache.path().join("history")).expect("it is there").flatten().next().expect("a file");
        let text = fs::read_to_string(file.path()).expect("it is text");
        fs::write(file.path(), text.replace("\"a\":1", "\"a\":7")).expect("it can be written");
        assert_eq!(told(&top, cache.path()), (Vec::new(), 1, true));
    }

    #[test]
    fn nothing_is_remembered_where_nobody_says_where() {
        let directory = repository(&[("a/x", "1")]);
        let top = directory.path().canonicalize().expect("it is there");
        assert!(told(&top, Path::new("")).2 && told(&top, Path::new("")).2);
        assert!(!Path::new("history").exists());
    }
}
