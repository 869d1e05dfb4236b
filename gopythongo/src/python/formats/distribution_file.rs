//! Checks of a finished wheel or sdist, before it is staged or taken as an upload.

use std::{collections::BTreeSet, fs::File, io, path::Path};

use flate2::read::GzDecoder;
use pep440_rs::Version;

use crate::python::{DistributionError, FileName, Metadata, name, wheel_archive::WheelArchive, wheel_archive::is_safe};

/// More members than any sdist has.
const MEMBERS: usize = 200_000;
/// What an sdist may unpack to, however large it is, in bytes.
const ALWAYS_FINE: u64 = 256 << 20;
/// How many times its own size an sdist may unpack to beyond that.
const RATIO: u64 = 200;

/// What a distribution says of itself, when its file name, its archive and its metadata agree.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The package, normalised.
    pub name: String,
    /// The version.
    pub version: Version,
    /// The parsed file name.
    pub file: FileName,
    /// The core metadata.
    pub metadata: Metadata,
}

/// Checks the file at `path` as what `file_name` (which may be another than the path's) says that it is. Archives are walked
/// with limits and never unpacked to disk; an sdist is decompressed to its end, a wheel's members are checked against their
/// stated sizes and checksums.
///
/// # Errors
/// When the name is not a distribution's, the archive is truncated, unpacks to too much or has members that leave its
/// directory, an sdist has not one top directory, or name or version contradict the metadata. The message names the file.
pub fn check(path: &Path, file_name: &str) -> Result<Checked, DistributionError> {
    // What is wrong is said of the name that the distribution goes by, not of a temporary file.
    let named = |error: DistributionError| DistributionError {
        message: error.message.replace(&path.display().to_string(), file_name),
        hint: error.hint,
    };
    let file: FileName = file_name.parse()?;
    let metadata = match &file {
        FileName::Wheel(_) => wheel(path, &file),
        FileName::Sdist(_) => sdist(path),
    }
    .map_err(named)?;
    if name::normalize(&metadata.name) != file.name() {
        return Err(contradiction(file_name, "name", file.name(), &metadata.name));
    }
    if metadata.version != *file.version() {
        return Err(contradiction(file_name, "version", file.version(), &metadata.version));
    }
    let (name, version) = (file.name().to_owned(), metadata.version.clone());
    Ok(Checked { name, version, file, metadata })
}

fn contradiction(
    file: &str,
    what: &str,
    named: impl std::fmt::Display,
    stated: impl std::fmt::Display,
) -> DistributionError {
    DistributionError::new(format!("`{file}` contradicts its metadata: their {what} is `{stated}`, not `{named}`"))
        .with_hint("build it again; a distribution's file cannot be renamed")
}

fn wheel(path: &Path, file: &FileName) -> Result<Metadata, DistributionError> {
    let error = |why: &str| DistributionError::new(format!("`{}`: {why}", path.display()));
    let mut archive = WheelArchive::open(path)?;
    let stem = archive.dist_info().trim_end_matches(".dist-info");
    let (stated, version) = stem.rsplit_once('-').unwrap_or((stem, ""));
    if name::normalize(stated) != file.name() || version.replace('_', "-").parse().ok().as_ref() != Some(file.version())
    {
        return Err(error(&format!("its directory `{}` is of another distribution", archive.dist_info())));
    }
    for required in ["WHEEL", "RECORD"] {
        let required = format!("{}/{required}", archive.dist_info());
        if !archive.members().iter().any(|member| member.path == required) {
            return Err(error(&format!("it has no `{required}`")));
        }
    }
    for member in archive.members().to_vec() {
        archive.read(&member, |reader| io::copy(reader, &mut io::sink()))?;
    }
    archive.metadata()
}

fn sdist(path: &Path) -> Result<Metadata, DistributionError> {
    let error = |why: &str| DistributionError::new(format!("`{}`: {why}", path.display()));
    let file = File::open(path).map_err(|why| DistributionError::unreadable(path, &why))?;
    let size = file.metadata().map_err(|why| DistributionError::unreadable(path, &why))?.len();
    let tops = tops(file, size).map_err(|why| error(&format!("it cannot be unpacked ({why})")))?;
    match tops.into_iter().collect::<Vec<_>>().as_slice() {
        [_] => Metadata::of_sdist(path),
        [] => Err(error("it is empty")),
        several => {
            Err(error(&format!("it must have one top directory, not {}: {}", several.len(), several.join(", "))))
        }
    }
}

/// The first components of all members' paths.
fn tops(file: File, size: u64) -> io::Result<BTreeSet<String>> {
    let limit = ALWAYS_FINE.max(size.saturating_mul(RATIO));
    let mut archive = tar::Archive::new(Limited { inner: GzDecoder::new(file), left: limit });
    let mut tops = BTreeSet::new();
    for (number, entry) in archive.entries()?.enumerate() {
        let entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let kind = entry.header().entry_type();
        if number == MEMBERS {
            return Err(io::Error::other(format!("it has more than {MEMBERS} members")));
        }
        if matches!(kind, tar::EntryType::XGlobalHeader) {
            continue;
        }
        if !is_safe(path.trim_end_matches('/')) {
            return Err(io::Error::other(format!("its member `{path}` leaves the archive's directory")));
        }
        if !(kind.is_file() || kind.is_dir() || kind.is_symlink() || kind.is_hard_link()) {
            return Err(io::Error::other(format!("its member `{path}` is a device or a pipe")));
        }
        if let Some(target) = entry.link_name()? {
            let target = target.to_string_lossy().into_owned();
            let base = if kind.is_symlink() { path.rsplit_once('/').map_or("", |(parent, _)| parent) } else { "" };
            if leaves(base, &target) {
                return Err(io::Error::other(format!(
                    "its member `{path}` links to `{target}`, outside of the archive"
                )));
            }
        }
        tops.insert(path.split('/').next().unwrap_or_default().to_owned());
    }
    // What follows the end of the tar archive decides whether the compressed stream is whole.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok(tops)
}

