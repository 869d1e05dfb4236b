//! Where a pipeline's machines share state; plain data.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::SharedError;
use crate::context::SecretFrom;

/// Where machines share state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharedIn {
    /// In an S3-compatible bucket.
    S3(S3),
    /// In a directory of a WebDAV server.
    WebDav(WebDav),
    /// In a directory that all machines see.
    Directory(SharedDirectory),
}

/// A bucket of an S3-compatible object store that honours conditional writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct S3 {
    pub(super) endpoint: String,
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) region: String,
    pub(super) keys: Option<(SecretFrom, SecretFrom)>,
}

impl S3 {
    /// A bucket at an endpoint: `https://s3.eu-central-1.amazonaws.com`, `http://minio.example:9000`. It is addressed by path.
    pub fn new(endpoint: impl Into<String>, bucket: impl Into<String>) -> Self {
        let (endpoint, bucket) = (endpoint.into(), bucket.into());
        Self { endpoint, bucket, prefix: String::new(), region: "us-east-1".to_owned(), keys: None }
    }

    /// Sets the region that requests are signed for; `us-east-1` by default, which stores other than Amazon's take.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Sets what all names in the bucket begin with; nothing by default.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets where the key's id and the secret key are; by default in the variables `AWS_ACCESS_KEY_ID` and
    /// `AWS_SECRET_ACCESS_KEY`, with `AWS_SESSION_TOKEN` if it is set. Without them nothing is signed.
    pub fn keys(mut self, id: SecretFrom, secret: SecretFrom) -> Self {
        self.keys = Some((id, secret));
        self
    }
}

/// A directory of a WebDAV server that honours locks (RFC 4918, class 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct WebDav {
    pub(super) url: String,
    pub(super) login: Option<(String, SecretFrom)>,
}

impl WebDav {
    /// A directory by its URL, which is made if it is missing.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), login: None }
    }

    /// Sets a user and where the password is; nobody logs in by default.
    pub fn login(mut self, user: impl Into<String>, password: SecretFrom) -> Self {
        self.login = Some((user.into(), password));
        self
    }
}

/// A directory that all machines see under one path, such as one of NFS. It is not made: one that is not mounted is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct SharedDirectory {
    pub(super) path: PathBuf,
}

impl SharedDirectory {
    /// A directory by its path; relative ones are below the pipeline's root.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl From<S3> for SharedIn {
    fn from(place: S3) -> Self {
        Self::S3(place)
    }
}

impl From<WebDav> for SharedIn {
    fn from(place: WebDav) -> Self {
        Self::WebDav(place)
    }
}

impl From<SharedDirectory> for SharedIn {
    fn from(place: SharedDirectory) -> Self {
        Self::Directory(place)
    }
}

impl SharedIn {
    /// Reads `s3+https://host/bucket/prefix`, `https://host/path` (WebDAV) or an absolute path; `none` is nowhere.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Option<Self>, SharedError> {
        if text == "none" {
            return Ok(None);
        }
        let unknown = || {
            SharedError::new(format!("`{text}` is no place for shared state")).hint(
                "write `s3+https://host/bucket/prefix`, `https://host/path` for WebDAV, the path of a directory, or `none`",
            )
        };
        if let Some(url) = text.strip_prefix("s3+") {
            let (scheme, rest) = url.split_once("://").ok_or_else(unknown)?;
            let (host, path) = rest.split_once('/').ok_or_else(unknown)?;
            let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
            let known = matches!(scheme, "http" | "https") && !host.is_empty() && !bucket.is_empty();
            let place = S3::new(format!("{scheme}://{host}"), bucket).prefix(prefix);
            return if known { Ok(Some(place.into())) } else { Err(unknown()) };
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            return Ok(Some(WebDav::new(text).into()));
        }
        let path = PathBuf::from(text.strip_prefix("file://").unwrap_or(text));
        if path.is_absolute() { Ok(Some(SharedDirectory::new(path).into())) } else { Err(unknown()) }
    }
}

impl fmt::Display for SharedIn {
    /// ``bucket `ci` of `https://s3.example` ``, `` `https://dav.example/ci` ``, ``directory `/mnt/ci` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3(place) => write!(f, "bucket `{}` of `{}`", place.bucket, place.endpoint),
            Self::WebDav(place) => write!(f, "`{}`", place.url),
            Self::Directory(place) => write!(f, "directory `{}`", place.path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_people_write_them() {
        let parse = |text: &str| SharedIn::parse(text).expect(text);
        assert_eq!(parse("none"), None);
        assert_eq!(
            parse("s3+https://s3.example:9000/ci/gopythongo/x"),
            Some(S3::new("https://s3.example:9000", "ci").prefix("gopythongo/x").into())
        );
        assert_eq!(parse("s3+http://localhost/ci"), Some(S3::new("http://localhost", "ci").into()));
        assert_eq!(parse("https://dav.example/ci"), Some(WebDav::new("https://dav.example/ci").into()));
        for text in ["/mnt/ci", "file:///mnt/ci"] {
            assert_eq!(parse(text), Some(SharedDirectory::new("/mnt/ci").into()));
        }
        for text in ["", "ci", "s3+https://s3.example", "s3+ftp://s3.example/x", "s3+https://s3.example/"] {
            let error = SharedIn::parse(text).expect_err(text);
            assert_eq!(error.message, format!("`{text}` is no place for shared state"));
        }
    }
}
