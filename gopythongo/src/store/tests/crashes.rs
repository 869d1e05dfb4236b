//! A store that is killed, or told that the disk is full, between any two writes of a commit.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::mpsc,
};

use super::*;
use crate::{store::PromoteError, support::copy_tree};

/// The points of a commit, in order.
const POINTS: [&str; 5] = ["decided", "blobs synced", "repository written", "generation written", "pointer written"];

/// A store with one promoted set and the stage of `r2`, which would be the second.
fn about_to_promote() -> (TempDir, Store) {
    let (directory, store) = new_store();
    for (run, version) in [("r1", "1.0.dev1"), ("r2", "1.0.dev2")] {
        stage(&store, run, "develop", "money", version, run);
        stage(&store, run, "develop", "catalog", version, run);
        debs::stage_deb(&store, run, "develop", "shop", version, run);
        if run == "r1" {
            store.promote(run).expect("nobody else is there");
        }
    }
    store.rebase("r2").expect("space");
    (directory, store)
}

/// What a reader sees: the generation's number, whose set has one version and all its bytes.
pub(super) fn seen(store: &Store) -> u64 {
    let current = store.current().expect("readable at any time");
    let releases: Vec<_> =
        ["money", "catalog"].iter().filter_map(|name| current.newest("develop", name)).cloned().collect();
    assert_eq!(releases.len(), 2);
    assert_eq!(releases[0].version, releases[1].version);
    for digest in releases.iter().flat_map(Release::blobs) {
        assert_eq!(Digest::of_file(&store.blobs().path(&digest)).expect("its bytes"), digest);
    }
    let deb = current.newest_deb("develop", "shop").expect("a package");
    assert_eq!(deb.version, releases[0].version);
    let apt = store.directory().join("current/apt");
    let pool = apt.join("pool/main/s/shop").join(&deb.file);
    assert_eq!(Digest::of_file(&pool).expect("its bytes"), deb.digest);
    let suite = apt.join("dists/develop");
    let release = fs::read_to_string(suite.join("Release")).expect("a suite");
    for line in release.lines().filter(|line| line.contains("main/binary-")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let index = suite.join(words[2]);
        assert_eq!(Digest::of_file(&index).expect("an index").to_string(), words[0]);
        let by_hash = index.with_file_name("by-hash").join("SHA256").join(words[0]);
        assert_eq!(Digest::of_file(&by_hash).expect("the same").to_string(), words[0]);
    }
    current.number
}

#[test]
fn a_process_that_is_killed_between_any_two_writes_shows_nothing_half_and_is_finished_by_the_next() {
    let (directory, store) = about_to_promote();
    let copies = tempfile::tempdir().expect("a directory");
    let (points, reached) = mpsc::channel();
    let (from, to) = (directory.path().to_owned(), copies.path().to_owned());
    store.tap.set(move |point| {
        copy_tree(&from, &to.join(point)).expect("space");
        points.send(point).map_err(|error| StoreError::new(error.to_string()))
    });
    store.promote("r2").expect("nobody else is there");
    assert_eq!(reached.try_iter().collect::<Vec<_>>(), POINTS);

    for point in POINTS {
        let path = copies.path().join(point);
        // What a write that was cut off leaves beside the file that it was for.
        for directory in ["", "generations", "stages", "blobs"] {
            fs::write(path.join(directory).join(".tmpAbCdEf"), "{\"numb").expect("space");
        }
        let reopened = Store::open(&path).expect("whole at any time");
        assert_eq!(seen(&reopened), if point == "pointer written" { 2 } else { 1 }, "{point}");
        let promoted = reopened.promoted("r2").expect("readable");
        assert_eq!(promoted.is_some(), point == "pointer written", "{point}");
        assert_eq!(reopened.promote("r2").expect("it goes on").generation, 2, "{point}");
        assert_eq!(seen(&reopened), 2, "{point}");
        assert_eq!(reopened.promote("r2").expect("it is done").generation, 2, "{point}");
    }
}

