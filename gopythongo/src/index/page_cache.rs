//! Project pages on disk, with what the server said about their freshness.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{UpstreamError, UpstreamFile};
use crate::support::{Digest, Durability, write_atomic};

/// No page is asked for again within this time, in seconds, nor kept longer without asking.
const FRESH: u64 = 600;
/// How long "no such project" is believed, in seconds: somebody may be about to publish it.
const FRESH_ABSENT: u64 = 30;

/// The page of a project, as last seen; its files are parsed when they are asked for.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) header: Header,
    path: PathBuf,
    files: OnceLock<Vec<UpstreamFile>>,
}

/// The first line of a cached page; the files follow in the second one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Header {
    /// Of this format.
    version: u32,
    /// Whether the index knows the project.
    pub(super) known: bool,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    /// When the server was last asked, in seconds since 1970.
    fetched: u64,
    /// Seconds.
    fresh: u64,
    /// Of the files: it changes when they do.
    pub(super) digest: Digest,
}

impl Header {
    const VERSION: u32 = 1;

    /// Whether the server need not be asked.
    pub(super) fn is_fresh(&self) -> bool {
        let now = now();
        // A clock that went back makes nothing fresh.
        (self.fetched..self.fetched + self.fresh).contains(&now)
    }
}

impl Page {
    /// What the disk knows of a page; nothing if it is of another format or damaged.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let mut line = String::new();
        BufReader::new(File::open(path).ok()?).take(64 << 10).read_line(&mut line).ok()?;
        let header: Header = serde_json::from_str(&line).ok()?;
        (header.version == Header::VERSION).then(|| Self { header, path: path.to_owned(), files: OnceLock::new() })
    }

    /// Writes a page that the server has just sent; `files` is `None` for a project that it does not know.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub(super) fn write(
        path: &Path,
        files: Option<Vec<UpstreamFile>>,
        etag: Option<String>,
        last_modified: Option<String>,
        cache_control: Option<&str>,
    ) -> Result<Self, UpstreamError> {
        let known = files.is_some();
        let files = files.unwrap_or_default();
        let line = serde_json::to_vec(&files).map_err(|error| unwritable(path, &error))?;
        let fresh = if known { max_age(cache_control).unwrap_or(FRESH).min(FRESH) } else { FRESH_ABSENT };
        let digest = Digest::of(&line);
        let header = Header { version: Header::VERSION, known, etag, last_modified, fetched: now(), fresh, digest };
        let page = Self { header, path: path.to_owned(), files: OnceLock::from(files) };
        page.store(&line)?;
        Ok(page)
    }

    /// The server says that nothing changed.
    ///
    /// # Errors
    /// When the cache cannot be read or written.
    pub(super) fn confirmed(mut self) -> Result<Self, UpstreamError> {
        let line = self.line()?;
        self.header.fetched = now();
        self.store(&line)?;
        Ok(self)
    }

    /// The files.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub(super) fn files(&self) -> Result<&[UpstreamFile], UpstreamError> {
        if let Some(files) = self.files.get() {
            return Ok(files);
        }
        let files = serde_json::from_slice(&self.line()?).map_err(|error| {
            UpstreamError::new(format!("reading `{}`: {error}", self.path.display())).with_hint("remove that file")
        })?;
        Ok(self.files.get_or_init(|| files))
    }

    fn line(&self) -> Result<Vec<u8>, UpstreamError> {
        let unreadable = |error| UpstreamError::new(format!("reading `{}`: {error}", self.path.display()));
        let mut reader = BufReader::new(File::open(&self.path).map_err(unreadable)?);
        let mut line = Vec::new();
        reader.skip_until(b'\n').and_then(|_| reader.read_to_end(&mut line)).map_err(unreadable)?;
        Ok(line)
    }

    fn store(&self, line: &[u8]) -> Result<(), UpstreamError> {
        let mut bytes = serde_json::to_vec(&self.header).map_err(|error| unwritable(&self.path, &error))?;
        bytes.push(b'\n');
        bytes.extend_from_slice(line);
        write_atomic(&self.path, &bytes, Durability::Cached).map_err(|error| unwritable(&self.path, &error))
    }
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> UpstreamError {
    UpstreamError::new(format!("writing `{}`: {error}", path.display()))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// `max-age` of a `Cache-Control` header, in seconds (RFC 9111); 0 for `no-cache` and `no-store`.
fn max_age(cache_control: Option<&str>) -> Option<u64> {
    let directives = cache_control?.split(',').map(str::trim);
    directives
        .filter_map(|directive| match directive {
            "no-cache" | "no-store" => Some(0),
            _ => directive.strip_prefix("max-age=")?.parse().ok(),
        })
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_is_the_servers_up_to_ten_minutes() {
        assert_eq!(max_age(Some("public, max-age=60")), Some(60));
        assert_eq!(max_age(Some("max-age=60, no-cache")), Some(0));
        assert_eq!(max_age(Some("public")), None);
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("money.json");
        let write = |control| Page::write(&path, Some(Vec::new()), None, None, control).expect("written").header;
        assert!(write(None).is_fresh() && write(Some("max-age=100000000")).is_fresh());
        assert_eq!(write(Some("max-age=100000000")).fresh, FRESH);
        assert!(!write(Some("no-cache")).is_fresh());
        let mut header = write(None);
        header.fetched = now() + 60;
        assert!(!header.is_fresh());
    }

    #[test]
    fn a_damaged_page_is_no_page() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("money.json");
        for text in ["", "{", "{\"version\":2}\n[]", "[]\n"] {
            std::fs::write(&path, text).expect("written");
            assert!(Page::read(&path).is_none(), "{text}");
        }
    }
}
