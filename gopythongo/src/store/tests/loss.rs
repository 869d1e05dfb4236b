//! A store after a power loss at any moment, and on a disk that is full at any of its writes.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use super::{crashes::seen, *};
use crate::{
    store::{DebRelease, disk::Disk},
    support::operations::{
        loss::{Image, images, restore, synced},
        tape::{Full, Operation, Tape, on_full_disks},
    },
};

/// One thing that runs do to a store, which may be done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Reserve(&'static str),
    Stage(&'static str),
    Promote(&'static str),
}

/// Two runs, one after the other.
const ACTS: [Act; 6] = [
    Act::Reserve("r1"),
    Act::Stage("r1"),
    Act::Promote("r1"),
    Act::Reserve("r2"),
    Act::Stage("r2"),
    Act::Promote("r2"),
];

/// What a run is given, and stages.
fn version(run: &str) -> String {
    format!("1.5.0.dev{}", &run[1..])
}

/// What the two runs stage: made elsewhere, so that nothing of it counts.
static STAGED: LazyLock<[([Release; 2], DebRelease); 2]> = LazyLock::new(|| {
    ["r1", "r2"].map(|run| {
        let (_elsewhere, other) = new_store();
        let releases = ["money", "catalog"].map(|package| release(&other, package, &version(run), run));
        (releases, debs::deb(&other, "shop", &version(run), run))
    })
});

impl Act {
    fn does(self, store: &Store) -> Result<(), String> {
        let words = |error: &dyn fmt::Display| error.to_string();
        match self {
            Self::Reserve(run) => {
                let given = store.reserve(run, "money", &dev(1)).map_err(|error| words(&error))?;
                assert_eq!(given.to_string(), version(run), "everybody has a number of his own");
            }
            Self::Stage(run) => {
                let (releases, deb) = STAGED[usize::from(run == "r2")].clone();
                for package in ["money", "catalog", "shop"] {
                    let bytes = format!("{package} {} {run}", version(run));
                    store.blobs().put(bytes.as_bytes()).map_err(|error| words(&error))?;
                }
                store.stage(run, "develop").map_err(|error| words(&error))?;
                let change = |stage: &mut crate::store::Stage| {
                    stage.staged.extend(["money", "catalog"].map(str::to_owned).into_iter().zip(releases));
                    stage.debs.insert("shop".to_owned(), deb);
                };
                store.update_stage(run, change).map_err(|error| words(&error))?;
            }
            Self::Promote(run) => {
                store.promote(run).map_err(|error| words(&error))?;
            }
        }
        Ok(())
    }

    /// Whether what somebody was told is true.
    fn is_done(self, store: &Store) -> bool {
        match self {
            Self::Reserve(run) => store.reserve(run, "money", &dev(1)).expect("space").to_string() == version(run),
            Self::Stage(run) => {
                let stage = store.staged(run).expect("readable").expect("it has one");
                stage.staged.len() == 2 && stage.debs.len() == 1
            }
            Self::Promote(run) => store.promoted(run).expect("readable").is_some(),
        }
    }
}

/// A store whose repository nobody signs.
fn open(top: &Path) -> Result<Store, StoreError> {
    let directory = top.join("state/store");
    Store::open(&directory)?;
    Ok(Store::on(&directory, Arc::new(Disk::new(&directory).on_path(""))))
}

/// What holds after so many acts, at any moment of the next one: all that was promised, and nothing half.
fn holds(store: &Store, done: usize) {
    for act in &ACTS[..done] {
        assert!(act.is_done(store), "{act:?} is lost");
    }
    let promoted = ACTS[..done].iter().filter(|act| matches!(act, Act::Promote(_))).count() as u64;
    let current = store.current().expect("readable").number;
    let is_next = matches!(ACTS.get(done), Some(Act::Promote(_)));
    assert!(current == promoted || (current == promoted + 1 && is_next), "{current} after {promoted} promotions");
    for number in 1..=current {
        let generation = store.generation(number).expect("it was current");
        let releases = generation.channels["develop"].packages.values().flatten();
        for digest in releases.flat_map(Release::blobs) {
            assert_eq!(Digest::of_file(&store.blobs().path(&digest)).expect("its bytes"), digest);
        }
    }
    if current > 0 {
        assert_eq!(seen(store), current);
    }
}

/// Does what is left to be done.
fn go_on(store: &Store, done: usize) {
    for act in &ACTS[done..] {
        if let Err(error) = act.does(store) {
            // bytes that were staged and not promoted may be lost: a new run stages them again
            let Act::Promote(run) = act else { panic!("{act:?}: {error}") };
            let is_loss = error.contains("/blobs/") && (error.contains("damaged") || error.contains("No such file"));
            assert!(is_loss, "{error}");
            Act::Stage(run).does(store).expect("space");
            // what else is damaged is found when it is looked at
            while let Err(error) = act.does(store) {
                assert!(error.contains("is removed"), "{error}");
                Act::Stage(run).does(store).expect("space");
            }
        }
    }
    holds(store, ACTS.len());
    assert_eq!(store.reserve("r3", "money", &dev(1)).expect("space").to_string(), "1.5.0.dev3");
}

/// How many acts were over before so many operations.
fn told(operations: &[Operation]) -> usize {
    operations.iter().filter(|operation| matches!(operation, Operation::Told(_))).count()
}

pub(super) fn recorded(top: &Path) -> Vec<Operation> {
    let tape = Tape::of(top);
    let store = open(top).expect("space");
    for act in ACTS {
        act.does(&store).expect("space");
        tape.told(&format!("{act:?}"));
    }
    tape.operations()
}

/// A directory in memory where there is one: nothing of these tests has to survive.
pub(super) fn quick_directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).expect("a directory")
}

