//! Several users of one store at once: each with an own `Store`, as processes would have.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::*;
use crate::store::PromoteError;

/// A run that builds `package` and was tested with the newest `other`.
fn begin(store: &Store, run: &str, package: &str, other: &str) {
    stage(store, run, "develop", package, &format!("1.0.dev{}", run.len()), run);
    resolve(store, run, "develop", other);
}

#[test]
fn of_two_runs_that_were_tested_without_each_other_only_the_first_is_promoted() {
    for [first, second] in [["money-run", "catalog-run"], ["catalog-run", "money-run"]] {
        let (directory, store) = new_store();
        let other = Store::open(directory.path()).expect("a store");
        begin(&store, "money-run", "money", "catalog");
        begin(&other, "catalog-run", "catalog", "money");
        store.promote(first).expect("the first one");
        let name = first.trim_end_matches("-run");
        let error = other.promote(second).expect_err("the other one came first");
        assert_eq!(error.to_string(), format!("`{name}` changed in the channel while the run was tested without that"));
        assert_eq!(other.current().expect("a generation").set.len(), 1);
    }
}

#[test]
fn every_generation_of_many_promoters_is_a_tested_union() {
    const PROMOTERS: usize = 6;
    let (directory, store) = new_store();
    let package = |n: usize| format!("package{n}");
    thread::scope(|scope| {
        for n in 0..PROMOTERS {
            let path = directory.path();
            scope.spawn(move || {
                let store = Store::open(path).expect("a store");
                let (run, own, other) = (format!("run{n}"), package(n), package((n + 1) % PROMOTERS));
                stage(&store, &run, "develop", &own, "1.0", &run);
                loop {
                    resolve(&store, &run, "develop", &other);
                    match store.promote(&run) {
                        Ok(_) => break,
                        Err(PromoteError::Moved(names)) => assert_eq!(names, [&*other]),
                        Err(error) => panic!("{error}"),
                    }
                    store.rebase(&run).expect("space");
                }
            });
        }
    });
    assert_eq!(store.current().expect("a generation").number, PROMOTERS as u64);
    for number in 1..=PROMOTERS as u64 {
        let (before, after) = (store.generation(number - 1).expect("it"), store.generation(number).expect("it"));
        let stage = store.staged(&after.run).expect("a store").expect("it promoted");
        for (name, resolved) in &stage.resolved {
            let newest = before.newest("develop", name).map(|release| release.payload);
            assert_eq!(newest, *resolved, "{} was tested with another {name}", after.run);
        }
        assert_eq!(after.channels["develop"].packages.len(), number as usize, "nobody's package was lost");
    }
}

#[test]
fn a_reader_sees_whole_sets_and_never_an_older_one_again() {
    let (directory, store) = new_store();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let store = Store::open(directory.path()).expect("a store");
            let mut last = 0;
            while !done.load(Ordering::Acquire) {
                let current = store.current().expect("readable at any time");
                assert!(current.number >= last);
                last = current.number;
                let version = |name| current.newest("develop", name).map(|release| release.version.clone());
                assert_eq!(version("money"), version("catalog"));
            }
        });
        for n in 0..20 {
            let (run, version) = (format!("run{n}"), format!("1.0.dev{n}"));
            stage(&store, &run, "develop", "money", &version, &run);
            stage(&store, &run, "develop", "catalog", &version, &run);
            store.promote(&run).expect("nobody else promotes");
        }
        done.store(true, Ordering::Release);
        reader.join().expect("no panic");
    });
}

#[test]
fn two_runs_that_build_the_same_leave_one_version_public() {
    let (_directory, store) = new_store();
    stage(&store, "r1", "develop", "money", "1.5.0.dev2", "a");
    stage(&store, "r2", "develop", "money", "1.5.0.dev3", "a");
    let first = store.promote("r1").expect("nobody was faster");
    let second = store.promote("r2").expect("the same is public already");
    assert_eq!(second, first);
    let current = store.current().expect("a generation");
    assert_eq!(current.releases("develop", "money").len(), 1);
    store.rebase("r2").expect("it has a stage");
    assert!(store.stage("r2", "develop").expect("it has one").staged.is_empty());
}