#[test]
fn a_generation_that_never_became_current_is_replaced_by_somebody_elses() {
    let (directory, store) = about_to_promote();
    fail_at(&store, "generation written");
    store.promote("r2").expect_err("the disk is full");
    let other = Store::open(directory.path()).expect("a store");
    assert_eq!(other.generation(2).expect_err("it never was").message, "generation 2 does not exist");
    promote(&other, "r3", "develop", "shop", "1.0", "shop");
    assert_eq!(other.current().expect("a generation").run, "r3");
    assert_eq!(store.current().expect("a generation").run, "r3");
    assert_eq!(store.promoted("r2").expect("readable"), None);
}

#[test]
fn a_commit_that_fails_changes_nothing_and_can_be_repeated() {
    for point in &POINTS[..4] {
        let (_directory, store) = about_to_promote();
        fail_at(&store, point);
        assert!(matches!(store.promote("r2"), Err(PromoteError::Store(_))), "{point}");
        assert_eq!(seen(&store), 1, "{point}");
        store.tap.set(|_| Ok(()));
        assert_eq!(store.promote("r2").expect("there is space again").generation, 2, "{point}");
    }
}

#[test]
fn a_set_whose_bytes_are_gone_is_not_promoted() {
    let (_directory, store) = about_to_promote();
    let staged = store.staged("r2").expect("readable").expect("a stage");
    let path = store.blobs().path(&staged.staged["money"].files[0].digest);
    fs::remove_file(&path).expect("it is there");
    let error = store.promote("r2").expect_err("a file is missing").to_string();
    assert!(error.contains(&path.display().to_string()), "{error}");
    assert_eq!(seen(&store), 1);
}

#[test]
fn a_damaged_file_is_named() {
    let damaged = |spoil: fn(&Path) -> PathBuf| {
        let (directory, store) = about_to_promote();
        drop(store);
        let path = spoil(directory.path());
        fs::write(&path, "nonsense").expect("space");
        let error = Store::open(directory.path()).and_then(|store| store.staged("r2")).expect_err("damage");
        assert!(error.message.starts_with(&format!("`{}` is damaged: ", path.display())), "{error}");
    };
    damaged(|store| store.join("generations/000001/generation.json"));
    damaged(|store| store.join("stages/r2.json"));
}

fn fail_at(store: &Store, at: &'static str) {
    store.tap.set(move |point| if point == at { Err(StoreError::new("the disk is full")) } else { Ok(()) });
}

#[test]
fn a_store_without_its_pointer_is_not_taken_for_a_new_one() {
    let (directory, store) = new_store();
    promote(&store, "r1", "develop", "money", "1.5.0.dev1", "a");
    promote(&store, "r2", "develop", "money", "1.5.0.dev2", "b");
    let pointer = directory.path().join("current");
    for damage in [None, Some("generations"), Some("generations/none")] {
        std::fs::remove_file(&pointer).expect("it was there");
        if let Some(target) = damage {
            symlink(target, &pointer).expect("written");
        }
        let error = Store::open(directory.path()).expect_err("which generation is current?");
        assert!(error.message.contains("current` is damaged"), "{error}");
        assert!(error.hint.is_some_and(|hint| hint.contains("generations/000001")));
        if damage.is_none() {
            symlink("generations/000002", &pointer).expect("written");
        }
    }
    std::fs::remove_file(&pointer).expect("it was there");
    std::fs::write(&pointer, "2\n").expect("written");
    let error = Store::open(directory.path()).expect_err("it is no link");
    assert!(error.message.ends_with("current` is damaged: it is no link"), "{error}");
    std::fs::remove_file(&pointer).expect("it was there");
    symlink("generations/000002", &pointer).expect("written");
    let current = Store::open(directory.path()).expect("a store").current().expect("a generation");
    assert_eq!(current.newest("develop", "money").map(|release| &*release.version), Some("1.5.0.dev2"));
}
