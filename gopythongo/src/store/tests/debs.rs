//! Debian packages: their versions, their place in a set, the repository that shows them.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::*;
use crate::store::{AllocatedDeb, DebRelease, PromoteError, apt, disk::Disk};

/// A release of a Debian package whose bytes and payload are made of `content`; its blob is put.
pub(super) fn deb(store: &Store, package: &str, version: &str, content: &str) -> DebRelease {
    let (digest, size) = store.blobs().put(format!("{package} {version} {content}").as_bytes()).expect("space");
    let file = format!("{package}_{version}_amd64.deb");
    let control = format!("Package: {package}\nVersion: {version}\nArchitecture: amd64");
    let release = DebRelease {
        version: version.to_owned(),
        architecture: "amd64".to_owned(),
        payload: Digest::of(content),
        file,
        digest,
        size,
        control,
        commit: Some(format!("commit-of-{content}")),
        run: "somebody".to_owned(),
    };
    apt::check(package, &release).expect("it can stand in an index");
    release
}

/// Stages a Debian package in a run's stage for `channel`.
pub(super) fn stage_deb(store: &Store, run: &str, channel: &str, package: &str, version: &str, content: &str) {
    let release = deb(store, package, version, content);
    store.stage(run, channel).expect("a stage");
    store
        .update_stage(run, |stage| {
            let _ = stage.debs.insert(package.to_owned(), release);
        })
        .expect("space");
}

fn promote_deb(store: &Store, run: &str, channel: &str, version: &str, content: &str) {
    stage_deb(store, run, channel, "shop", version, content);
    store.promote(run).expect("nobody else is there");
}

fn newest(store: &Store, channel: &str) -> Option<String> {
    store.current().expect("a generation").newest_deb(channel, "shop").map(|release| release.version.clone())
}