/// Whether a link in the directory `base` leads out of the archive.
fn leaves(base: &str, target: &str) -> bool {
    let mut depth = base.split('/').filter(|part| !part.is_empty()).count();
    if target.starts_with('/') {
        return true;
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

/// Fails when a stream is longer than the limit.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: io::Read> io::Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| io::Error::other("it unpacks to too much"))?;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::python::test_wheel::{TestSdist, TestWheel};

    fn check_bytes(bytes: &[u8], name: &str) -> Result<Checked, String> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("upload");
        fs::write(&path, bytes).expect("written");
        check(&path, name).map_err(|error| error.to_string())
    }

    #[test]
    fn a_good_wheel_and_a_good_sdist_pass() {
        let wheel = TestWheel::new("Zope.Interface", "1.5.0").requires_python(">=3.9").bytes();
        let checked = check_bytes(&wheel, "zope_interface-1.5.0-py3-none-any.whl").expect("good");
        assert_eq!((checked.name.as_str(), checked.version.to_string().as_str()), ("zope-interface", "1.5.0"));
        assert_eq!(checked.metadata.requires_python.as_deref(), Some(">=3.9"));
        let sdist = TestSdist::new("money", "1.5.0").bytes();
        assert_eq!(check_bytes(&sdist, "money-1.5.0.tar.gz").expect("good").name, "money");
    }

    #[test]
    fn a_name_that_contradicts_the_metadata_is_refused() {
        let wheel = TestWheel::new("money", "1.5.0").bytes();
        let error = check_bytes(&wheel, "money-1.6.0-py3-none-any.whl").expect_err("another version");
        assert!(error.contains("`money-1.6.0-py3-none-any.whl`") && error.contains("another distribution"), "{error}");
        let wheel = TestWheel::new("money", "1.5.0").metadata("Name: money\nVersion: 1.6.0\n").bytes();
        let error = check_bytes(&wheel, "money-1.5.0-py3-none-any.whl").expect_err("another version");
        assert!(error.contains("their version is `1.6.0`, not `1.5.0`"), "{error}");
        let error = check_bytes(&TestSdist::new("money", "1").bytes(), "cents-1.tar.gz").expect_err("another name");
        assert!(error.contains("their name is `money`, not `cents`"), "{error}");
    }

    #[test]
    fn truncated_archives_are_refused() {
        let wheel = TestWheel::new("money", "1").bytes();
        let error = check_bytes(&wheel[..wheel.len() / 2], "money-1-py3-none-any.whl").expect_err("half a wheel");
        assert!(error.contains("truncated"), "{error}");
        let sdist = TestSdist::new("money", "1").bytes();
        let error = check_bytes(&sdist[..sdist.len() - 5], "money-1.tar.gz").expect_err("most of an sdist");
        assert!(error.contains("cannot be unpacked"), "{error}");
        assert!(check_bytes(b"", "money-1.tar.gz").is_err());
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let mut wheel = TestWheel::new("money", "1").stored().file("money/big.txt", "abcdefgh").bytes();
        let at = wheel.windows(8).position(|bytes| bytes == b"abcdefgh").expect("stored");
        wheel[at] = b'x';
        let error = check_bytes(&wheel, "money-1-py3-none-any.whl").expect_err("damaged");
        assert!(error.contains("`money/big.txt` is damaged"), "{error}");
    }

    #[test]
    fn members_that_leave_are_refused() {
        for path in ["../evil.py", "/etc/evil", "money/../../evil", "money\\evil", "C:/evil"] {
            let wheel = TestWheel::new("money", "1").file(path, "x").bytes();
            let error = check_bytes(&wheel, "money-1-py3-none-any.whl").expect_err(path);
            assert!(error.contains("leaves the archive's directory"), "{error}");
        }
        let sdist = TestSdist::new("money", "1").link("money-1/passwd", "/etc/passwd").bytes();
        assert!(check_bytes(&sdist, "money-1.tar.gz").expect_err("a link").contains("outside of the archive"));
        let sdist = TestSdist::new("money", "1").link("money-1/a/b", "../../../x").bytes();
        assert!(check_bytes(&sdist, "money-1.tar.gz").expect_err("a link").contains("outside of the archive"));
        let sdist = TestSdist::new("money", "1").link("money-1/a/b", "../c").bytes();
        assert!(check_bytes(&sdist, "money-1.tar.gz").is_ok());
    }

    #[test]
    fn bombs_are_refused() {
        let zeros = "\0".repeat(80 << 20);
        let wheel = TestWheel::new("money", "1").file("money/zeros", &zeros).bytes();
        let error = check_bytes(&wheel, "money-1-py3-none-any.whl").expect_err("a bomb");
        assert!(error.contains("unpacks to"), "{error}");
    }

    #[test]
    fn an_sdist_has_one_top_directory() {
        let sdist = TestSdist::new("money", "1").file("other/x", "").bytes();
        let error = check_bytes(&sdist, "money-1.tar.gz").expect_err("two");
        assert!(error.contains("one top directory, not 2: money-1, other"), "{error}");
    }
}
