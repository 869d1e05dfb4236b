//! What the repositories of the sources say of their past: tags, commits since, and changes that are in no commit.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use pep440_rs::Version;

use super::{Repositories, SourceTree, git::Repository, past::Past, source::GatheredSource, versions};
use crate::version::VersionSource;

/// What decides a version besides the source's own words.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// The version of the last tag that is a release of this source, and the tag.
    pub(super) last: Option<(Version, String)>,
    /// Commits after that tag, or all, that touch the source; of a source that is the whole repository and whose version
    /// comes from tags, all of them, merges too, as setuptools_scm and hatch-vcs count.
    pub(super) commits: u64,
    /// The digest of the source's files where they differ from the commit, or there is none.
    pub(super) changed: Option<String>,
    /// Why tags cannot be trusted or read.
    pub(super) problem: Option<String>,
}

/// The history of each checkout, by the name of its job: all sources after one tag are asked for at once. What git says is
/// remembered below `cache`.
pub(super) fn histories(
    repositories: &Repositories,
    sources: &[GatheredSource<'_>],
    cache: &Path,
) -> BTreeMap<String, History> {
    let mut histories = BTreeMap::new();
    let mut asked: BTreeMap<PathBuf, (Arc<Repository>, Vec<&GatheredSource<'_>>)> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.is_versioned_checkout()) {
        match repositories.of(&source.directory) {
            Some(Ok(repository)) => {
                let top = repository.toplevel.clone();
                asked.entry(top).or_insert_with(|| (repository, Vec::new())).1.push(source);
            }
            Some(Err(error)) => {
                let problem = Some(error.to_string());
                histories.insert(source.job.name.clone(), History { problem, ..without_commit(source) });
            }
            None => {
                histories.insert(source.job.name.clone(), without_commit(source));
            }
        }
    }
    for (repository, sources) in asked.into_values() {
        let mut past = Past::open(&repository, cache);
        histories.extend(in_repository(&repository, &mut past, &sources));
        // without it, git is asked again the next time
        let _ = past.save();
    }
    histories
}

fn in_repository(
    repository: &Repository,
    past: &mut Past<'_>,
    sources: &[&GatheredSource<'_>],
) -> BTreeMap<String, History> {
    let tags = past.tags();
    let mut by_tag: BTreeMap<Option<String>, Vec<&Path>> = BTreeMap::new();
    let mut histories: BTreeMap<String, History> = BTreeMap::new();
    for source in sources {
        let own = source.survey.distribution.as_ref().map_or("", |distribution| distribution.name.as_str());
        let described = (source.directory == repository.toplevel && is_of_tags(source)).then(|| described(past));
        let (last, commits) = described.flatten().unwrap_or_else(|| {
            let last = tags.as_ref().ok().and_then(|tags| versions::last_release(tags, &[own, &source.job.name]));
            by_tag.entry(last.as_ref().map(|(_, tag)| tag.clone())).or_default().push(&source.directory);
            (last, 0)
        });
        let changed = repository.is_changed(&source.directory).then(|| digest(source)).flatten();
        let problem = repository.shallow.then(|| {
            format!(
                "{} is a shallow clone, and the version comes from its tags: run `git fetch --unshallow --tags`",
                repository.toplevel.display()
            )
        });
        histories.insert(source.job.name.clone(), History { last, commits, changed, problem });
    }
    for (tag, directories) in by_tag {
        let counts = past.commits(tag.as_deref(), &directories);
        let of_tag: HashSet<&Path> = directories.into_iter().collect();
        for source in sources.iter().filter(|source| of_tag.contains(source.directory.as_path())) {
            let Some(history) = histories.get_mut(&source.job.name) else { continue };
            match counts.as_ref().map(|counts| counts.get(&source.directory)) {
                Ok(count) => history.commits = count.copied().unwrap_or_default(),
                Err(error) => history.problem = Some(error.to_string()),
            }
        }
    }
    if let Err(error) = tags {
        histories.values_mut().for_each(|history| history.problem = Some(error.to_string()));
    }
    histories
}

/// The nearest tag, its version, and how many commits came after it, as the tools count that make versions of tags. `None` if
/// git cannot say it, or the nearest tag is no version.
fn described(past: &mut Past<'_>) -> Option<(Option<(Version, String)>, u64)> {
    let (tag, commits) = past.describe().ok()?;
    let Some(tag) = tag else { return Some((None, commits)) };
    let (_, version) = versions::version_tag(&tag)?;
    Some((Some((version, tag)), commits))
}

/// Whether a source's version is made of tags.
fn is_of_tags(source: &GatheredSource<'_>) -> bool {
    source.job.version.is_none() && source.survey.version_source == Some(VersionSource::GitTags)
}

/// What is in no repository is in no commit.
fn without_commit(source: &GatheredSource<'_>) -> History {
    History { changed: digest(source), ..History::default() }
}

fn digest(source: &GatheredSource<'_>) -> Option<String> {
    SourceTree::read(&source.directory).ok().map(|tree| tree.digest().short(8))
}