fn refused(store: &Store, run: &str) -> String {
    match store.promote(run) {
        Err(PromoteError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn allocate(store: &Store, run: &str, upstream: &str, content: &str) -> AllocatedDeb {
    let upstream = upstream.parse().expect("a version");
    store.allocate_deb(run, "shop", &upstream, &Digest::of(content), "develop", None).expect("space")
}

/// A file of the current generation's repository.
fn file(store: &Path, path: &str) -> PathBuf {
    store.join("current/apt").join(path)
}

#[test]
fn wheels_and_packages_become_public_in_one_generation() {
    let (directory, store) = new_store();
    stage(&store, "r1", "develop", "money", "1.5.0.dev1", "a");
    stage_deb(&store, "r1", "develop", "shop", "0.7.0~dev1", "a");
    let promotion = store.promote("r1").expect("nobody else is there");
    assert_eq!(promotion.generation, 1);
    let set: Vec<_> = promotion.set.iter().map(|(name, version)| format!("{name} {version}")).collect();
    assert_eq!(set, ["money 1.5.0.dev1", "shop 0.7.0~dev1"]);
    assert_eq!(newest(&store, "develop").as_deref(), Some("0.7.0~dev1"));
    let pool = file(directory.path(), "pool/main/s/shop/shop_0.7.0~dev1_amd64.deb");
    assert_eq!(fs::read(pool).expect("it is in the pool"), b"shop 0.7.0~dev1 a");
    let index = fs::read_to_string(file(directory.path(), "dists/develop/main/binary-amd64/Packages")).expect("it");
    assert!(index.contains("\nFilename: pool/main/s/shop/shop_0.7.0~dev1_amd64.deb\n"), "{index}");

    promote(&store, "r2", "develop", "shop", "0.7.0.dev1", "wheel");
    stage(&store, "r3", "develop", "shop", "0.7.0.dev2", "another wheel");
    stage_deb(&store, "r3", "develop", "shop", "0.7.0~dev2", "b");
    let set = store.promote("r3").expect("nobody else is there").set;
    assert_eq!(set.keys().collect::<Vec<_>>(), ["shop", "shop (deb)"], "a wheel and a package may share a name");
}

#[test]
fn a_store_of_wheels_has_no_repository() {
    let (directory, store) = new_store();
    promote(&store, "r1", "develop", "money", "1.5.0.dev1", "a");
    assert_eq!(store.repository().expect("readable"), None);
    assert!(!directory.path().join("current/apt").exists() && !directory.path().join("keyring").exists());
}

#[test]
fn a_package_takes_its_numbers_after_the_application_and_never_one_twice() {
    let (_directory, store) = new_store();
    let version = |run: &str, upstream: &str, content: &str| allocate(&store, run, upstream, content).version;
    assert_eq!(version("r1", "0.7.0.dev3", "a"), "0.7.0~dev3");
    assert_eq!(version("r1", "0.7.0.dev3", "a"), "0.7.0~dev3", "asked again");
    assert_eq!(version("r1", "0.7.0.dev3", "b"), "0.7.0~dev4", "a library changed within the run");
    assert_eq!(version("r2", "0.7.0.dev3", "c"), "0.7.0~dev5");
    assert_eq!(version("r3", "0.7.0.dev4", "d"), "0.7.0~dev6", "apt takes the highest");
    assert_eq!(version("r4", "0.7.0.dev9+d1a2b3c4d", "e"), "0.7.0~dev9+d1a2b3c4d");
    assert_eq!(version("r5", "0.7.0.dev9", "f"), "0.7.0~dev10");
    assert_eq!(version("r6", "0.7.0rc1", "a"), "0.7.0~rc1");
    assert_eq!(version("r7", "0.7.0", "a"), "0.7.0-1");
    assert_eq!(version("r8", "0.7.0", "b"), "0.7.0-2");
    assert_eq!(version("r9", "0.8.0.dev1", "b"), "0.8.0~dev1");
}

#[test]
fn the_same_payload_is_the_same_package() {
    let (_directory, store) = new_store();
    promote_deb(&store, "r1", "develop", "0.7.0~dev1", "a");
    promote_deb(&store, "r2", "develop", "0.7.0~dev2", "b");
    let existing = |run: &str, upstream: &str, content: &str| {
        allocate(&store, run, upstream, content).existing.map(|release| release.version)
    };
    assert_eq!(existing("r3", "0.7.0.dev7", "b").as_deref(), Some("0.7.0~dev2"), "the channel's newest");
    assert_eq!(existing("r3", "0.7.0.dev7+d1a2b3c4d", "b").as_deref(), Some("0.7.0~dev2"));
    assert_eq!(existing("r3", "0.7.0.dev7", "a"), None, "an older one would be no upgrade");
    assert_eq!(existing("r3", "0.7.0", "b"), None, "a final version is asked for by its number");
    stage_deb(&store, "r4", "develop", "shop", "0.7.0~dev3", "c");
    assert_eq!(existing("r4", "0.7.0.dev7", "c").as_deref(), Some("0.7.0~dev3"), "the run's own stage");
    assert_eq!(existing("r5", "0.7.0.dev7", "c"), None, "and nobody else's");
    promote_deb(&store, "r6", "develop", "0.7.0~dev8+d1a2b3c4d", "d");
    assert_eq!(existing("r7", "0.7.0.dev9", "d"), None, "those bytes come from uncommitted changes");
    promote_deb(&store, "r8", "develop", "0.7.0-1", "e");
    assert_eq!(existing("r9", "0.7.0", "e").as_deref(), Some("0.7.0-1"));
}

#[test]
fn packages_are_promoted_by_the_rules_of_wheels() {
    let (_directory, store) = new_store();
    stage_deb(&store, "r1", "develop", "shop", "0.7.0~dev1", "a");
    stage_deb(&store, "r2", "develop", "shop", "0.7.0~dev2", "b");
    store.promote("r1").expect("the first one");
    assert!(matches!(store.promote("r2"), Err(PromoteError::Moved(names)) if names == ["shop"]));
    assert_eq!(store.rebase("r2").expect("space"), ["shop"]);
    let staged = store.staged("r2").expect("readable").expect("a stage");
    assert_eq!(staged.debs.len(), 0, "it may hold what another run has replaced: it is published anew");
    stage_deb(&store, "r2", "develop", "shop", "0.7.0~dev2", "b");
    assert_eq!(store.promote("r2").expect("it saw the other one").generation, 2);

    stage_deb(&store, "r3", "master", "shop", "0.7.0~dev2", "c");
    assert_eq!(
        refused(&store, "r3"),
        "`shop` 0.7.0~dev2 exists with another payload: built from commit commit-of-b, now from commit commit-of-c"
    );
    stage_deb(&store, "r4", "develop", "shop", "0.7.0~dev3+discounts", "d");
    assert!(refused(&store, "r4").contains("0.7.0~dev3+discounts may not enter `develop`"));
    let mut other = deb(&store, "shop", "0.7.0~dev2", "e");
    other.version = "1:0.7.0~dev2".to_owned();
    store.stage("r5", "develop").expect("a stage");
    store.update_stage("r5", |stage| drop(stage.debs.insert("shop".to_owned(), other))).expect("space");
    assert!(refused(&store, "r5").starts_with("`shop_0.7.0~dev2_amd64.deb` exists with other bytes"));

    promote_deb(&store, "r6", "master", "0.7.0~dev2", "b");
    assert_eq!(newest(&store, "release/0.7.0").as_deref(), Some("0.7.0~dev2"), "all channels fall back to master");
    assert_eq!(store.current().expect("a generation").number, 3);
    stage_deb(&store, "r7", "develop", "shop", "0.7.0~dev2", "b");
    assert_eq!(store.promote("r7").expect("nothing to do").generation, 3);
}

#[test]
fn a_suite_that_says_what_it_said_keeps_its_files_and_another_gets_a_later_date() {
    let (directory, store) = new_store();
    let inode = |path: &str| file(directory.path(), path).metadata().map(|found| found.ino()).expect("a file");
    let date = || {
        let text = fs::read_to_string(file(directory.path(), "dists/develop/Release")).expect("text");
        let line = text.lines().find_map(|line| line.strip_prefix("Date: ")).expect("a date").replace("UTC", "GMT");
        httpdate::parse_http_date(&line).expect("a date")
    };
    promote_deb(&store, "r1", "develop", "0.7.0~dev1", "a");
    let (release, before) = (inode("dists/develop/Release"), date());
    let index = fs::read_link(file(directory.path(), "dists/develop/main/binary-amd64/by-hash")).expect("a link");
    promote(&store, "r2", "develop", "money", "1.5.0.dev1", "a");
    assert_eq!(inode("dists/develop/Release"), release);
    promote_deb(&store, "r3", "develop", "0.7.0~dev2", "b");
    assert_ne!(inode("dists/develop/Release"), release);
    assert!(date() > before, "apt takes no older one, and asks for newer ones only");
    let by_hash = file(directory.path(), "dists/develop/main/binary-amd64/").join(index);
    assert_eq!(fs::read_dir(by_hash.join("SHA256")).expect("a directory").count(), 6, "what was superseded stays");
}

#[test]
fn what_is_published_can_be_read_by_everybody() {
    let (directory, store) = new_store();
    promote_deb(&store, "r1", "release/0.7.0", "0.7.0~rc1", "a");
    let apt = directory.path().join("generations/000001/apt");
    let entries = walkdir::WalkDir::new(apt).into_iter().map(|entry| entry.expect("readable"));
    let modes = entries.filter(|entry| !entry.file_type().is_symlink());
    for entry in modes {
        let wanted = if entry.file_type().is_dir() { 0o755 } else { 0o444 };
        let mode = entry.metadata().expect("readable").mode() & 0o777;
        assert_eq!(mode & wanted, wanted, "{} has mode {mode:o}", entry.path().display());
    }
    let name = "dists/release/0.7.0/main/binary-all/by-hash/SHA256";
    assert_eq!(fs::read_dir(file(directory.path(), name)).expect("the link is right").count(), 4);
}

#[test]
fn without_gpg_it_is_unsigned_but_never_after_it_was_signed() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::on(directory.path(), Arc::new(Disk::new(directory.path()).on_path("/nonexistent")));
    promote_deb(&store, "r1", "develop", "0.7.0~dev1", "a");
    let repository = store.repository().expect("readable").expect("it has packages");
    assert_eq!((repository.key, repository.suites), (None, vec!["develop".to_owned()]));
    assert!(!file(directory.path(), "dists/develop/InRelease").exists());

    fs::create_dir(directory.path().join("keyring")).expect("space");
    fs::write(directory.path().join("keyring/key.asc"), "a key").expect("space");
    stage_deb(&store, "r2", "develop", "shop", "0.7.0~dev2", "b");
    let error = store.promote("r2").expect_err("it cannot be signed").to_string();
    assert_eq!(error, "the apt repository cannot be signed: `gpg` is not on PATH");
    assert_eq!(newest(&store, "develop").as_deref(), Some("0.7.0~dev1"));
}
