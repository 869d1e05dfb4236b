//! Core metadata: the `METADATA` of a wheel, the `PKG-INFO` of an sdist.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use flate2::read::GzDecoder;
use pep440_rs::Version;

use crate::python::{DistributionError, FileName, name, wheel_archive::WheelArchive};

/// The largest metadata that is read, in bytes.
pub(in crate::python) const LIMIT: u64 = 1 << 20;

/// What the core metadata say (<https://packaging.python.org/specifications/core-metadata/>), as far as it is needed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The package as it writes its name.
    pub name: String,
    /// The version.
    pub version: Version,
    /// `Requires-Dist`, one requirement (PEP 508) an entry.
    pub requires_dist: Vec<String>,
    /// `Requires-Python`, a specifier (PEP 440).
    pub requires_python: Option<String>,
    /// `Provides-Extra`.
    pub provides_extra: Vec<String>,
    /// The file itself.
    pub bytes: Vec<u8>,
}

impl Metadata {
    /// Parses a `METADATA` or `PKG-INFO` file.
    ///
    /// # Errors
    /// When there is no `Name` or `Version`, or they are not valid; the message does not name a file.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, DistributionError> {
        let text = String::from_utf8_lossy(&bytes);
        let headers = headers(&text);
        let all = |key: &str| -> Vec<String> {
            headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value.clone()).collect()
        };
        let one = |key: &str| all(key).into_iter().find(|value| !value.is_empty());
        let required = |key: &str| one(key).ok_or_else(|| DistributionError::new(format!("its metadata lack `{key}`")));
        let name = required("Name")?;
        if !name::is_name(&name) {
            return Err(DistributionError::new(format!("its metadata's name `{name}` is not a package's name")));
        }
        let version = required("Version")?;
        let version = version
            .parse()
            .map_err(|_| DistributionError::new(format!("its metadata's version `{version}` is not a version")))?;
        let (requires_dist, requires_python) = (all("Requires-Dist"), one("Requires-Python"));
        let provides_extra = all("Provides-Extra");
        Ok(Self { name, version, requires_dist, requires_python, provides_extra, bytes })
    }

    /// Reads a wheel's.
    ///
    /// # Errors
    /// When the file is not a wheel, or its metadata cannot be read.
    pub fn of_wheel(path: &Path) -> Result<Self, DistributionError> {
        WheelArchive::open(path)?.metadata()
    }

    /// Reads an sdist's: the `PKG-INFO` in its one top directory.
    ///
    /// # Errors
    /// When the file is not an sdist, or its metadata cannot be read.
    pub fn of_sdist(path: &Path) -> Result<Self, DistributionError> {
        let error = |why: &dyn std::fmt::Display| DistributionError::new(format!("`{}`: {why}", path.display()));
        let file = File::open(path).map_err(|error| DistributionError::unreadable(path, &error))?;
        let bytes = pkg_info(file).map_err(|why| error(&why))?;
        Self::parse(bytes.ok_or_else(|| error(&"it has no `PKG-INFO`"))?).map_err(|why| error(&why))
    }

    /// Reads the metadata of a wheel or sdist, by the name of the file.
    ///
    /// # Errors
    /// When the file is neither, or its metadata cannot be read.
    pub fn of_file(path: &Path) -> Result<Self, DistributionError> {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        match file.parse()? {
            FileName::Wheel(_) => Self::of_wheel(path),
            FileName::Sdist(_) => Self::of_sdist(path),
        }
    }
}

fn pkg_info(file: File) -> io::Result<Option<Vec<u8>>> {
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    for entry in archive.entries()? {
        let entry = entry?;
        let path = entry.path()?;
        if path.components().count() == 2 && path.ends_with("PKG-INFO") && entry.header().entry_type().is_file() {
            return bounded(entry).map(Some);
        }
    }
    Ok(None)
}

/// Reads metadata up to the limit.
pub(in crate::python) fn bounded(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Err(io::Error::other("its metadata are larger than 1 MiB"));
    }
    Ok(bytes)
}

/// The headers before the first empty line (RFC 822); a line that begins with a blank continues the one before.
fn headers(text: &str) -> Vec<(&str, String)> {
    let mut headers: Vec<(&str, String)> = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        if line.trim().is_empty() && !line.starts_with([' ', '\t']) {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((key, value)) = line.split_once(':') {
            headers.push((key.trim(), value.trim().to_owned()));
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_may_continue_and_end_at_the_description() {
        let text = "Metadata-Version: 2.1\nname: Zope.Interface\nVersion: 5.0RC1\nRequires-Python: >=3.8,\n  <4\n\
                    Requires-Dist: six\nRequires-Dist: attrs>=20; extra == \"test\"\nProvides-Extra: test\n\n\
                    Requires-Dist: not-this\n";
        let metadata = Metadata::parse(text.as_bytes().to_vec()).expect("valid");
        assert_eq!((metadata.name.as_str(), metadata.version.to_string().as_str()), ("Zope.Interface", "5.0rc1"));
        assert_eq!(metadata.requires_dist, ["six", "attrs>=20; extra == \"test\""]);
        assert_eq!(metadata.requires_python.as_deref(), Some(">=3.8,\n<4"));
        assert_eq!(metadata.provides_extra, ["test"]);
        assert_eq!(metadata.bytes, text.as_bytes());
    }

    #[test]
    fn what_is_missing_is_said() {
        for (text, why) in [
            ("Version: 1\n", "lack `Name`"),
            ("Name: a\n\nVersion: 1\n", "lack `Version`"),
            ("Name: a\nVersion: one\n", "`one` is not a version"),
            ("Name: ../a\nVersion: 1\n", "`../a` is not a package's name"),
        ] {
            let error = Metadata::parse(text.into()).expect_err(text).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
