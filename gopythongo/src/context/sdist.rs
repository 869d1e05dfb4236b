//! Sources that are releases: a source distribution from the index, fetched and unpacked once into the tool cache.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use pep440_rs::Version;

use super::ContextError;
use crate::{
    index::{Upstream, UpstreamFile},
    python::{FileName, Requirement},
    support::{
        Digest, Durability, FileLock,
        archive::{Limits, unpack},
        write_atomic,
    },
};

/// How sources that are not here yet are fetched: gives the directory of a requirement's unpacked sdist.
#[derive(Clone)]
pub struct Fetch(Arc<Function>);

type Function = dyn Fn(&Requirement) -> Result<PathBuf, ContextError> + Send + Sync;

impl Fetch {
    /// Fetches by a function, which is only asked for what the cache does not have.
    pub fn new(fetch: impl Fn(&Requirement) -> Result<PathBuf, ContextError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fetch))
    }

    pub(super) fn get(&self, requirement: &Requirement) -> Result<PathBuf, ContextError> {
        (self.0)(requirement)
    }
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fetch(…)")
    }
}

/// The directory of a pinned requirement's sdist, if it was fetched before: a release's bytes do not change.
pub(super) fn fetched(cache: &Path, requirement: &Requirement) -> Option<PathBuf> {
    let digest = fs::read_to_string(note(cache, requirement)?).ok()?;
    let directory = cache.join("sources").join(digest.trim().parse::<Digest>().ok()?.to_string());
    directory.is_dir().then_some(directory)
}

/// Fetches the sdist of a pinned requirement from `upstream` and unpacks it below `cache`.
///
/// # Errors
/// When the index cannot be asked, has no such sdist, or the sdist cannot be unpacked.
pub fn fetch_sdist(upstream: &Upstream, cache: &Path, requirement: &Requirement) -> Result<PathBuf, ContextError> {
    let (Some(version), Some(note)) = (requirement.pin(), note(cache, requirement)) else {
        return Err(unpinned(requirement));
    };
    let files = upstream.files(&requirement.name)?;
    let file = sdist(&files, version).ok_or_else(|| nothing(requirement, version, &files))?;
    let archive = upstream.download(file)?;
    let failed = |error: io::Error| cannot_unpack(&archive, &error);
    let digest = Digest::of_file(&archive).map_err(failed)?;
    let sources = cache.join("sources");
    let directory = sources.join(digest.to_string());
    let _lock = FileLock::wait(&sources.join("lock")).map_err(failed)?;
    if !directory.is_dir() {
        unpack_to(&archive, &directory, &file.url)?;
    }
    write_atomic(&note, digest.to_string().as_bytes(), Durability::Cached).map_err(failed)?;
    Ok(directory)
}

/// Makes `directory` of the one directory in an sdist that came from `url`; of a damaged one, nothing stays.
fn unpack_to(archive: &Path, directory: &Path, url: &str) -> Result<(), ContextError> {
    let failed = |error: io::Error| cannot_unpack(archive, &error);
    let scratch = tempfile::tempdir_in(directory.parent().unwrap_or(directory)).map_err(failed)?;
    unpack(archive, scratch.path(), &Limits::default()).map_err(|error| {
        // an index that gives no digests may have given half of it: the next run asks again
        let _ = fs::remove_file(archive);
        let hint = format!("it came from `{url}`, and is fetched again by the next run");
        ContextError { message: error.to_string(), hint: Some(hint) }
    })?;
    let unpacked = only_directory(scratch.path()).map_err(failed)?;
    fs::rename(unpacked, directory).map_err(failed)
}

fn cannot_unpack(archive: &Path, error: &io::Error) -> ContextError {
    ContextError { message: format!("cannot unpack `{}`: {error}", archive.display()), hint: None }
}

pub(super) fn unpinned(requirement: &Requirement) -> ContextError {
    ContextError {
        message: format!("`{requirement}` is not one version of a source distribution"),
        hint: Some(format!("write `.sdist(\"{}==1.0.0\")`", requirement.name)),
    }
}

/// The file that says which sdist a requirement was.
fn note(cache: &Path, requirement: &Requirement) -> Option<PathBuf> {
    Some(cache.join("sources").join("pins").join(format!("{}-{}", requirement.name, requirement.pin()?)))
}

