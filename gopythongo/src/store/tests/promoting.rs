//! Stages, promotions, uploads: what becomes public, and when.

use super::*;
use crate::store::{Figure, PromoteError};

fn newest(store: &Store, channel: &str, package: &str) -> Option<String> {
    store.current().expect("a generation").newest(channel, package).map(|release| release.version.clone())
}

fn moved(store: &Store, run: &str) -> Vec<String> {
    match store.promote(run) {
        Err(PromoteError::Moved(names)) => names,
        other => panic!("{other:?}"),
    }
}

fn refused(store: &Store, run: &str) -> String {
    match store.promote(run) {
        Err(PromoteError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_set_becomes_public_at_once_and_once() {
    let (directory, store) = new_store();
    stage(&store, "r1", "develop", "money", "1.5.0.dev3", "a");
    stage(&store, "r1", "develop", "catalog", "2.0.dev1", "a");
    assert_eq!(newest(&store, "develop", "money"), None);
    assert_eq!(store.promoted("r1").expect("a store"), None);

    let promotion = store.promote("r1").expect("nobody else is there");
    assert_eq!(promotion.generation, 1);
    assert_eq!(
        promotion.set.into_iter().collect::<Vec<_>>(),
        [("catalog".to_owned(), "2.0.dev1".to_owned()), ("money".to_owned(), "1.5.0.dev3".to_owned())]
    );
    promote(&store, "r2", "develop", "money", "1.5.0.dev4", "b");

    let reopened = Store::open(directory.path()).expect("a store");
    assert_eq!(reopened.promote("r1").expect("it is done").generation, 1);
    assert_eq!(reopened.promoted("r1").expect("a store").map(|promotion| promotion.generation), Some(1));
    assert_eq!(newest(&reopened, "develop", "money").as_deref(), Some("1.5.0.dev4"));
    assert_eq!(newest(&reopened, "develop", "catalog").as_deref(), Some("2.0.dev1"));
    let earlier = reopened.generation(1).expect("it stays");
    assert_eq!(earlier.newest("develop", "money").map(|release| &*release.version), Some("1.5.0.dev3"));
    assert_eq!(reopened.generation(3).expect_err("not yet").message, "generation 3 does not exist");
}

#[test]
fn a_channel_falls_back_to_master_package_by_package() {
    let (_directory, store) = new_store();
    promote(&store, "r1", "master", "money", "1.4", "a");
    promote(&store, "r2", "master", "catalog", "2.0", "a");
    promote(&store, "r3", "develop", "money", "1.5.0.dev1", "b");
    assert_eq!(newest(&store, "develop", "money").as_deref(), Some("1.5.0.dev1"));
    assert_eq!(newest(&store, "develop", "catalog").as_deref(), Some("2.0"));
    assert_eq!(newest(&store, "release/1.5.0", "money").as_deref(), Some("1.4"));
    let channel = store.current().expect("a generation").channel("develop");
    assert_eq!(channel.packages.keys().collect::<Vec<_>>(), ["catalog", "money"]);
    assert_eq!(channel.packages["money"].len(), 1);
}

#[test]
fn the_channel_of_a_branch_falls_back_to_develop_before_master() {
    let (_directory, store) = new_store();
    promote(&store, "r1", "master", "money", "1.4", "a");
    promote(&store, "r2", "develop", "money", "1.5.0.dev1", "b");
    for channel in ["feature/discounts", "pull-request/7"] {
        assert_eq!(newest(&store, channel, "money").as_deref(), Some("1.5.0.dev1"));
        let complete = store.current().expect("a generation").channel(channel);
        assert_eq!(complete.packages["money"].last().map(|release| &*release.version), Some("1.5.0.dev1"));
    }
    assert_eq!(newest(&store, "hotfix/1.4.1", "money").as_deref(), Some("1.4"));
}

#[test]
fn a_library_that_moved_after_it_was_resolved_stops_the_promotion() {
    let (_directory, store) = new_store();
    promote(&store, "r1", "develop", "money", "1.5.0.dev1", "a");
    resolve(&store, "r2", "develop", "money");
    stage(&store, "r2", "develop", "catalog", "2.0.dev1", "a");
    promote(&store, "r3", "develop", "money", "1.5.0.dev2", "b");

    assert_eq!(moved(&store, "r2"), ["money"]);
    assert_eq!(newest(&store, "develop", "catalog"), None);
    assert_eq!(store.rebase("r2").expect("space"), ["money"]);
    assert_eq!(moved(&store, "r2"), ["money"], "nobody has tested against the new one yet");
    resolve(&store, "r2", "develop", "money");
    assert_eq!(store.promote("r2").expect("it was tested").generation, 3);
    assert_eq!(store.rebase("r2").expect("space"), Vec::<String>::new(), "it is done");
    assert_eq!(store.promote("r2").expect("it is done").generation, 3);
}

#[test]
fn a_library_that_appeared_after_it_was_not_found_stops_the_promotion() {
    let (_directory, store) = new_store();
    resolve(&store, "r2", "develop", "money");
    stage(&store, "r2", "develop", "catalog", "2.0.dev1", "a");
    promote(&store, "r3", "develop", "money", "1.5.0.dev2", "b");
    assert_eq!(moved(&store, "r2"), ["money"]);
}

#[test]
fn two_runs_that_promote_the_same_library_do_not_overwrite_each_other() {
    let (_directory, store) = new_store();
    stage(&store, "r1", "develop", "money", "1.5.0.dev1", "a");
    stage(&store, "r2", "develop", "money", "1.5.0.dev2", "b");
    stage(&store, "r3", "develop", "money", "1.5.0.dev3", "a");
    store.promote("r1").expect("the first one");
    assert_eq!(moved(&store, "r2"), ["money"]);
    store.promote("r3").expect("the same payload is no other one");
    assert_eq!(store.rebase("r2").expect("space"), ["money"]);
    store.promote("r2").expect("it saw the other one");
    assert_eq!(newest(&store, "develop", "money").as_deref(), Some("1.5.0.dev2"));
}

#[test]
fn what_the_channel_has_makes_no_generation() {
    let (_directory, store) = new_store();
    promote(&store, "r1", "master", "money", "1.4", "a");
    assert_eq!(store.promote("nobody").expect("nothing to do").generation, 1);
    store.stage("r2", "develop").expect("space");
    let promotion = store.promote("r2").expect("nothing to do");
    assert_eq!((promotion.generation, promotion.set.len()), (1, 0));
    stage(&store, "r3", "develop", "money", "1.4", "a");
    let promotion = store.promote("r3").expect("nothing to do");
    assert_eq!((promotion.generation, promotion.set.len()), (1, 1));
    assert!(!store.current().expect("a generation").channels.contains_key("develop"), "it goes on following master");
}

#[test]
fn figures_are_recorded_with_the_promotion() {
    let (_directory, store) = new_store();
    let figure = Figure { counts: [("covered".to_owned(), 9)].into(), commit: None };
    store.stage("r1", "develop").expect("space");
    store
        .update_stage("r1", |stage| {
            let _ = stage.ratchets.insert("money/coverage-ratchet".to_owned(), figure.clone());
        })
        .expect("space");
    let promotion = store.promote("r1").expect("nobody else is there");
    assert_eq!((promotion.generation, promotion.set.len()), (1, 0));
    assert_eq!(store.current().expect("a generation").figure("develop", "money/coverage-ratchet"), Some(&figure));
}

#[test]
fn a_change_that_is_taken_back_makes_the_old_release_the_newest() {
    let (_directory, store) = new_store();
    promote(&store, "r1", "develop", "money", "1.5.0.dev1", "a");
    promote(&store, "r2", "develop", "money", "1.5.0.dev2", "b");
    promote(&store, "r3", "develop", "money", "1.5.0.dev1", "a");
    assert_eq!(newest(&store, "develop", "money").as_deref(), Some("1.5.0.dev1"));
    assert_eq!(store.current().expect("a generation").releases("develop", "money").len(), 2);
}

#[test]
fn bytes_of_a_branch_stay_in_its_channel() {
    let (_directory, store) = new_store();
    stage(&store, "r1", "develop", "money", "1.5.0.dev1+discounts", "a");
    assert_eq!(
        refused(&store, "r1"),
        "`money` 1.5.0.dev1+discounts may not enter `develop`: its local label keeps it out of channels that others read"
    );
    promote(&store, "r2", "feature/discounts", "money", "1.5.0.dev1+discounts", "a");
    promote(&store, "r3", "develop", "money", "1.5.0.dev2+d0123abcd", "b");
    assert_eq!(store.current().expect("a generation").number, 2);
}

#[test]
fn a_version_means_one_payload_and_one_sequence_of_bytes_in_all_channels() {
    let (_directory, store) = new_store();
    promote(&store, "r1", "develop", "money", "1.5.0", "a");
    stage(&store, "r2", "master", "money", "1.5.0", "b");
    assert_eq!(
        refused(&store, "r2"),
        "`money` 1.5.0 exists with another payload: built from commit commit-of-a, now from commit commit-of-b"
    );
    let mut again = release(&store, "money", "1.5.0", "a");
    again.files[0].digest = store.blobs().put(&b"another archive of the same members"[..]).expect("space").0;
    store.stage("r3", "master").expect("space");
    store
        .update_stage("r3", |stage| {
            let _ = stage.staged.insert("money".to_owned(), again);
        })
        .expect("space");
    store.promote("r3").expect("the same payload");
    let current = store.current().expect("a generation");
    assert_eq!(current.newest("master", "money"), current.newest("develop", "money"));
}

#[test]
fn a_stage_stays_with_its_channel_and_survives() {
    let (directory, store) = new_store();
    stage(&store, "r1", "develop", "money", "1.5.0.dev1", "a");
    let reopened = Store::open(directory.path()).expect("a store");
    assert_eq!(reopened.staged("r1").expect("a store"), Some(store.stage("r1", "develop").expect("it is there")));
    let error = reopened.stage("r1", "master").expect_err("another channel");
    assert_eq!(error.message, "the stage of run `r1` is for `develop`, not for `master`");
    assert_eq!(reopened.staged("r2").expect("a store"), None);
    assert!(reopened.staged("../current").expect_err("no id").message.starts_with("`../current` is no run's id"));
}

#[test]
fn an_upload_may_be_repeated_and_added_to_but_not_changed() {
    let (_directory, store) = new_store();
    let wheel = release(&store, "money", "1.4", "wheel");
    let mut sdist = release(&store, "money", "1.4", "sdist");
    sdist.files[0].file = "money-1.4.tar.gz".to_owned();
    assert_eq!(store.upload("master", "money", sdist.clone()).expect("space").generation, 1);
    assert_eq!(store.upload("master", "money", wheel.clone()).expect("space").generation, 2);
    assert_eq!(store.upload("master", "money", sdist.clone()).expect("space").generation, 2);
    assert_eq!(store.upload("master", "money", wheel.clone()).expect("space").generation, 2);
    let current = store.current().expect("a generation");
    let found = current.newest("master", "money").expect("it was uploaded");
    assert_eq!((found.files.len(), found.payload), (2, wheel.payload));

    let mut other = release(&store, "money", "1.4", "other");
    other.files[0].file.clone_from(&sdist.files[0].file);
    let error = store.upload("develop", "money", other.clone()).expect_err("its name is taken");
    assert_eq!(error.message, "`money-1.4.tar.gz` exists with other bytes");
    other.files[0].file = "../money-1.4.tar.gz".to_owned();
    let error = store.upload("develop", "money", other).expect_err("no name");
    assert_eq!(error.message, "`../money-1.4.tar.gz` is no name for a file of `money`");
    assert_eq!(store.current().expect("a generation").number, 2);
}