#[test]
fn a_power_loss_at_any_moment_takes_nothing_that_was_promised_and_leaves_nothing_half() {
    const SEED: u64 = 20_261_123;
    let directory = quick_directory();
    let operations = recorded(directory.path());
    let all = images(directory.path(), &operations, 2, SEED);
    println!("{} operations, {} images, seed {SEED}", operations.len(), all.len());
    assert!(operations.len() > 100 && all.len() > 500);
    for (number, (after, image)) in all.iter().enumerate() {
        let goes_on = number % 6 == 0;
        if !survives(image, told(&operations[..*after]), goes_on) {
            let last = &operations[after.saturating_sub(4)..*after];
            panic!("image {number}, {after} operations, of which the last are {last:#?}: {:#?}", image.keys());
        }
    }
}

/// Whether a store keeps what it promised after so many acts, and can be used further.
fn survives(image: &Image, done: usize, goes_on: bool) -> bool {
    let directory = quick_directory();
    restore(image, directory.path());
    let survived = std::panic::catch_unwind(|| {
        let store = open(directory.path()).expect("whole at any time");
        holds(&store, done);
        if goes_on {
            go_on(&store, done);
        }
    });
    survived.is_ok()
}

#[test]
fn a_store_that_left_out_one_sync_would_not_survive() {
    let directory = quick_directory();
    let operations = recorded(directory.path());
    let is_of = |operation: &Operation, end: &str| match operation {
        Operation::Sync(path) => path.ends_with(end),
        _ => false,
    };
    for left_out in ["state/store", "generations", "blobs", "stages", "allocations.ndjson", "by-hash/SHA256", "pool"] {
        assert!(operations.iter().any(|operation| is_of(operation, left_out)), "{left_out}");
        let without: Vec<_> = operations.iter().filter(|operation| !is_of(operation, left_out)).cloned().collect();
        let all = images(directory.path(), &without, 0, 0);
        let is_lost = |(after, image): &(usize, Image)| !survives(image, told(&without[..*after]), false);
        assert!(all.iter().rev().any(is_lost), "the sync of {left_out} is not needed");
    }
}

#[test]
fn a_disk_that_is_full_at_any_write_is_said_and_with_room_the_store_goes_on() {
    // full for a moment at each write, and at every fifth for good
    let faults = (0..).flat_map(|number| [Some(Full::At(number)), (number % 5 == 0).then_some(Full::From(number))]);
    let mut looked = 0;
    let disks = on_full_disks(
        faults.flatten(),
        quick_directory,
        |directory, _| {
            let mut done = 0;
            let stopped = open(directory).map_err(|error| error.to_string()).and_then(|store| {
                for act in ACTS {
                    act.does(&store)?;
                    done += 1;
                }
                Ok(())
            });
            (done, stopped)
        },
        |directory, full, (done, stopped)| {
            if let Err(error) = stopped {
                assert!(error.contains("No space left on device"), "{full:?}: {error}");
                assert!(error.contains(&format!("`{}", directory.display())), "{full:?}: {error}");
            }
            let store = open(directory).expect("there is room again");
            holds(&store, done);
            looked += 1;
            if looked % 6 == 0 {
                go_on(&store, done);
            }
        },
    );
    println!("{disks} full disks");
    assert!(disks > 100);
}

#[test]
fn what_a_promotion_that_failed_left_is_brought_to_the_disk_by_the_next() {
    let directory = quick_directory();
    let count = recorded(directory.path()).len();
    for number in (0..count).step_by(29) {
        let directory = quick_directory();
        let tape = Tape::full(directory.path(), Full::At(number));
        let store = (0..2).find_map(|_| open(directory.path()).ok()).expect("it is full once");
        for act in ACTS {
            let _ = act.does(&store).or_else(|_| act.does(&store)).or_else(|_| act.does(&store));
            tape.told(&format!("{act:?}"));
        }
        let operations = tape.operations();
        drop(tape);
        let image = synced(directory.path(), &operations);
        assert!(survives(&image, ACTS.len(), true), "full at {number}");
    }
}