/// The sdist of a version: `.tar.gz`, the format that the standard knows (PEP 625).
fn sdist<'a>(files: &'a [UpstreamFile], version: &Version) -> Option<&'a UpstreamFile> {
    files.iter().find(|file| {
        let name = file.file.parse::<FileName>();
        file.file.ends_with(".tar.gz") && matches!(name, Ok(FileName::Sdist(sdist)) if sdist.version == *version)
    })
}

fn nothing(requirement: &Requirement, version: &Version, files: &[UpstreamFile]) -> ContextError {
    let name = &requirement.name;
    let mut known: Vec<Version> = files
        .iter()
        .filter_map(|file| match file.file.parse::<FileName>() {
            Ok(FileName::Sdist(sdist)) => Some(sdist.version),
            _ => None,
        })
        .collect();
    known.sort();
    ContextError {
        message: if files.is_empty() {
            format!("the index has no project `{name}`")
        } else {
            format!("the index has no source distribution of `{name}` {version}")
        },
        hint: known.last().map(|last| format!("the newest that it has is {last}")),
    }
}

/// An sdist has one directory, `NAME-VERSION`, and everything in it.
fn only_directory(directory: &Path) -> io::Result<PathBuf> {
    let entries: Vec<PathBuf> =
        fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    match entries.as_slice() {
        [only] if only.is_dir() => Ok(only.clone()),
        _ => Err(io::Error::other("it does not hold exactly one directory")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> UpstreamFile {
        UpstreamFile::new(name, "")
    }

    #[test]
    fn the_sdist_of_the_version_is_chosen() {
        let files = ["x-1.0-py3-none-any.whl", "x-1.0.zip", "x-1.0.tar.gz", "x-1.0.1.tar.gz"].map(file);
        let chosen = |version: &str| sdist(&files, &version.parse().ok()?).map(|file| file.file.as_str());
        assert_eq!(chosen("1"), Some("x-1.0.tar.gz"));
        assert_eq!(chosen("1.0.1"), Some("x-1.0.1.tar.gz"));
        assert_eq!(chosen("2"), None);
    }

    #[test]
    fn what_is_missing_is_said_with_what_there_is() -> Result<(), Box<dyn std::error::Error>> {
        let requirement: Requirement = "x==2".parse()?;
        let error = nothing(&requirement, &"2".parse()?, &["x-1.0.tar.gz", "x-1.10.tar.gz"].map(file));
        assert_eq!(error.message, "the index has no source distribution of `x` 2");
        assert_eq!(error.hint.as_deref(), Some("the newest that it has is 1.10"));
        assert_eq!(nothing(&requirement, &"2".parse()?, &[]).message, "the index has no project `x`");
        Ok(())
    }

    #[test]
    fn what_is_damaged_does_not_stay() -> io::Result<()> {
        let cache = tempfile::tempdir()?;
        let archive = cache.path().join("x-1.0.tar.gz");
        fs::write(&archive, "<html>not found</html>")?;
        let error = unpack_to(&archive, &cache.path().join("unpacked"), "http://index/x").expect_err("no archive");
        assert!(error.message.contains("x-1.0.tar.gz`: it is neither"), "{error}");
        assert!(error.hint.is_some_and(|hint| hint.starts_with("it came from `http://index/x`")));
        assert_eq!(fs::read_dir(cache.path())?.count(), 0);
        Ok(())
    }

    #[test]
    fn what_was_fetched_is_found_again() -> Result<(), Box<dyn std::error::Error>> {
        let cache = tempfile::tempdir()?;
        let requirement: Requirement = "x==1.0".parse()?;
        assert_eq!(fetched(cache.path(), &requirement), None);
        let digest = Digest::of("x");
        let directory = cache.path().join("sources").join(digest.to_string());
        fs::create_dir_all(&directory)?;
        fs::create_dir_all(cache.path().join("sources/pins"))?;
        fs::write(cache.path().join("sources/pins/x-1.0"), digest.to_string())?;
        assert_eq!(fetched(cache.path(), &requirement), Some(directory));
        assert_eq!(fetched(cache.path(), &"x>=1.0".parse()?), None);
        Ok(())
    }
}
