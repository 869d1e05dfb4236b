//! The journal's file: JSON lines, each with a sequence number and a checksum, all synced but those of pure steps.
//!
//! `{"seq":1,"sum":"<8 hex>","record":{…}}`, where the sum is the beginning of the SHA-256 digest of number and record.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, BufRead},
    path::{Path, PathBuf},
};

use super::{Fault, Record};
use crate::{
    plan::StepId,
    run::Receipt,
    support::{Hasher, operations},
};

/// A journal that is being written. Only one program may: the run's lock sees to that.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// The sequence number of the last record; the first one is 1.
    last: u64,
    /// Bytes of whole records.
    length: u64,
    /// Whether something may follow them that was not written to its end.
    torn: bool,
}

/// A journal's first line, and what it says: the plan, which takes longer to read than all that follows. Whoever wrote it,
/// and knows both, need not read it again.
#[derive(Debug)]
pub(crate) struct Beginning {
    line: Vec<u8>,
    record: Record,
}

/// A journal that cannot be read or written.
#[derive(Debug)]
pub struct JournalError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "journal `{}`: {}", self.path.display(), self.message)
    }
}

impl std::error::Error for JournalError {}

impl Journal {
    /// Makes a new journal, or opens one to go on: a torn tail is truncated, damage elsewhere is an error. Gives the records
    /// but the results of pure steps, which the cache knows better.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is damaged before its tail.
    pub fn open(path: &Path) -> Result<(Self, Vec<Record>), JournalError> {
        Self::open_after(path, None)
    }

    /// The same of a journal whose beginning may be known.
    pub(crate) fn open_after(path: &Path, known: Option<&Beginning>) -> Result<(Self, Vec<Record>), JournalError> {
        let damaged = |message| JournalError { path: path.to_owned(), message };
        let Parsed { records, last, length } = match fs::read(path) {
            Ok(bytes) => parse(&bytes, Self::is_told, known).map_err(damaged)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Parsed::default(),
            Err(error) => return Err(failed("cannot read", path)(error)),
        };
        let file = Self::make(path, length).map_err(failed("cannot write", path))?;
        Ok((Self { path: path.to_owned(), file, last, length, torn: false }, records))
    }

    /// Whether whoever goes on with a run is told of a record.
    fn is_told(record: &str) -> bool {
        !record.starts_with("{\"result\":")
    }

    /// Half a record of an earlier attempt would be damage in the middle.
    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            operations::cut(&self.file, &self.path, self.length)?;
            self.torn = false;
        }
        Ok(())
    }

    fn make(path: &Path, length: u64) -> io::Result<File> {
        let directory = path.parent().ok_or_else(|| io::Error::other("a path without a directory"))?;
        let mut changed = operations::make_directories(directory)?;
        if !path.exists() {
            // of a new run: `runs/ID` in `runs` in the state directory
            changed.extend(directory.ancestors().skip(1).take(2).filter(|above| above.is_dir()).map(Path::to_owned));
        }
        let file = operations::open(path, OpenOptions::new().append(true).create(true))?;
        operations::cut(&file, path, length)?;
        // this first: a file system that keeps a journal writes it once for all
        operations::sync(path)?;
        operations::sync(directory)?;
        changed.iter().try_for_each(|above| operations::sync(above))?;
        Ok(file)
    }

    /// Reads a journal without taking it over; a torn tail is left out.
    ///
    /// # Errors
    /// When the file cannot be read, or is damaged before its tail.
    pub fn read(path: &Path) -> Result<Vec<Record>, JournalError> {
        let bytes = fs::read(path).map_err(failed("cannot read", path))?;
        let parsed =
            parse(&bytes, |_| true, None).map_err(|message| JournalError { path: path.to_owned(), message })?;
        Ok(parsed.records)
    }

    /// The receipts in a journal, by step, in their order; what else is in it is not looked at.
    ///
    /// # Errors
    /// When the file cannot be read, or a receipt is damaged.
    pub(crate) fn receipts(path: &Path) -> Result<Vec<(StepId, Receipt)>, JournalError> {
        let text = fs::read_to_string(path).map_err(failed("cannot read", path))?;
        let lines = text.lines().filter_map(|line| line.split_once(",\"record\":")?.1.strip_suffix('}'));
        let receipts = lines.filter(|record| record.starts_with("{\"receipt\":"));
        let parsed = receipts.map(|record| match serde_json::from_str(record) {
            Ok(Record::Receipt { step, receipt }) => Ok((step, receipt)),
            Ok(_) => Err(JournalError { path: path.to_owned(), message: "a receipt is none".to_owned() }),
            Err(error) => Err(failed("cannot understand", path)(error.into())),
        });
        parsed.collect()
    }

    /// Appends a record and syncs it, with those that were [noted](Self::note).
    ///
    /// # Errors
    /// When it cannot be written; the journal is then as it was before.
    pub fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        self.write(record, operations::sync_file)
    }

    /// Appends a record that a power loss may take: of a pure step, which then runs again. Order is kept: whatever is
    /// appended later brings it to the disk first.
    ///
    /// # Errors
    /// When it cannot be written; the journal is then as it was before.
    pub fn note(&mut self, record: &Record) -> Result<(), JournalError> {
        self.write(record, |_, _| Ok(()))
    }

    fn write(&mut self, record: &Record, sync: fn(&File, &Path) -> io::Result<()>) -> Result<(), JournalError> {
        let line = line(self.last + 1, record).map_err(|error| failed("cannot write", &self.path)(error.into()))?;
        let cut = Fault::cut(self.last + 1, line.len());
        let bytes = &line[..cut.unwrap_or(line.len())];
        self.mend()
            .and_then(|()| operations::write(&mut self.file, &self.path, bytes))
            .and_then(|()| sync(&self.file, &self.path))
            .map_err(|error| {
                self.torn = true;
                // else before the next record
                let _ = self.mend();
                failed("cannot write", &self.path)(error)
            })?;
        if cut.is_some() {
            Fault::strike();
        }
        self.last += 1;
        self.length += line.len() as u64;
        Ok(())
    }
}

