//! Payload digests: what a distribution is, apart from the version under which it was built.

use std::{io, io::Read, path::Path};

use pep440_rs::{PrereleaseKind, Version};

use crate::python::{
    DistributionError, FileName,
    wheel_archive::{Member, WheelArchive},
};
use crate::support::{Digest, Hasher};

/// What stands where a version was.
const MASK: &str = "\u{1}version\u{1}";

/// The payload digest of a distribution: for a wheel, of its sorted members (path, executable or not, bytes), with its own
/// version masked in the names of its `.dist-info` and `.data` directories and in the `Version` line of `METADATA`, without
/// `RECORD` and its signatures, and with `masked` (path, version) masked in the contents of the files that a build stamped;
/// for an sdist, of the bytes.
///
/// A masked path is the member's (`money/_version.py`) or the source tree's (`src/money/_version.py`). Its version is masked
/// as it stands there and as a generated `version_tuple` writes it: `(1, 5, 0, "dev3")`.
///
/// # Errors
/// When the file is not a distribution, or is damaged.
pub fn digest(path: &Path, masked: &[(String, String)]) -> Result<Digest, DistributionError> {
    let file: FileName = path.file_name().unwrap_or_default().to_string_lossy().parse()?;
    of_named(path, &file, masked)
}

/// The same, of a file that lies under another name than its own.
///
/// # Errors
/// When the file is damaged.
pub(crate) fn of_named(path: &Path, file: &FileName, masked: &[(String, String)]) -> Result<Digest, DistributionError> {
    match file {
        FileName::Wheel(_) => wheel(path, masked),
        FileName::Sdist(_) => Digest::of_file(path).map_err(|error| DistributionError::unreadable(path, &error)),
    }
}

fn wheel(path: &Path, masked: &[(String, String)]) -> Result<Digest, DistributionError> {
    let mut archive = WheelArchive::open(path)?;
    let info = archive.dist_info().to_owned();
    let stem = info.trim_end_matches(".dist-info").to_owned();
    let name = stem.rsplit_once('-').map_or(stem.as_str(), |(name, _)| name).to_owned();
    let mut members: Vec<(String, Member)> = archive
        .members()
        .iter()
        .filter(|member| !is_record(&member.path, &info))
        .map(|member| {
            let path = match member.path.split_once('/') {
                Some((top, rest)) if top == info => format!("{name}.dist-info/{rest}"),
                Some((top, rest)) if top.strip_suffix(".data") == Some(&stem) => format!("{name}.data/{rest}"),
                _ => member.path.clone(),
            };
            (path, member.clone())
        })
        .collect();
    members.sort_by(|a, b| a.0.cmp(&b.0));
    let mut hasher = Hasher::new();
    hasher.part("wheel 1");
    for (path, member) in members {
        hasher.part(&path).part(if member.executable { "executable" } else { "plain" });
        let versions = versions_in(&member.path, masked);
        if member.path == format!("{info}/METADATA") {
            let bytes = archive.read(&member, whole)?;
            hasher.part(mask_metadata(&bytes));
        } else if versions.is_empty() {
            let (digest, _) = archive.read(&member, |reader| Digest::of_reader(reader))?;
            hasher.part(digest.bytes());
        } else {
            let text = String::from_utf8_lossy(&archive.read(&member, whole)?).into_owned();
            hasher.part(versions.iter().fold(text, |text, version| text.replace(version.as_str(), MASK)));
        }
    }
    Ok(hasher.finish())
}

fn whole(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_record(path: &str, info: &str) -> bool {
    path.strip_prefix(info).is_some_and(|rest| matches!(rest, "/RECORD" | "/RECORD.jws" | "/RECORD.p7s"))
}

/// `METADATA` with its first `Version` header masked; everything else, the description included, counts.
fn mask_metadata(bytes: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(bytes.len());
    let mut in_headers = true;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        in_headers &= !line.trim_ascii().is_empty();
        if in_headers && line.len() >= 8 && line[..8].eq_ignore_ascii_case(b"version:") {
            masked.extend_from_slice(b"Version: ");
            masked.extend_from_slice(MASK.as_bytes());
            masked.push(b'\n');
        } else {
            masked.extend_from_slice(line);
        }
    }
    masked
}

