//! What a resolution found: names, versions and digests, without a word on where they came from.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::python::name::normalize;
use crate::support::Digest;

/// Distributions that fit together, sorted by name. No URL, port or run is in it, so that the same resolution has the same
/// bytes in every run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The Python that it holds for: `3.11.2`.
    pub python: String,
    /// Requirements beside the application's own that it has at run time: what serves it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runtime: Vec<String>,
    /// The distributions, sorted by name.
    pub packages: Vec<LockedPackage>,
}

/// One distribution of a [`Lock`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedPackage {
    /// The name, normalised (PEP 503).
    pub name: String,
    /// The version (PEP 440).
    pub version: String,
    /// The files of which one is installed, sorted: wheels that fit the Python, or else the sdist.
    pub files: Vec<LockedFile>,
    /// Whether the pipeline owns the name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owned: bool,
}

/// A file that may be installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LockedFile {
    /// The file's name.
    pub file: String,
    /// The digest of its bytes.
    pub sha256: Digest,
}

/// What a resolver printed is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::python) struct LockError(String);

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the resolver's answer cannot be read: {}", self.0)
    }
}

impl std::error::Error for LockError {}

impl Lock {
    /// The distribution of a name.
    #[must_use]
    pub fn package(&self, name: &str) -> Option<&LockedPackage> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// The distributions whose names the pipeline owns.
    pub fn owned(&self) -> impl Iterator<Item = &LockedPackage> {
        self.packages.iter().filter(|package| package.owned)
    }

    /// The lock as a requirements file for `--require-hashes --no-deps`.
    #[must_use]
    pub fn requirements(&self) -> String {
        let mut text = String::new();
        for package in &self.packages {
            text.push_str(&format!("{}=={}", package.name, package.version));
            for file in &package.files {
                text.push_str(&format!(" --hash=sha256:{}", file.sha256));
            }
            text.push('\n');
        }
        text
    }

    /// Reads a `pylock.toml` (PEP 751) for one Python. Distributions from a path (the wheel under test) are left out.
    pub(in crate::python) fn from_pylock(text: &str, python: &str) -> Result<Self, LockError> {
        let answer: Pylock = toml::from_str(text).map_err(|error| LockError(error.to_string()))?;
        let mut lock = Self { python: python.to_owned(), ..Self::default() };
        for package in answer.packages {
            let Some(version) = package.version.filter(|_| package.archive.is_none()) else {
                continue;
            };
            let files = if package.wheels.is_empty() { package.sdist.into_iter().collect() } else { package.wheels };
            let files = files.into_iter().map(PylockFile::locked).collect::<Result<Vec<_>, _>>()?;
            lock.add(&package.name, version, files)?;
        }
        lock.packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(lock)
    }

    /// Reads what `pip install --dry-run --report -` prints. Distributions from a path (the wheel under test) are left out.
    pub(in crate::python) fn from_pip(text: &str, python: &str) -> Result<Self, LockError> {
        let report: PipReport = serde_json::from_str(text).map_err(|error| LockError(error.to_string()))?;
        let mut lock = Self { python: python.to_owned(), ..Self::default() };
        for install in report.install {
            if install.download_info.url.starts_with("file:") {
                continue;
            }
            let archive = install.download_info.archive_info.unwrap_or_default();
            let sha256 = archive.hashes.sha256.or_else(|| Some(archive.hash?.strip_prefix("sha256=")?.to_owned()));
            let file = PylockFile { name: None, url: Some(install.download_info.url), hashes: Hashes { sha256 } };
            lock.add(&install.metadata.name, install.metadata.version, vec![file.locked()?])?;
        }
        lock.packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(lock)
    }

    fn add(&mut self, name: &str, version: String, mut files: Vec<LockedFile>) -> Result<(), LockError> {
        if files.is_empty() {
            return Err(LockError(format!("`{name}` {version} has no file")));
        }
        files.sort();
        self.packages.push(LockedPackage { name: normalize(name), version, files, owned: false });
        Ok(())
    }
}

#[derive(Deserialize)]
struct Pylock {
    #[serde(default)]
    packages: Vec<PylockPackage>,
}

#[derive(Deserialize)]
struct PylockPackage {
    name: String,
    version: Option<String>,
    #[serde(default)]
    wheels: Vec<PylockFile>,
    sdist: Option<PylockFile>,
    archive: Option<toml::Value>,
}

