//! The store as a whole: on real directories, with several users at once, killed between any two writes.

mod contract;
mod crashes;
mod debs;
mod loss;
mod machines;
mod model;
mod numbers;
mod orders;
mod promoting;
mod races;
mod traced;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tempfile::TempDir;

use super::{Release, Store, StoreError, StoredFile};
use crate::{
    support::Digest,
    version::{Numbering, Stamp, VersionPlan},
};

/// What a test has done between two writes of a commit.
type Hook = Box<dyn FnMut(&'static str) -> Result<(), StoreError> + Send>;

/// Where a test listens in.
#[derive(Clone, Default)]
pub(super) struct Tap(Arc<Mutex<Option<Hook>>>);

impl Tap {
    pub(super) fn set(&self, hook: impl FnMut(&'static str) -> Result<(), StoreError> + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    }

    pub(super) fn reached(&self, point: &'static str) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map_or(Ok(()), |hook| hook(point))
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}

/// A store in a directory of its own.
fn new_store() -> (TempDir, Store) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path()).expect("a store");
    (directory, store)
}

/// A release of `package` whose wheel and payload are made of `content`; its blobs are put.
fn release(store: &Store, package: &str, version: &str, content: &str) -> Release {
    let (digest, size) = store.blobs().put(format!("{package} {version} {content}").as_bytes()).expect("space");
    let file = StoredFile {
        file: format!("{package}-{version}-py3-none-any.whl"),
        digest,
        size,
        requires_python: None,
        metadata: None,
        uploaded: "2024-01-01T00:00:00Z".to_owned(),
    };
    Release {
        version: version.to_owned(),
        payload: Digest::of(content),
        files: vec![file],
        commit: Some(format!("commit-of-{content}")),
        run: "somebody".to_owned(),
    }
}

/// Stages a release in a run's stage for `channel`.
fn stage(store: &Store, run: &str, channel: &str, package: &str, version: &str, content: &str) {
    let release = release(store, package, version, content);
    store.stage(run, channel).expect("a stage");
    store
        .update_stage(run, |stage| {
            let _ = stage.staged.insert(package.to_owned(), release);
        })
        .expect("space");
}

/// Stages and promotes one release in a run of its own.
fn promote(store: &Store, run: &str, channel: &str, package: &str, version: &str, content: &str) {
    stage(store, run, channel, package, version, content);
    store.promote(run).expect("nobody else is there");
}

/// Says that a run resolved what is the newest of `package` now.
fn resolve(store: &Store, run: &str, channel: &str, package: &str) {
    let newest = store.current().expect("a generation").newest(channel, package).map(|release| release.payload);
    store.stage(run, channel).expect("a stage");
    store
        .update_stage(run, |stage| {
            let _ = stage.resolved.insert(package.to_owned(), newest);
        })
        .expect("space");
}

fn plan(numbering: Numbering, number: u64, local: Option<&str>) -> VersionPlan {
    let base = "1.5.0".parse().expect("a version");
    VersionPlan { base, numbering, number, local: local.map(str::to_owned), stamp: Stamp::Keep }
}

fn dev(number: u64) -> VersionPlan {
    plan(Numbering::Dev, number, None)
}
