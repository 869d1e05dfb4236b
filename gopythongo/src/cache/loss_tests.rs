//! A cache after a power loss at any moment, and on a disk that is full at any of its writes: it knows less, and nothing wrong.

use std::{collections::BTreeMap, fs, io, path::Path};

use super::{Cache, Lookup, Parts, blob_path};
use crate::{
    run::{Artifact, Outcome},
    support::{
        Digest,
        operations::{
            loss::{images, restore},
            tape::{Full, Tape, on_full_disks},
        },
    },
};

const STEPS: [&str; 3] = ["money/wheel", "catalog/wheel", "shop/wheel"];

fn key(step: &str) -> Parts {
    Parts::from_iter([("`a.py`", step)])
}

/// What a step leaves: its own name, as a file.
fn outcome(step: &str) -> Outcome {
    let artifact = Artifact { file: step.replace('/', "-"), digest: Digest::of(step), size: step.len() as u64 };
    Outcome { artifacts: BTreeMap::from([("wheel".to_owned(), artifact)]), ..Outcome::default() }
}

/// A step passes, and is remembered.
fn remember(cache: &Cache, step: &str) -> io::Result<()> {
    let elsewhere = tempfile::tempdir()?;
    let file = elsewhere.path().join(step.replace('/', "-"));
    fs::write(&file, step)?;
    let artifact = cache.put_artifact(&file)?;
    assert_eq!(artifact, outcome(step).artifacts["wheel"]);
    cache.store(step, &key(step), &outcome(step), "r1")
}

/// How many steps a cache knows; what it knows of them is right.
fn known(directory: &Path) -> usize {
    let cache = Cache::open(directory).expect("a cache");
    let hit = |step: &&&str| match cache.lookup(step, &key(step), "later") {
        Lookup::Hit { outcome: found, run } => {
            assert_eq!((found, run.as_str()), (outcome(step), "r1"));
            true
        }
        Lookup::Miss { .. } => false,
    };
    STEPS.iter().filter(hit).count()
}

/// Everything can be remembered again, and is then what it was.
fn is_filled_again(directory: &Path) {
    // the bytes of what was not synced may be others: whoever uses them looks, or this does
    Cache::verify(directory).expect("readable").expect("nobody uses it");
    let cache = Cache::open(directory).expect("a cache");
    for step in STEPS {
        remember(&cache, step).expect("space");
        assert_eq!(fs::read(blob_path(cache.blobs(), &Digest::of(step))).expect("its bytes"), step.as_bytes());
    }
    drop(cache);
    assert_eq!(known(directory), STEPS.len());
}

#[test]
fn a_power_loss_at_any_moment_leaves_misses_and_no_other_outcome() {
    const SEED: u64 = 20_261_123;
    let directory = tempfile::tempdir().expect("a directory");
    let tape = Tape::of(directory.path());
    let cache = Cache::open(&directory.path().join("cache")).expect("space");
    // locking it makes its directory, too, which is not what is looked at
    STEPS.iter().try_for_each(|step| remember(&cache, step)).expect("space");
    drop(cache);
    let mut operations = tape.operations();
    drop(tape);
    let above = ["cache", "cache/v2"].map(|path| directory.path().join(path));
    operations.splice(0..0, above.map(crate::support::operations::tape::Operation::MakeDirectory));
    let all = images(directory.path(), &operations, 4, SEED);
    println!("{} operations, {} images, seed {SEED}", operations.len(), all.len());
    let mut counts = BTreeMap::new();
    for (_, image) in all {
        let place = tempfile::tempdir().expect("a directory");
        restore(&image, place.path());
        *counts.entry(known(&place.path().join("cache"))).or_insert(0) += 1;
        is_filled_again(&place.path().join("cache"));
    }
    assert_eq!(counts.len(), 4, "some of them are known to none, some to all: {counts:?}");
}

#[test]
fn a_disk_that_is_full_at_any_write_is_said_and_with_room_the_cache_is_filled() {
    let disks = on_full_disks(
        (0..).flat_map(|number| [Full::At(number), Full::From(number)]),
        || tempfile::tempdir().expect("a directory"),
        |directory, _| {
            let mut done = 0;
            let stopped = Cache::open(&directory.join("cache")).and_then(|cache| {
                for step in STEPS {
                    remember(&cache, step)?;
                    done += 1;
                }
                Ok(())
            });
            (done, stopped)
        },
        |directory, full, (done, stopped)| {
            let place = directory.join("cache");
            let words = stopped.expect_err("it is full").to_string();
            assert!(words.contains("No space left on device"), "{full:?}: {words}");
            assert!(known(&place) >= done, "{full:?}: what was remembered is known");
            is_filled_again(&place);
        },
    );
    assert!(disks > 30, "{disks}");
}