impl Beginning {
    /// Of a journal that was just written; `None` if it does not begin with this record.
    pub(crate) fn of(path: &Path, record: Record) -> Option<Self> {
        let bytes = fs::read(path).ok()?;
        let line = first_line(&bytes);
        let found = parse(line, |_| true, None).ok()?.records;
        (found.first() == Some(&record)).then(|| Self { line: line.to_owned(), record })
    }

    /// The bytes with which a journal begins.
    pub(crate) fn line(&self) -> &[u8] {
        &self.line
    }
}

fn failed<'a>(action: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> JournalError + 'a {
    move |error| JournalError { path: path.to_owned(), message: format!("{action} it: {error}") }
}

/// The line of a record, which may be megabytes with a plan in it: it is written once, and its sum is put in.
fn line(number: u64, record: &Record) -> serde_json::Result<Vec<u8>> {
    let head = format!("{{\"seq\":{number},\"sum\":\"");
    let mut line = format!("{head}........\",\"record\":").into_bytes();
    let begin = line.len();
    serde_json::to_writer(&mut line, record)?;
    let sum = sum(number, &line[begin..]);
    line[head.len()..head.len() + sum.len()].copy_from_slice(sum.as_bytes());
    line.extend(b"}\n");
    Ok(line)
}

fn sum(number: u64, record: impl AsRef<[u8]>) -> String {
    let mut hasher = Hasher::new();
    hasher.part(number.to_le_bytes()).part(record);
    hasher.finish().short(8)
}

/// What is in a journal.
#[derive(Default)]
struct Parsed {
    /// Those records that were asked for.
    records: Vec<Record>,
    /// The number of the last whole record.
    last: u64,
    /// How many bytes the whole records take. What follows them was never acknowledged.
    length: u64,
}

/// Reads the records whose JSON is wanted; looks at all of them.
fn parse(bytes: &[u8], wanted: fn(&str) -> bool, known: Option<&Beginning>) -> Result<Parsed, String> {
    let mut parsed = Parsed::default();
    let mut rest = bytes;
    if let Some(Beginning { line, record }) = known.filter(|known| bytes.starts_with(&known.line)) {
        parsed = Parsed { records: vec![record.clone()], last: 1, length: line.len() as u64 };
        rest = &bytes[line.len()..];
    }
    while !rest.is_empty() {
        let line = first_line(rest);
        rest = &rest[line.len()..];
        let number = parsed.last + 1;
        let damaged = |what: &str| format!("line {number} is damaged: {what}");
        let record = match line.strip_suffix(b"\n") {
            // Nobody was told that it is written, unless it is its end that was changed.
            None if checked(number, &line[..line.len() - 1]).is_err() => break,
            None => return Err(damaged("it does not end")),
            // A power loss may leave a line's length without all of its blocks, and those of later ones.
            Some(line) if line.contains(&0) && !was_synced(rest) => break,
            Some(line) => checked(number, line).map_err(damaged)?,
        };
        if wanted(record) {
            parsed.records.push(serde_json::from_str(record).map_err(|error| {
                format!("line {number} is whole, but this version of the program does not understand it: {error}")
            })?);
        }
        parsed.last = number;
        parsed.length += line.len() as u64;
    }
    Ok(parsed)
}

/// With its end, if it has one.
fn first_line(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    // reading bytes does not fail
    let length = rest.skip_until(b'\n').unwrap_or(bytes.len());
    &bytes[..length]
}

