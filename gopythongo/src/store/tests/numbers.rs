//! Reserving and settling versions.

use std::{collections::BTreeSet, thread};

use super::*;
use crate::store::Settled;

fn reserved(store: &Store, run: &str, plan: &VersionPlan) -> String {
    store.reserve(run, "money", plan).expect("space").to_string()
}

fn settled(store: &Store, run: &str, version: &str, content: &str) -> Result<Option<String>, StoreError> {
    let version = version.parse().expect("a version");
    let settled = store.settle(run, "money", &version, &Digest::of(content), "develop", Some("commit-b"))?;
    Ok(match settled {
        Settled::New => None,
        Settled::Existing(release) => Some(release.version),
    })
}

#[test]
fn a_run_is_given_the_number_that_it_wants_or_the_next_free_one() {
    let (_directory, store) = new_store();
    assert_eq!(reserved(&store, "r1", &dev(3)), "1.5.0.dev3");
    assert_eq!(reserved(&store, "r2", &dev(3)), "1.5.0.dev4");
    assert_eq!(reserved(&store, "r3", &dev(2)), "1.5.0.dev2");
    assert_eq!(reserved(&store, "r3", &dev(3)), "1.5.0.dev5");
    assert_eq!(reserved(&store, "r3", &plan(Numbering::Candidate, 1, None)), "1.5.0rc1");
    assert_eq!(reserved(&store, "r3", &plan(Numbering::Final, 3, None)), "1.5.0");
    assert_eq!(store.reserve("r3", "catalog", &dev(3)).expect("space").to_string(), "1.5.0.dev3");
}

#[test]
fn asking_again_in_the_same_run_gives_the_same_version() {
    let (directory, store) = new_store();
    assert_eq!(reserved(&store, "r1", &dev(3)), "1.5.0.dev3");
    assert_eq!(reserved(&store, "r2", &dev(3)), "1.5.0.dev4");
    assert_eq!(reserved(&store, "r2", &dev(3)), "1.5.0.dev4");
    let reopened = Store::open(directory.path()).expect("a store");
    assert_eq!(reserved(&reopened, "r1", &dev(3)), "1.5.0.dev3");
    assert_eq!(reserved(&reopened, "r3", &dev(3)), "1.5.0.dev5");
}

#[test]
fn versions_with_a_label_take_their_numbers_from_the_same_series() {
    let (_directory, store) = new_store();
    assert_eq!(reserved(&store, "r1", &dev(3)), "1.5.0.dev3");
    assert_eq!(reserved(&store, "r2", &plan(Numbering::Dev, 3, Some("dabcd1234"))), "1.5.0.dev4+dabcd1234");
    assert_eq!(reserved(&store, "r3", &dev(3)), "1.5.0.dev5");
}

#[test]
fn a_number_that_came_from_outside_is_taken() {
    let (_directory, store) = new_store();
    store.upload("develop", "money", release(&store, "money", "1.5.0.dev3", "a")).expect("space");
    assert_eq!(reserved(&store, "r1", &dev(3)), "1.5.0.dev4");
}

#[test]
fn eight_builders_at_once_get_eight_numbers() {
    let (directory, _) = new_store();
    let versions: BTreeSet<String> = thread::scope(|scope| {
        let path = directory.path();
        let builders: Vec<_> = (0..8)
            .map(|n| scope.spawn(move || reserved(&Store::open(path).expect("a store"), &format!("r{n}"), &dev(0))))
            .collect();
        builders.into_iter().map(|builder| builder.join().expect("no panic")).collect()
    });
    assert_eq!(versions, (0..8).map(|n| format!("1.5.0.dev{n}")).collect());
}

#[test]
fn a_payload_that_exists_is_used_again() -> Result<(), StoreError> {
    let (_directory, store) = new_store();
    promote(&store, "r1", "develop", "money", "1.5.0.dev3", "a");
    promote(&store, "r2", "develop", "money", "1.5.0.dev4", "b");
    assert_eq!(settled(&store, "r3", "1.5.0.dev5", "b")?, Some("1.5.0.dev4".to_owned()), "the channel's newest");
    assert_eq!(settled(&store, "r3", "1.6.0.dev0", "b")?, Some("1.5.0.dev4".to_owned()), "the base does not matter");
    assert_eq!(settled(&store, "r3", "1.5.0.dev5", "a")?, Some("1.5.0.dev3".to_owned()), "a change taken back");
    assert_eq!(settled(&store, "r3", "1.6.0.dev0", "a")?, None, "an older one of another base");
    assert_eq!(settled(&store, "r3", "1.5.0.dev5", "c")?, None);
    Ok(())
}

#[test]
fn a_payload_of_the_own_stage_is_used_again_and_of_no_other() -> Result<(), StoreError> {
    let (_directory, store) = new_store();
    stage(&store, "r1", "develop", "money", "1.5.0.dev3", "a");
    assert_eq!(settled(&store, "r1", "1.5.0.dev3", "a")?, Some("1.5.0.dev3".to_owned()));
    assert_eq!(settled(&store, "r2", "1.5.0.dev4", "a")?, None);
    Ok(())
}

#[test]
fn a_clean_build_never_uses_bytes_of_uncommitted_changes_again() -> Result<(), StoreError> {
    let (_directory, store) = new_store();
    promote(&store, "r1", "develop", "money", "1.5.0.dev3+d0123abcd", "a");
    assert_eq!(settled(&store, "r2", "1.5.0.dev4", "a")?, None);
    assert_eq!(settled(&store, "r2", "1.5.0.dev4+d4567abcd", "a")?, Some("1.5.0.dev3+d0123abcd".to_owned()));
    promote(&store, "r3", "develop", "money", "1.5.0.dev4", "a");
    promote(&store, "r4", "develop", "money", "1.5.0.dev5", "b");
    assert_eq!(settled(&store, "r5", "1.5.0.dev6+d4567abcd", "a")?, Some("1.5.0.dev4".to_owned()));
    Ok(())
}

#[test]
fn a_final_version_with_another_payload_names_both_commits() -> Result<(), StoreError> {
    let (_directory, store) = new_store();
    promote(&store, "r1", "master", "money", "1.5.0", "a");
    assert_eq!(settled(&store, "r2", "1.5.0", "a")?, Some("1.5.0".to_owned()));
    assert_eq!(settled(&store, "r2", "1.6.0", "a")?, None, "a final version is asked for by its number");
    let error = settled(&store, "r2", "1.5.0", "b").expect_err("it exists");
    let message = "`money` 1.5.0 exists with another payload: built from commit commit-of-a, now from commit commit-b";
    assert_eq!(error.message, message);
    assert_eq!(error.hint.as_deref(), Some("raise the version: a final version never changes"));
    Ok(())
}

#[test]
fn a_final_version_that_was_only_staged_is_in_nobodys_way() -> Result<(), StoreError> {
    let (_directory, store) = new_store();
    assert_eq!(settled(&store, "r1", "1.5.0", "a")?, None);
    stage(&store, "r1", "master", "money", "1.5.0", "a");
    assert_eq!(settled(&store, "r2", "1.5.0", "b")?, None);
    Ok(())
}
