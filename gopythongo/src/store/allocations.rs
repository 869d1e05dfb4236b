//! Which versions builds were given, and what payloads they got: JSON lines, each synced. Who writes holds the store's lock.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use pep440_rs::Version;
use serde::{Deserialize, Serialize};

use super::{StoreError, deb_series::DebSeries, series::Series};
use crate::{
    support::{Digest, operations},
    version::{Numbering, VersionPlan},
};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "record")]
pub(super) enum Allocation {
    /// A run was given a version; nobody else gets its number.
    Reserved {
        run: String,
        package: String,
        base: Version,
        numbering: Numbering,
        /// The number that the plan wanted.
        wanted: u64,
        /// The number that it was given.
        number: u64,
        local: Option<String>,
        version: Version,
    },
    /// A version's payload is known.
    Settled { run: String, package: String, version: Version, payload: Digest, commit: Option<String> },
    /// A run's Debian package was given a version; nobody else gets its number.
    Deb {
        run: String,
        package: String,
        /// The application's version.
        upstream: Version,
        payload: Digest,
        version: String,
        commit: Option<String>,
    },
}

impl Allocation {
    /// The version that this run was given for the same plan before.
    pub(super) fn answers(&self, asker: &str, name: &str, plan: &VersionPlan) -> Option<&Version> {
        match self {
            Self::Reserved { run, package, base, numbering, wanted, local, version, .. } => (run == asker
                && package == name
                && *base == plan.base
                && *numbering == plan.numbering
                && *wanted == plan.number
                && *local == plan.local)
                .then_some(version),
            Self::Settled { .. } | Self::Deb { .. } => None,
        }
    }

    /// The version that this run was given for the same Debian package before.
    pub(super) fn answers_deb(&self, asker: &str, name: &str, wanted: &Version, content: &Digest) -> Option<&String> {
        match self {
            Self::Deb { run, package, upstream, payload, version, .. } => {
                (run == asker && package == name && upstream == wanted && payload == content).then_some(version)
            }
            Self::Reserved { .. } | Self::Settled { .. } => None,
        }
    }

    /// The number that this takes out of a series of a Debian package.
    pub(super) fn takes_deb(&self, name: &str, series: &DebSeries) -> Option<u64> {
        match self {
            Self::Deb { package, version, .. } if package == name => series.number(version),
            _ => None,
        }
    }

    /// The number that this takes out of a series of a package.
    pub(super) fn takes(&self, name: &str, series: &Series) -> Option<u64> {
        let (package, version) = match self {
            Self::Reserved { package, version, .. } | Self::Settled { package, version, .. } => (package, version),
            Self::Deb { .. } => return None,
        };
        if package != name {
            return None;
        }
        let (own, number) = Series::of(version);
        number.filter(|_| own == *series)
    }
}

/// The file, open for reading all and appending.
pub(super) struct Allocations {
    path: PathBuf,
    file: File,
    /// Where the next line goes; a torn line may stand there.
    end: u64,
}

impl Allocations {
    /// Opens the file, making it if it is missing, and reads it. A last line without an end, or without all of its blocks, is
    /// what a crash left of a record that nobody was told of; it is overwritten.
    ///
    /// # Errors
    /// When it cannot be made or read, or a line before its end is damaged.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Allocation>), StoreError> {
        let cannot_open = || StoreError::io("cannot open", path);
        let new = !path.exists();
        let mut file = operations::open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
            .map_err(cannot_open())?;
        if let Some(directory) = path.parent().filter(|_| new) {
            operations::sync(directory).map_err(cannot_open())?;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(StoreError::io("cannot read", path))?;
        let after_last = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let mut end = after_last(&bytes);
        let last = after_last(&bytes[..end.saturating_sub(1)]);
        if bytes[last..end].contains(&0) {
            end = last;
        }
        let records = bytes[..end]
            .split_inclusive(|byte| *byte == b'\n')
            .enumerate()
            .map(|(index, line)| {
                serde_json::from_slice(line).map_err(|error| {
                    StoreError::new(format!("`{}` is damaged in line {}: {error}", path.display(), index + 1))
                })
            })
            .collect::<Result<_, _>>()?;
        Ok((Self { path: path.to_owned(), file, end: end as u64 }, records))
    }

    /// Appends a record and brings it to the disk.
    ///
    /// # Errors
    /// When it cannot be written; the file is then as it was.
    pub(super) fn append(&mut self, record: &Allocation) -> Result<(), StoreError> {
        let path = &self.path;
        let write = |file: &mut File, end: u64| -> io::Result<u64> {
            let mut line = serde_json::to_vec(record)?;
            line.push(b'\n');
            operations::cut(file, path, end)?;
            file.seek(SeekFrom::Start(end))?;
            operations::write(file, path, &line)?;
            operations::sync_file(file, path)?;
            Ok(end + line.len() as u64)
        };
        match write(&mut self.file, self.end) {
            Ok(end) => {
                self.end = end;
                Ok(())
            }
            Err(error) => {
                // What is left of the line has no end, so that the next one to open the file overwrites it anyway.
                let _ = operations::cut(&self.file, path, self.end);
                Err(StoreError::io("cannot write", path)(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn record(number: u64) -> Allocation {
        Allocation::Settled {
            run: "r1".to_owned(),
            package: "money".to_owned(),
            version: format!("1.5.0.dev{number}").parse().expect("a version"),
            payload: Digest::of("payload"),
            commit: None,
        }
    }

    #[test]
    fn a_torn_tail_is_dropped_and_overwritten() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("allocations.ndjson");
        let (mut allocations, found) = Allocations::open(&path).expect("a new file");
        assert_eq!(found, []);
        allocations.append(&record(1)).expect("space");
        allocations.append(&record(2)).expect("space");
        let whole = fs::read(&path)?;
        let first = whole.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
        for torn in first..whole.len() {
            fs::write(&path, &whole[..torn])?;
            let (mut allocations, found) = Allocations::open(&path).expect("a torn tail is no damage");
            assert_eq!(found, [record(1)]);
            allocations.append(&record(3)).expect("space");
            let (_, found) = Allocations::open(&path).expect("a whole file");
            assert_eq!(found, [record(1), record(3)]);
        }
        Ok(())
    }

    #[test]
    fn damage_before_the_tail_is_an_error_that_names_the_line() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("allocations.ndjson");
        let (mut allocations, _) = Allocations::open(&path).expect("a new file");
        allocations.append(&record(1)).expect("space");
        let mut bytes = fs::read(&path)?;
        bytes.extend_from_slice(b"nonsense\n");
        fs::write(&path, bytes)?;
        let error = Allocations::open(&path).err().expect("damage").message;
        assert!(error.starts_with(&format!("`{}` is damaged in line 2", path.display())), "{error}");
        Ok(())
    }
}
