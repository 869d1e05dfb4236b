//! The upstream index: whatever pip or uv are configured to use here.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use ureq::{
    Body,
    http::{HeaderMap, Response, StatusCode},
};

use super::{
    UpstreamError,
    client::Client,
    credentials::Credentials,
    page,
    page_cache::Page,
    page_html,
    settings::{Endpoint, Settings, Surroundings},
    url,
};
use crate::{
    cache::blob_path,
    context::Secret,
    support::{Digest, Durability, write_atomic},
};

/// The largest page that is read, in bytes.
const PAGE_LIMIT: u64 = 64 << 20;
/// The largest metadata that are read, in bytes.
const METADATA_LIMIT: u64 = 4 << 20;
/// How often a download that breaks off is begun again.
const DOWNLOADS: u32 = 3;

/// A file that the upstream index offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamFile {
    /// The file's name.
    pub file: String,
    /// Where it is.
    pub url: String,
    /// Its digest, if the index says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// `requires-python`, if the index says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_python: Option<String>,
    /// Whether it was yanked (PEP 592).
    #[serde(default)]
    pub yanked: bool,
    /// Why it was yanked, if the index says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yanked_reason: Option<String>,
    /// Whether its core metadata can be had beside it (PEP 658).
    #[serde(default)]
    pub metadata: CoreMetadata,
    /// Size in bytes, if the index says it (PEP 700).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it was uploaded, RFC 3339, if the index says it (PEP 700).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded: Option<String>,
}

/// Whether an index offers a file's core metadata as `FILE.metadata` (PEP 658).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CoreMetadata {
    /// It does not.
    #[default]
    Absent,
    /// It does.
    Present,
    /// It does, and says their digest.
    Hashed(Digest),
}

impl UpstreamFile {
    /// A file of which the index says nothing else.
    #[must_use]
    pub fn new(file: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            url: url.into(),
            digest: None,
            requires_python: None,
            yanked: false,
            yanked_reason: None,
            metadata: CoreMetadata::Absent,
            size: None,
            uploaded: None,
        }
    }
}

/// A client of the upstream index, with a cache of its pages.
#[derive(Debug)]
pub struct Upstream {
    indexes: Vec<Endpoint>,
    client: Client,
    cache: PathBuf,
    pages: Mutex<HashMap<String, Slot>>,
    trouble: Mutex<Option<UpstreamError>>,
}

/// The page of one project. Whoever asks holds its lock meanwhile, so that two askers at once make one request.
type Slot = Arc<Mutex<Option<Arc<Page>>>>;

impl Upstream {
    /// Finds the index that pip or uv use here, with its credentials, certificates and proxy, by asking them.
    /// `python` is an interpreter that may have pip. Pages are cached below `cache`.
    ///
    /// # Errors
    /// When neither pip nor uv say an index, or the file of certificates that they use cannot be read.
    pub fn discover(python: &Path, cache: &Path, offline: bool) -> Result<Self, UpstreamError> {
        Self::new(&Settings::find(&Surroundings::here(python, cache))?, cache, offline)
    }

    pub(super) fn new(settings: &Settings, cache: &Path, offline: bool) -> Result<Self, UpstreamError> {
        let client = Client::new(settings, offline)?;
        Ok(Self {
            indexes: settings.indexes.clone(),
            client,
            cache: cache.to_owned(),
            pages: Mutex::default(),
            trouble: Mutex::default(),
        })
    }

    /// Why it could not be asked the last time, if it could not. Installers do not pass on what they are told of that.
    pub(crate) fn trouble(&self) -> Option<UpstreamError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers what a server's answer says of whether it can be asked.
    fn noted<T>(&self, answer: Result<T, UpstreamError>) -> Result<T, UpstreamError> {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = answer.as_ref().err().cloned();
        answer
    }

    /// The simple index that is asked last, without credentials, and who said so: for `config`.
    #[must_use]
    pub fn origin(&self) -> (&str, &str) {
        self.indexes.last().map_or(("", ""), |index| (&index.url, index.from))
    }

