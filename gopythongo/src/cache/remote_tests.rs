//! Two machines, and what is between them.

use std::{collections::BTreeMap, fs, path::Path};

use tempfile::TempDir;

use super::*;
use crate::{
    cache::{Cache, Lookup},
    context::SecretError,
    shared::SharedDirectory,
};

/// What machines share, and their own caches.
struct Machines(TempDir);

impl Machines {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join("place")).expect("made");
        Self(directory)
    }

    fn cache(&self, machine: &str) -> (Cache, Arc<SharedState>) {
        let place = SharedDirectory::new(self.0.path().join("place")).into();
        let state = Arc::new(SharedState::new(place, "p", Path::new("/"), |from| {
            Err(SecretError { message: from.to_string(), hint: None, is_passing: false })
        }));
        let cache = Cache::open(&self.0.path().join(machine)).expect("a cache");
        (cache.shared(Some(state.clone())), state)
    }

    /// A step with an artifact of this content passes on a machine.
    fn pass(&self, machine: &str, key: &str, content: &str) {
        let (cache, _) = self.cache(machine);
        let file = self.0.path().join("x-1.whl");
        fs::write(&file, content).expect("written");
        let artifacts = BTreeMap::from([("wheel".to_owned(), cache.put_artifact(&file).expect("space"))]);
        cache.store("x/wheel", &parts(key), &Outcome { artifacts, ..Outcome::default() }, machine).expect("space");
        cache.finish();
    }

    /// What a machine finds, and what it is warned of.
    fn find(&self, machine: &str, key: &str) -> (String, Vec<String>) {
        let (cache, state) = self.cache(machine);
        let found = match cache.lookup("x/wheel", &parts(key), "now") {
            Lookup::Hit { outcome, run } => {
                let blob = crate::cache::blob_path(cache.blobs(), &outcome.artifacts["wheel"].digest);
                format!("{} of {run}", fs::read_to_string(blob).expect("it is here"))
            }
            Lookup::Miss { reason } => reason,
        };
        (found, state.warnings())
    }

    /// Spoils every object whose name holds this.
    fn spoil(&self, name: &str) {
        let all = walkdir::WalkDir::new(self.0.path().join("place")).into_iter().flatten();
        let chosen = all.filter(|entry| entry.file_type().is_file() && entry.path().to_string_lossy().contains(name));
        let spoiled = chosen.map(|entry| {
            fs::remove_file(entry.path()).expect("removed");
            fs::write(entry.path(), "spoiled").expect("written");
        });
        assert!(spoiled.count() > 0, "there is no {name}");
    }
}

fn parts(key: &str) -> Parts {
    Parts::from_iter([("`a`", key)])
}

fn hit(text: &str) -> (String, Vec<String>) {
    (text.to_owned(), Vec::new())
}

#[test]
fn what_passed_on_one_machine_is_known_on_another() {
    let machines = Machines::new();
    machines.pass("a", "1", "first");
    machines.pass("a", "2", "second");
    assert_eq!(machines.find("b", "2"), hit("second of a"));
    assert_eq!(machines.find("b", "1"), hit("first of a"));
    assert_eq!(machines.find("c", "3"), hit("`a` changed"), "it never ran there, but elsewhere");
    // from now on it is its own
    fs::remove_dir_all(machines.0.path().join("place")).expect("removed");
    assert_eq!(machines.find("b", "2"), hit("second of a"));
}

#[test]
fn what_left_the_index_is_found_by_its_key() {
    let machines = Machines::new();
    for key in 0..=KEPT {
        machines.pass("a", &key.to_string(), &format!("content {key}"));
    }
    let index = fs::read(machines.0.path().join("place/p/v2/latest")).expect("an index");
    assert_eq!(Index::read(&index).expect("an index").0["x/wheel"].len(), KEPT);
    assert_eq!(machines.find("b", "0"), hit("content 0 of a"));
}

#[test]
fn what_passed_for_one_run_only_is_not_shared() {
    let machines = Machines::new();
    let (cache, _) = machines.cache("a");
    cache.store_within("x/wheel", &parts("1"), &Outcome::default(), "r", "it is volatile, and passed").expect("space");
    cache.finish();
    assert_eq!(machines.find("b", "1"), hit("never ran before"));
}

#[test]
fn damage_is_a_miss_is_said_once_and_is_healed_by_the_next_pass() {
    for name in ["/blobs/", "/v2/latest", "/v2/entries/", "/v2/"] {
        let machines = Machines::new();
        machines.pass("a", "1", "first");
        machines.spoil(name);
        let (found, warnings) = machines.find("b", "1");
        // an outcome is in the index and by itself: one of them is enough
        let expected = match name {
            "/v2/latest" | "/v2/entries/" => "first of a",
            "/blobs/" => "the order of its inputs changed",
            _ => "never ran before",
        };
        assert_eq!(found, expected, "{name}");
        assert_eq!(warnings.len(), usize::from(name != "/v2/entries/"), "{name}: {warnings:?}");
        machines.pass("b", "1", "first");
        assert_eq!(machines.find("c", "1"), hit("first of b"));
    }
}

#[test]
fn machines_that_end_at_once_lose_nothing_of_each_other() {
    let machines = Machines::new();
    thread::scope(|scope| {
        for machine in ["a", "b", "c", "d"] {
            let (cache, state) = machines.cache(machine);
            scope.spawn(move || {
                let step = format!("{machine}/flake8");
                cache.store(&step, &parts("1"), &Outcome::default(), machine).expect("space");
                cache.finish();
                assert_eq!(state.warnings(), [""; 0]);
            });
        }
    });
    let index = fs::read(machines.0.path().join("place/p/v2/latest")).expect("an index");
    assert_eq!(Index::read(&index).expect("an index").0.len(), 4);
}
