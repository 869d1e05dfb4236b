//! Two runs whose steps come in every order: what is public was tested together, or a run is refused.

use std::collections::BTreeMap;

use super::*;
use crate::store::PromoteError;

/// What a run builds, and what it is tested with.
#[derive(Debug, Clone, Copy)]
struct Build {
    run: &'static str,
    package: &'static str,
    content: &'static str,
    tested_with: Option<&'static str>,
}

/// The steps of a run, in its own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Stage,
    Resolve,
    Reserve,
    Promote,
}

const STEPS: [Step; 4] = [Step::Stage, Step::Resolve, Step::Reserve, Step::Promote];

/// All orders of the steps of two runs: which of them takes its next one.
fn orders() -> impl Iterator<Item = Vec<usize>> {
    let count = 2 * STEPS.len();
    let chosen = move |bits: usize| (0..count).map(move |place| bits >> place & 1).collect::<Vec<_>>();
    (0..1usize << count).filter(|bits| bits.count_ones() as usize == STEPS.len()).map(chosen)
}

/// What two runs come to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ends {
    /// Both were promoted as they were.
    union: usize,
    /// The second one was refused, and promoted when it was tested with the first.
    refused: usize,
}

fn ends(builds: [Build; 2]) -> Ends {
    let mut ends = Ends::default();
    for order in orders() {
        let directory = tempfile::tempdir().expect("a directory");
        let (store, _) = Store::in_memory(directory.path());
        promote(&store, "r0", "develop", "money", "1.5.0.dev0", "money");
        promote(&store, "r00", "develop", "catalog", "1.5.0.dev0", "catalog");
        let (mut next, mut given, mut moved) = ([0, 0], BTreeMap::new(), 0);
        for who in order.iter().copied() {
            let (build, step) = (builds[who], STEPS[next[who]]);
            next[who] += 1;
            match step {
                Step::Stage => {
                    store.stage(build.run, "develop").expect("space");
                }
                Step::Resolve => tested(&store, build),
                Step::Reserve => {
                    let version = store.reserve(build.run, build.package, &dev(1)).expect("space").to_string();
                    stage(&store, build.run, "develop", build.package, &version, build.content);
                    let earlier = given.insert((build.package, version), build.run);
                    assert_eq!(earlier, None, "{order:?}: nobody's number is given again");
                }
                Step::Promote => match store.promote(build.run) {
                    Ok(_) => {}
                    Err(PromoteError::Moved(names)) => {
                        moved += 1;
                        let other = builds[1 - who].package;
                        assert_eq!(names, [other], "{order:?}");
                        assert_eq!(store.promoted(build.run).expect("readable"), None);
                        store.rebase(build.run).expect("space");
                        tested(&store, build);
                        store.promote(build.run).expect("it is tested with the other one now");
                    }
                    Err(error) => panic!("{order:?}: {error}"),
                },
            }
        }
        everything_is_a_tested_union(&store, &order);
        let current = store.current().expect("readable");
        for build in builds {
            let newest = current.newest("develop", build.package).expect("it was promoted").payload;
            let contents = builds.map(|build| Digest::of(build.content));
            assert!(contents.contains(&newest), "{order:?}: `{}` is lost", build.package);
        }
        if moved == 0 { ends.union += 1 } else { ends.refused += 1 }
    }
    ends
}

/// The run is tested with what is the newest now.
fn tested(store: &Store, build: Build) {
    if let Some(other) = build.tested_with {
        let stage = store.staged(build.run).expect("readable").expect("it has one");
        let base = store.generation(stage.base).expect("it was current");
        let payload = base.newest("develop", other).map(|release| release.payload);
        store
            .update_stage(build.run, |stage| {
                let _ = stage.resolved.insert(other.to_owned(), payload);
            })
            .expect("space");
    }
}

fn everything_is_a_tested_union(store: &Store, order: &[usize]) {
    for number in 1..=store.current().expect("readable").number {
        let (before, after) = (store.generation(number - 1).expect("it"), store.generation(number).expect("it"));
        let stage = store.staged(&after.run).expect("readable").expect("it promoted");
        for (name, resolved) in &stage.resolved {
            let newest = before.newest("develop", name).map(|release| release.payload);
            assert_eq!(newest, *resolved, "{order:?}: {} was tested with another {name}", after.run);
        }
        for name in ["money", "catalog"].iter().filter(|name| !after.set.contains_key(**name)) {
            assert_eq!(
                after.newest("develop", name),
                before.newest("develop", name),
                "{order:?}: nothing else changes"
            );
        }
    }
}

fn build(run: &'static str, package: &'static str, tested_with: impl Into<Option<&'static str>>) -> Build {
    Build { run, package, content: run, tested_with: tested_with.into() }
}

#[test]
fn two_runs_of_packages_that_do_not_know_each_other_are_both_promoted_in_every_order() {
    assert_eq!(ends([build("r1", "money", None), build("r2", "catalog", None)]), Ends { union: 70, refused: 0 });
}

#[test]
fn of_two_runs_that_were_tested_with_what_the_other_replaces_the_second_is_refused_in_every_order() {
    let ends = ends([build("r1", "money", "catalog"), build("r2", "catalog", "money")]);
    // only where one begins after the other's end has it seen it: two orders
    assert_eq!(ends, Ends { union: 2, refused: 68 });
}

#[test]
fn a_run_that_is_tested_with_what_another_replaces_is_refused_only_after_that() {
    let ends = ends([build("r1", "money", "catalog"), build("r2", "catalog", None)]);
    assert_eq!(ends.union + ends.refused, 70);
    // r1 is first in half of the orders; in the others it is refused unless it began after r2's end
    assert_eq!(ends, Ends { union: 36, refused: 34 });
}

#[test]
fn of_two_runs_that_build_one_package_otherwise_the_second_is_refused_in_every_order() {
    let ends = ends([build("r1", "money", None), build("r2", "money", None)]);
    assert_eq!(ends, Ends { union: 2, refused: 68 });
}

#[test]
fn two_runs_that_build_the_same_are_never_in_each_others_way() {
    let same = |run| Build { run, package: "money", content: "same", tested_with: None };
    assert_eq!(ends([same("r1"), same("r2")]), Ends { union: 70, refused: 0 });
}