    /// The passwords that it sends, so that no report shows them.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.indexes.iter().filter_map(|index| Some(&index.credentials.as_ref()?.password))
    }

    /// The files of a project, by its normalised name; empty if the index does not know it.
    ///
    /// # Errors
    /// When the index cannot be reached or answers nonsense.
    pub fn files(&self, project: &str) -> Result<Vec<UpstreamFile>, UpstreamError> {
        self.page(project)?.map_or_else(|| Ok(Vec::new()), |page| Ok(page.files()?.to_vec()))
    }

    /// Downloads a file, checked by its digest, into the cache; gives its path. A file that is there is not asked for.
    ///
    /// # Errors
    /// When it cannot be fetched, or its digest is another one.
    pub fn download(&self, file: &UpstreamFile) -> Result<PathBuf, UpstreamError> {
        let path = self.downloaded(file)?;
        if path.is_file() {
            return Ok(path);
        }
        let mut attempt = 1;
        loop {
            match self.fetch(file, &path) {
                Ok(()) => return Ok(path),
                Err(Fetch::Final(error)) => return Err(error),
                Err(Fetch::Broken(error)) if attempt == DOWNLOADS => return Err(error),
                Err(Fetch::Broken(_)) => attempt += 1,
            }
        }
    }

    /// Where the download of a file is, or would be.
    pub(super) fn downloaded(&self, file: &UpstreamFile) -> Result<PathBuf, UpstreamError> {
        if file.file.contains(['/', '\\', '\0']) || matches!(file.file.as_str(), "" | "." | "..") {
            return Err(UpstreamError::new(format!("`{}`: `{}` is not a file's name", file.url, file.file)));
        }
        let key = file.digest.unwrap_or_else(|| Digest::of(&file.url));
        Ok(blob_path(&self.cache.join("files"), &key).join(&file.file))
    }

    fn fetch(&self, file: &UpstreamFile, path: &Path) -> Result<(), Fetch> {
        let unwritable =
            |error: io::Error| Fetch::Final(UpstreamError::new(format!("writing `{}`: {error}", path.display())));
        let directory = path.parent().unwrap_or(path);
        let mut body = self.open(&file.url, &[]).map_err(Fetch::Final)?.into_body().into_reader();
        fs::create_dir_all(directory).map_err(unwritable)?;
        let mut target = NamedTempFile::new_in(directory).map_err(unwritable)?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = body
                .read(&mut buffer)
                .map_err(|error| Fetch::Broken(UpstreamError::new(format!("downloading `{}`: {error}", file.url))))?;
            if n == 0 {
                break;
            }
            target.write_all(&buffer[..n]).map_err(unwritable)?;
        }
        let digest = Digest::of_file(target.path()).map_err(unwritable)?;
        if let Some(wanted) = file.digest.filter(|wanted| *wanted != digest) {
            return Err(Fetch::Broken(UpstreamError::new(format!(
                "downloading `{}`: its digest is `{digest}`, the index says `{wanted}`",
                file.url
            ))));
        }
        target.persist(path).map_err(|error| unwritable(error.error))?;
        Ok(())
    }

    /// Opens a URL that a page named, for streaming; only 200 and 206 are answers.
    pub(super) fn open(&self, target: &str, headers: &[(&str, &str)]) -> Result<Response<Body>, UpstreamError> {
        let response = self.noted(self.client.get(target, self.credentials(target), headers))?;
        match response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => Ok(response),
            status => self.noted(Err(UpstreamError::status(target, status))),
        }
    }

    /// A file's core metadata (PEP 658), from the cache if they were asked for before.
    pub(super) fn metadata(&self, file: &UpstreamFile) -> Result<Vec<u8>, UpstreamError> {
        let target = format!("{}.metadata", file.url);
        let wanted = match file.metadata {
            CoreMetadata::Hashed(digest) => Some(digest),
            CoreMetadata::Present | CoreMetadata::Absent => None,
        };
        let path = blob_path(&self.cache.join("metadata"), &wanted.unwrap_or_else(|| Digest::of(&target)));
        if let Ok(bytes) = fs::read(&path) {
            return Ok(bytes);
        }
        let response = self.open(&target, &[])?;
        let bytes = read_whole(response, METADATA_LIMIT)
            .map_err(|error| UpstreamError::new(format!("reading `{target}`: {error}")))?;
        if let Some(wanted) = wanted
            && wanted != Digest::of(&bytes)
        {
            return Err(UpstreamError::new(format!(
                "`{target}` is not what the index says: its digest is another one"
            )));
        }
        write_atomic(&path, &bytes, Durability::Cached)
            .map_err(|error| UpstreamError::new(format!("writing `{}`: {error}", path.display())))?;
        Ok(bytes)
    }

    /// The page of a project; nothing if no index knows it.
    pub(super) fn page(&self, project: &str) -> Result<Option<Arc<Page>>, UpstreamError> {
        let slot = {
            let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(pages.entry(project.to_owned()).or_default())
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = slot.as_ref().filter(|page| self.client.offline || page.header.is_fresh()) {
            return Ok(Some(Arc::clone(page)));
        }
        *slot = None;
        for index in &self.indexes {
            let page = self.page_of(index, project)?;
            if page.header.known {
                *slot = Some(Arc::new(page));
                break;
            }
        }
        Ok(slot.clone())
    }

    fn page_of(&self, index: &Endpoint, project: &str) -> Result<Page, UpstreamError> {
        let directory = self.cache.join("pages").join(Digest::of(&index.url).short(16));
        let path = directory.join(format!("{project}.json"));
        let cached = Page::read(&path);
        if let Some(page) = cached.filter(|page| self.client.offline || page.header.is_fresh()) {
            return Ok(page);
        }
        let cached = Page::read(&path).filter(|page| page.header.known);
        let target = format!("{}{project}/", index.url);
        let mut headers = vec![("accept", page::ACCEPT), ("accept-encoding", "gzip")];
        if let Some(page) = &cached {
            headers.extend(page.header.etag.as_deref().map(|etag| ("if-none-match", etag)));
            headers.extend(page.header.last_modified.as_deref().map(|time| ("if-modified-since", time)));
        }
        let response = self.noted(self.client.get(&target, index.credentials.as_ref(), &headers))?;
        let header = |headers: &HeaderMap, name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
        let (etag, modified) = (header(response.headers(), "etag"), header(response.headers(), "last-modified"));
        let control = header(response.headers(), "cache-control");
        match response.status() {
            StatusCode::NOT_MODIFIED => match cached {
                Some(page) => page.confirmed(),
                None => Err(UpstreamError::status(&target, StatusCode::NOT_MODIFIED)),
            },
            StatusCode::NOT_FOUND | StatusCode::GONE => Page::write(&path, None, None, None, None),
            StatusCode::OK => {
                let nonsense = |error: &dyn std::fmt::Display| {
                    UpstreamError::new(format!("`{target}` answered nonsense: {error}"))
                };
                // Redirects change what relative links mean.
                let base = ureq::ResponseExt::get_uri(&response).to_string();
                let kind = header(response.headers(), "content-type").unwrap_or_default();
                let bytes = read_whole(response, PAGE_LIMIT).map_err(|error| nonsense(&error))?;
                let files = if kind.split(';').next().unwrap_or_default().trim().ends_with("json") {
                    page::parse(&base, &bytes).map_err(|error| nonsense(&error))?
                } else {
                    page_html::parse(&base, &String::from_utf8_lossy(&bytes))
                };
                Page::write(&path, Some(files), etag, modified, control.as_deref())
            }
            status => self.noted(Err(UpstreamError::status(&target, status))),
        }
    }

    /// The credentials of an index are for its own host only.
    fn credentials(&self, target: &str) -> Option<&Credentials> {
        let index = self.indexes.iter().find(|index| {
            url::authority(&index.url) == url::authority(target)
                && index.url.split(':').next() == target.split(':').next()
        })?;
        index.credentials.as_ref()
    }
}

/// How a download failed.
enum Fetch {
    /// Once more may help.
    Broken(UpstreamError),
    /// It will not.
    Final(UpstreamError),
}

pub(super) fn read_whole(response: Response<Body>, limit: u64) -> io::Result<Vec<u8>> {
    let gzip = response.headers().get("content-encoding").is_some_and(|value| value == "gzip");
    let body = response.into_body().into_reader();
    let reader: Box<dyn Read> = if gzip { Box::new(GzDecoder::new(body)) } else { Box::new(body) };
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
impl Upstream {
    /// A client of a server, as if pip were configured for it.
    pub(crate) fn of_url(url: &str, cache: &Path, offline: bool) -> Arc<Self> {
        let here = Surroundings {
            environment: [("PIP_INDEX_URL".to_owned(), url.to_owned())].into(),
            pip: super::ask::PipAnswer::default(),
            uv: Vec::new(),
            uv_default: || None,
            netrc: String::new(),
        };
        let settings = Settings::find(&here).expect("settings");
        Arc::new(Self::new(&settings, cache, offline).expect("a client"))
    }
}