#[derive(Deserialize)]
struct PylockFile {
    name: Option<String>,
    url: Option<String>,
    hashes: Hashes,
}

#[derive(Deserialize, Default)]
struct Hashes {
    sha256: Option<String>,
}

impl PylockFile {
    fn locked(self) -> Result<LockedFile, LockError> {
        let of_url = self.url.as_deref().map(|url| {
            let path = url.split(['#', '?']).next().unwrap_or(url);
            let last = path.rsplit('/').next().unwrap_or(path);
            percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned()
        });
        let file = self.name.or(of_url).ok_or_else(|| LockError("a file has neither name nor URL".to_owned()))?;
        let digest = self.hashes.sha256.ok_or_else(|| LockError(format!("`{file}` has no SHA-256 digest")))?;
        let sha256 = digest.parse().map_err(|error| LockError(format!("`{file}`: {error}")))?;
        Ok(LockedFile { file, sha256 })
    }
}

#[derive(Deserialize)]
struct PipReport {
    #[serde(default)]
    install: Vec<PipInstall>,
}

#[derive(Deserialize)]
struct PipInstall {
    metadata: PipMetadata,
    download_info: PipDownload,
}

#[derive(Deserialize)]
struct PipMetadata {
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct PipDownload {
    url: String,
    archive_info: Option<PipArchive>,
}

#[derive(Deserialize, Default)]
struct PipArchive {
    /// The older form, `sha256=…`.
    hash: Option<String>,
    #[serde(default)]
    hashes: Hashes,
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn pylock(port: u16) -> Lock {
        let text = format!(
            r#"
lock-version = "1.0"
created-by = "uv"

[[packages]]
name = "pytest"
version = "9.2.0"
sdist = {{ url = "http://127.0.0.1:{port}/pytest-9.2.0.tar.gz", hashes = {{ sha256 = "{B}" }} }}
wheels = [{{ url = "http://127.0.0.1:{port}/pytest-9.2.0%2Bd1-py3-none-any.whl#x", hashes = {{ sha256 = "{A}" }} }}]

[[packages]]
name = "catalog"
version = "1.0"
archive = {{ path = "catalog-1.0-py3-none-any.whl", hashes = {{ sha256 = "{A}" }} }}

[[packages]]
name = "Legacy.Thing"
version = "2"
sdist = {{ url = "http://127.0.0.1:{port}/legacy-2.tar.gz", hashes = {{ sha256 = "{B}" }} }}
"#
        );
        Lock::from_pylock(&text, "3.11.2").unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_resolution_of_uv_becomes_a_lock_without_ports() {
        assert_eq!(pylock(8001), pylock(8002));
        assert_eq!(
            pylock(8001).requirements(),
            format!("legacy-thing==2 --hash=sha256:{B}\npytest==9.2.0 --hash=sha256:{A}\n")
        );
        assert_eq!(
            pylock(8001).package("pytest").map(|package| package.files[0].file.as_str()),
            Some("pytest-9.2.0+d1-py3-none-any.whl")
        );
    }

    #[test]
    fn a_resolution_of_pip_becomes_a_lock() {
        let report = format!(
            r#"{{"version": "1", "install": [
                {{"download_info": {{"url": "http://h/money-1.5-py3-none-any.whl", "archive_info": {{"hash": "sha256={A}"}}}},
                 "metadata": {{"name": "Money", "version": "1.5"}}}},
                {{"download_info": {{"url": "file:///s/catalog-1.0-py3-none-any.whl", "archive_info": {{}}}},
                 "metadata": {{"name": "catalog", "version": "1.0"}}}}]}}"#
        );
        let lock = Lock::from_pip(&report, "3.11.2").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(lock.requirements(), format!("money==1.5 --hash=sha256:{A}\n"));
    }

    #[test]
    fn an_answer_without_digests_is_refused() {
        let text = r#"[[packages]]
name = "x"
version = "1"
wheels = [{ url = "http://h/x-1-py3-none-any.whl", hashes = {} }]"#;
        assert_eq!(
            Lock::from_pylock(text, "3.11.2").unwrap_err().to_string(),
            "the resolver's answer cannot be read: `x-1-py3-none-any.whl` has no SHA-256 digest"
        );
    }
}