/// What is to be masked in a member: longest first, so that no part of a version is masked before the whole.
fn versions_in(member: &str, masked: &[(String, String)]) -> Vec<String> {
    let is_it = |path: &str| path == member || path.strip_suffix(member).is_some_and(|head| head.ends_with('/'));
    let mut versions: Vec<String> = masked
        .iter()
        .filter(|(path, version)| is_it(path) && !version.is_empty())
        .flat_map(|(_, version)| {
            let tuples = version.parse().ok().map(|version| [tuple(&version, '\''), tuple(&version, '"')]);
            std::iter::once(version.clone()).chain(tuples.into_iter().flatten())
        })
        .collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.len()));
    versions
}

/// How version tools write a version as a tuple: `(1, 5, 0, 'dev3')`.
fn tuple(version: &Version, quote: char) -> String {
    let mut parts: Vec<String> = version.release().iter().map(u64::to_string).collect();
    if let Some(pre) = version.pre() {
        let kind = match pre.kind {
            PrereleaseKind::Alpha => "a",
            PrereleaseKind::Beta => "b",
            PrereleaseKind::Rc => "rc",
        };
        parts.push(format!("{quote}{kind}{}{quote}", pre.number));
    }
    if let Some(post) = version.post() {
        parts.push(format!("{quote}post{post}{quote}"));
    }
    if let Some(dev) = version.dev() {
        parts.push(format!("{quote}dev{dev}{quote}"));
    }
    let local: Vec<String> = version.local().iter().map(ToString::to_string).collect();
    if !local.is_empty() {
        parts.push(format!("{quote}{}{quote}", local.join(".")));
    }
    format!("({})", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::python::test_wheel::TestWheel;

    fn payload(wheel: &TestWheel, masked: &[(&str, &str)]) -> Digest {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(wheel.file_name());
        fs::write(&path, wheel.bytes()).expect("written");
        let masked: Vec<_> = masked.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        digest(&path, &masked).expect("a payload")
    }

    #[test]
    fn the_version_does_not_count() {
        let of = |version: &str| payload(&TestWheel::new("money", version), &[]);
        assert_eq!(of("1.5.0.dev1"), of("1.5.0.dev2+d12345678"));
    }

    #[test]
    fn compression_does_not_count() {
        let wheel = TestWheel::new("money", "1");
        assert_eq!(payload(&wheel, &[]), payload(&wheel.clone().stored(), &[]));
    }

    #[test]
    fn paths_modes_bytes_and_other_metadata_count() {
        let plain = TestWheel::new("money", "1");
        let others = [
            plain.clone().file("money/b.py", ""),
            plain.clone().file("money/c.py", ""),
            plain.clone().file("money/b.py", "x"),
            plain.clone().file_with_mode("money/b.py", "", 0o755),
            plain.clone().requires_python(">=3.9"),
            plain.clone().metadata("Name: money\nVersion: 1\n\nVersion: in the description\n"),
            plain.clone().metadata("Name: money\nVersion: 1\n\nVersion: another description\n"),
        ];
        let mut digests: Vec<Digest> = others.iter().chain([&plain]).map(|wheel| payload(wheel, &[])).collect();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), others.len() + 1);
    }

    #[test]
    fn a_stamped_file_is_masked_by_the_path_in_the_wheel_or_in_the_source() {
        let of = |version: &str, tuple: &str, path: &str| {
            let text = format!("__version__ = '{version}'\nversion_tuple = {tuple}\n");
            payload(&TestWheel::new("money", version).file("money/_version.py", &text), &[(path, version)])
        };
        let one = of("1.5.0.dev1", "(1, 5, 0, 'dev1')", "money/_version.py");
        assert_eq!(one, of("1.5.0.dev12", "(1, 5, 0, 'dev12')", "src/money/_version.py"));
        assert_ne!(one, of("1.5.0.dev12", "(1, 5, 0, 'dev12')", "src/other/_version.py"));
        assert_ne!(one, of("1.5.0.dev12", "('other',)", "money/_version.py"));
    }
}
