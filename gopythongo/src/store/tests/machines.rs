//! Several machines that share their generations.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, thread};

use tempfile::TempDir;

use super::{promote, resolve, stage};
use crate::{
    context::SecretError,
    shared::{SharedDirectory, SharedState},
    store::{PromoteError, Store},
};

/// What machines share, and a place for each of them.
struct Machines {
    shared: TempDir,
    own: TempDir,
}

impl Machines {
    fn new() -> Self {
        Self { shared: tempfile::tempdir().expect("a directory"), own: tempfile::tempdir().expect("a directory") }
    }

    fn state(&self) -> Arc<SharedState> {
        let place = SharedDirectory::new(self.shared.path().join("place")).into();
        fs::create_dir_all(self.shared.path().join("place")).expect("made");
        Arc::new(SharedState::new(place, "storefront", Path::new("/"), |from| {
            Err(SecretError { message: from.to_string(), hint: None, is_passing: false })
        }))
    }

    /// A run on a machine.
    fn run(&self, machine: &str) -> (Store, Arc<SharedState>) {
        let state = self.state();
        (Store::open_shared(&self.own.path().join(machine), state.clone()).expect("a store"), state)
    }

    /// A run on a machine that cannot reach what is shared.
    fn alone(&self, machine: &str) -> Store {
        fs::create_dir_all(self.shared.path().join("place")).expect("made");
        fs::rename(self.shared.path().join("place"), self.shared.path().join("away")).expect("moved");
        let place = SharedDirectory::new(self.shared.path().join("place")).into();
        let state = SharedState::new(place, "storefront", Path::new("/"), |_| unreachable!("a directory has no keys"));
        let store = Store::open_shared(&self.own.path().join(machine), Arc::new(state)).expect("a store");
        fs::rename(self.shared.path().join("away"), self.shared.path().join("place")).expect("moved");
        store
    }
}

fn public(store: &Store) -> BTreeSet<String> {
    let channel = store.current().expect("a generation").channel("develop");
    channel
        .packages
        .into_iter()
        .flat_map(|(name, all)| all.into_iter().map(move |of| format!("{name} {}", of.version)))
        .collect()
}

#[test]
fn what_one_machine_promotes_another_has_with_its_files() {
    let machines = Machines::new();
    let (a, _) = machines.run("a");
    promote(&a, "r1", "develop", "money", "1.0", "x");
    promote(&a, "r2", "develop", "money", "1.1", "y");
    let (b, state) = machines.run("b");
    assert_eq!(b.current().expect("a generation"), a.current().expect("a generation"));
    for file in b.current().expect("a generation").channel("develop").packages["money"].iter().flat_map(|of| &of.files)
    {
        assert!(b.blobs().path(&file.digest).exists(), "{}", file.file);
    }
    promote(&b, "r3", "develop", "catalog", "2.0", "z");
    let (a, _) = machines.run("a");
    assert_eq!(public(&a), ["catalog 2.0", "money 1.0", "money 1.1"].map(str::to_owned).into());
    assert_eq!(a.promoted("r2").expect("readable").map(|of| of.generation), Some(2));
    assert_eq!(state.warnings(), [""; 0]);
}

#[test]
fn promotions_at_once_are_united_and_none_is_lost() {
    let machines = Machines::new();
    thread::scope(|scope| {
        for machine in 0..4 {
            let (store, _) = machines.run(&format!("m{machine}"));
            scope.spawn(move || {
                for number in 0..5 {
                    let (run, package) = (format!("r{machine}-{number}"), format!("p{machine}"));
                    promote(&store, &run, "develop", &package, &format!("1.{number}"), "x");
                }
            });
        }
    });
    let (store, _) = machines.run("another");
    assert_eq!(store.current().expect("a generation").number, 20);
    assert_eq!(public(&store).len(), 20);
}

#[test]
fn what_was_not_tested_together_is_begun_again_or_refused() {
    let machines = Machines::new();
    let (a, _) = machines.run("a");
    promote(&a, "r1", "develop", "money", "1.0", "x");
    let (b, _) = machines.run("b");
    resolve(&b, "r2", "develop", "money");
    stage(&b, "r2", "develop", "catalog", "2.0", "y");
    stage(&b, "r3", "develop", "money", "1.1", "another");
    promote(&a, "r4", "develop", "money", "1.1", "one");
    let moved = b.promote("r2").expect_err("money is another one");
    assert!(matches!(&moved, PromoteError::Moved(names) if names == &["money"]), "{moved}");
    assert_eq!(b.rebase("r2").expect("a stage"), ["money"]);
    let refused = b.promote("r3").expect_err("the version is taken").to_string();
    assert!(refused.contains("commit-of-one") && refused.contains("commit-of-another"), "{refused}");
    stage(&b, "r5", "develop", "catalog", "2.1+d0123abcd", "z");
    let refused = b.promote("r5").expect_err("nobody could build it again").to_string();
    assert!(refused.contains("uncommitted changes, and `develop` is shared"), "{refused}");
    assert_eq!(public(&b), ["money 1.0", "money 1.1"].map(str::to_owned).into());
}

#[test]
fn a_machine_without_a_connection_goes_on_and_tells_later() {
    let machines = Machines::new();
    promote(&machines.run("a").0, "r1", "develop", "money", "1.0", "x");
    drop(machines.run("b"));
    promote(&machines.alone("a"), "r2", "develop", "money", "1.1", "y");
    assert_eq!(public(&machines.run("b").0).len(), 1);
    let (_, state) = machines.run("a");
    assert_eq!(state.warnings(), [""; 0]);
    assert_eq!(public(&machines.run("b").0).len(), 2);
    // both at once: nobody is overwritten, and it is said
    promote(&machines.alone("a"), "r3", "develop", "money", "1.2", "z");
    promote(&machines.run("b").0, "r4", "develop", "catalog", "1.0", "z");
    let (a, state) = machines.run("a");
    assert!(state.warnings()[0].starts_with("this machine has made generation 3 while others made another"));
    promote(&a, "r5", "develop", "money", "1.3", "w");
    let seen = |machine: &str| public(&machines.run(machine).0).into_iter().collect::<Vec<_>>();
    assert_eq!(seen("a"), ["money 1.0", "money 1.1", "money 1.2", "money 1.3"]);
    assert_eq!(seen("b"), ["catalog 1.0", "money 1.0", "money 1.1"]);
}

#[test]
fn what_was_made_of_uncommitted_changes_stays_on_its_machine() {
    let machines = Machines::new();
    let before = Store::open(&machines.own.path().join("a")).expect("a store that was never shared");
    promote(&before, "r1", "develop", "money", "1.0+d0123abcd", "x");
    let (a, state) = machines.run("a");
    assert!(state.warnings()[0].contains("generation 1 from uncommitted changes"));
    assert_eq!((public(&a).len(), public(&machines.run("b").0).len()), (1, 0));
}

#[test]
fn what_is_damaged_is_not_taken_over() {
    let machines = Machines::new();
    promote(&machines.run("a").0, "r1", "develop", "money", "1.0", "x");
    let generation = machines.shared.path().join("place/storefront/store/generations/000001");
    let sound = fs::read_to_string(&generation).expect("a generation");
    fs::write(&generation, sound.replace("1.0", "6.6")).expect("written");
    let (b, state) = machines.run("b");
    assert_eq!(public(&b).len(), 0);
    assert!(state.warnings()[0].contains("`store/generations/000001` in shared state"));
    fs::write(&generation, sound).expect("written");
    assert_eq!(public(&machines.run("b").0).len(), 1);
}