/// Whether one of these lines is a whole record that was synced: what is before it was, too. The last one may have been
/// written, and nobody told.
fn was_synced(lines: &[u8]) -> bool {
    let lines: Vec<&[u8]> = lines.split_inclusive(|byte| *byte == b'\n').collect();
    let whole = |line: &&[u8]| {
        let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
        let number = text.strip_prefix("{\"seq\":")?.split(',').next()?.parse().ok()?;
        Some(Journal::is_told(checked(number, text.as_bytes()).ok()?))
    };
    lines.split_last().is_some_and(|(_, before)| before.iter().any(|line| whole(line) == Some(true)))
}

/// The JSON of a line's record, if number and checksum are right.
fn checked(number: u64, line: &[u8]) -> Result<&str, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "it is not UTF-8")?;
    let rest = line.strip_prefix("{\"seq\":").ok_or("it is no record")?;
    let (seq, rest) = rest.split_once(",\"sum\":\"").ok_or("it is no record")?;
    let (found, rest) = rest.split_once("\",\"record\":").ok_or("it is no record")?;
    let record = rest.strip_suffix('}').ok_or("it is no record")?;
    if seq != number.to_string() {
        return Err("its sequence number is wrong");
    }
    if found != sum(number, record) {
        return Err("its checksum is wrong");
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(i: usize) -> Record {
        match i % 3 {
            0 => Record::Allocated { name: "money".to_owned(), version: format!("1.5.0.dev{i}") },
            1 => Record::Intent { step: "money/upload".to_owned(), about: "caf\u{e9}\n\"quoted\"".to_owned() },
            _ => Record::Receipt {
                step: "money/upload".to_owned(),
                receipt: Receipt {
                    target: "develop".to_owned(),
                    identifier: i.to_string(),
                    digests: [("money".to_owned(), "ab".to_owned())].into(),
                    found: false,
                },
            },
        }
    }

    /// A journal of five records, as bytes.
    fn journal(path: &Path) -> (Vec<Record>, Vec<u8>) {
        let records: Vec<Record> = (0..5).map(record).collect();
        let (mut journal, earlier) = Journal::open(path).expect("it is new");
        assert!(earlier.is_empty());
        for record in &records {
            journal.append(record).expect("it can be written");
        }
        (records, fs::read(path).expect("it is there"))
    }

    #[test]
    fn what_was_appended_is_read_again() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("runs/1/journal.ndjson");
        let (mut records, bytes) = journal(&path);
        assert!(bytes.starts_with(b"{\"seq\":1,\"sum\":\""), "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(Journal::read(&path).expect("it is whole"), records);
        let (mut journal, earlier) = Journal::open(&path).expect("it is whole");
        assert_eq!(earlier, records);
        journal.append(&record(5)).expect("it can be written");
        records.push(record(5));
        assert_eq!(Journal::read(&path).expect("it is whole"), records);
        Ok(())
    }

    #[test]
    fn every_truncation_leaves_the_whole_records_and_can_be_continued() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("journal.ndjson");
        let (records, bytes) = journal(&path);
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length])?;
            let whole = bytes[..length].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(Journal::read(&path).expect("only its tail is torn"), records[..whole]);
            let (mut journal, earlier) = Journal::open(&path).expect("only its tail is torn");
            assert_eq!(earlier, records[..whole], "after {length} bytes");
            journal.append(&records[whole]).expect("it can be written");
            assert_eq!(Journal::read(&path).expect("it is whole"), records[..=whole]);
        }
        Ok(())
    }

    #[test]
    fn every_flipped_bit_is_an_error_that_names_file_and_line() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("journal.ndjson");
        let (_, bytes) = journal(&path);
        for position in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1;
            fs::write(&path, &damaged)?;
            let error = Journal::open(&path).expect_err("it is damaged").to_string();
            let line = bytes[..position].iter().filter(|byte| **byte == b'\n').count() + 1;
            let start = format!("journal `{}`: line {line} is damaged: ", path.display());
            assert!(error.starts_with(&start), "byte {position}: {error}");
        }
        Ok(())
    }

    #[test]
    fn a_last_line_whose_blocks_were_lost_is_a_torn_tail() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("journal.ndjson");
        let (records, mut bytes) = journal(&path);
        let end = bytes.len() - 1;
        bytes[end - 20..end].fill(0);
        fs::write(&path, &bytes)?;
        assert_eq!(Journal::read(&path).expect("only its tail is torn"), records[..4]);
        Ok(())
    }

    #[test]
    fn a_missing_line_is_damage() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("journal.ndjson");
        let (_, bytes) = journal(&path);
        let first = bytes.iter().position(|byte| *byte == b'\n').expect("there are lines") + 1;
        fs::write(&path, &bytes[first..])?;
        let error = Journal::read(&path).expect_err("the first record is missing").to_string();
        assert!(error.ends_with("line 1 is damaged: its sequence number is wrong"), "{error}");
        Ok(())
    }
}
