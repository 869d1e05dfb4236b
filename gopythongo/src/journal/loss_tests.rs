//! A journal after a power loss at any moment, and on a disk that is full at any of its writes.

use std::path::Path;

use super::{Journal, Record};
use crate::{
    run::{Outcome, Receipt},
    support::{
        Digest,
        operations::{
            loss::{images, restore},
            tape::{Full, Operation, Tape, on_full_disks},
        },
    },
};

/// What runs write: results that a power loss may take, and what it may not.
fn records() -> Vec<Record> {
    let result = |n: usize| Record::Result {
        step: format!("money/step{n}").as_str().into(),
        key: Digest::of([1]),
        outcome: Ok(Outcome { summary: Some("78 passed".repeat(n)), ..Outcome::default() }),
    };
    let intent = |n: usize| Record::Intent { step: "money/upload".into(), about: format!("upload {n}") };
    let receipt = |n: usize| Record::Receipt {
        step: "money/upload".into(),
        receipt: Receipt {
            target: "develop".to_owned(),
            identifier: n.to_string(),
            digests: [("money".to_owned(), "ab".to_owned())].into(),
            found: false,
        },
    };
    vec![
        Record::Allocated { name: "money".to_owned(), version: "1.5.0.dev1".to_owned() },
        result(1),
        result(2),
        result(3),
        intent(4),
        receipt(5),
        result(6),
        result(7),
        intent(8),
        receipt(9),
    ]
}

fn write(journal: &mut Journal, record: &Record) -> Result<(), super::JournalError> {
    match record {
        Record::Result { .. } => journal.note(record),
        _ => journal.append(record),
    }
}

#[test]
fn a_power_loss_at_any_moment_takes_no_record_that_was_synced() {
    const SEED: u64 = 20_261_123;
    let (directory, records) = (tempfile::tempdir().expect("a directory"), records());
    let path = directory.path().join("state/runs/r1/journal.ndjson");
    let tape = Tape::of(directory.path());
    let mut journal = Journal::open(&path).expect("it is new").0;
    for (number, record) in records.iter().enumerate() {
        if number == 7 {
            // a run that goes on
            journal = Journal::open(&path).expect("it is whole").0;
            tape.told("7");
        }
        write(&mut journal, record).expect("space");
        if !matches!(record, Record::Result { .. }) {
            tape.told(&(number + 1).to_string());
        }
    }
    let operations = tape.operations();
    drop(tape);
    let all = images(directory.path(), &operations, 8, SEED);
    println!("{} operations, {} images, seed {SEED}", operations.len(), all.len());
    assert!(all.len() > 50);
    for (after, image) in all {
        let place = tempfile::tempdir().expect("a directory");
        restore(&image, place.path());
        let told = operations[..after].iter().rev().find_map(|operation| match operation {
            Operation::Told(number) => number.parse::<usize>().ok(),
            _ => None,
        });
        is_continued(&place.path().join("state/runs/r1/journal.ndjson"), &records, told.unwrap_or_default(), after);
    }
}

/// What was promised is there, what else is there is a beginning of the rest, and the rest can be written.
fn is_continued(path: &Path, records: &[Record], promised: usize, after: usize) {
    let (mut journal, _) = Journal::open(path).unwrap_or_else(|error| panic!("after {after}: {error}"));
    let found = Journal::read(path).expect("its tail is gone");
    assert!(found.len() >= promised, "after {after}: {} of {promised} records", found.len());
    assert_eq!(found, records[..found.len()], "after {after}");
    for record in &records[found.len()..] {
        write(&mut journal, record).expect("space");
    }
    assert_eq!(Journal::read(path).expect("it is whole"), records);
}

#[test]
fn a_disk_that_is_full_at_any_write_is_said_and_with_room_the_journal_goes_on() {
    let records = records();
    let path = |directory: &Path| directory.join("runs/r1/journal.ndjson");
    let disks = on_full_disks(
        (0..).flat_map(|number| [Full::At(number), Full::From(number)]),
        || tempfile::tempdir().expect("a directory"),
        |directory, full| {
            let mut written = 0;
            let stopped = Journal::open(&path(directory)).and_then(|(mut journal, _)| {
                for record in &records {
                    let first = write(&mut journal, record);
                    if first.is_err() {
                        // the same program may try again
                        let again = write(&mut journal, record);
                        assert_eq!(again.is_ok(), matches!(full, Full::At(_)), "{full:?}");
                        again?;
                    }
                    written += 1;
                }
                Ok(())
            });
            (written, stopped)
        },
        |directory, full, (written, stopped)| {
            let (Full::At(number) | Full::From(number)) = full;
            let path = path(directory);
            if let Err(error) = stopped {
                let words = error.to_string();
                let expected = format!("journal `{}`: cannot write it: No space left", path.display());
                assert!(words.starts_with(&expected), "{words}");
            }
            is_continued(&path, &records, written, number);
        },
    );
    assert!(disks > 40, "{disks}");
}

#[test]
fn a_hole_before_a_record_that_was_synced_is_damage() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("journal.ndjson");
    let mut journal = Journal::open(&path).expect("it is new").0;
    for record in &records()[..6] {
        write(&mut journal, record).expect("space");
    }
    let mut bytes = std::fs::read(&path).expect("it is there");
    let second = bytes.iter().position(|byte| *byte == b'\n').expect("lines") + 1;
    bytes[second + 20..second + 60].fill(0);
    std::fs::write(&path, &bytes).expect("space");
    let error = Journal::open(&path).expect_err("a receipt follows").to_string();
    assert!(error.contains("line 2 is damaged"), "{error}");
}
