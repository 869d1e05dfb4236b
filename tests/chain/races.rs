//! Several runs at once on one state.

use tests::{Example, Outcome, building};

fn ended(child: std::process::Child) -> Outcome {
    Outcome::of(&child.wait_with_output().expect("it ends"))
}

#[test]
fn two_runs_of_one_change_end_in_one_state() {
    let storefront = Example::promoted_storefront();
    storefront.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    storefront.commit("Say it better");
    let alone = storefront.copied();
    let children = [storefront.start(&building(&["--json"])), storefront.start(&building(&["--json"]))];
    for run in children.map(ended) {
        let _ = run.ends_with(0);
    }
    let _ = alone.build(&["--json"]).ends_with(0);
    let (together, alone) = (storefront.promoted(), alone.promoted());
    assert_eq!(together.develop("catalog"), alone.develop("catalog"));
    assert_eq!(together.figures, alone.figures);
    // which of the two was first is nobody's business, but one of them is what is public, and stays
    let version = together.develop("money").expect("money is public");
    assert!(["1.5.0.dev2", "1.5.0.dev3"].contains(&version), "{version}");
    let settled = storefront.build(&["--json"]).ends_with(0);
    assert!(settled.events().iter().all(|event| event["type"] != "promoted"), "{:?}", settled.executed());
    assert_eq!(storefront.promoted(), together);
    assert_eq!(storefront.build(&["--json"]).ends_with(0).executed(), Vec::<String>::new());
}

#[test]
fn two_runs_of_different_changes_make_public_only_what_was_tested_together() {
    let storefront = Example::promoted_storefront();
    let other = storefront.with_another_checkout();
    storefront.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    storefront.commit("Say it better");
    other.edit("libs/catalog/catalog/search.py", "\"\"\"", "\"\"\"Today: ");
    other.commit("Say when");
    let children = [storefront.start(&building(&["--json"])), other.start(&building(&["--json"]))];
    let runs = children.map(|child| ended(child).ends_with(0));
    let generation = |run: &Outcome| {
        let promoted = run.events().into_iter().rev().find(|event| event["type"] == "promoted");
        promoted
            .and_then(|event| event["generation"].as_u64())
            .unwrap_or_else(|| panic!("not promoted:\n{}", run.stdout))
    };
    let last = runs.iter().max_by_key(|run| generation(run)).expect("two runs");
    assert_eq!(runs.iter().map(generation).collect::<std::collections::BTreeSet<_>>(), [2, 3].into());
    let began_again = last.events().iter().any(|event| event["type"] == "rebased");
    assert!(began_again, "the later one was begun on what the earlier one changed");
    // what shop was tested with last is what is public now
    let lock = last.finished("shop/resolve")["result"]["artifacts"]["lock"]["digest"].as_str().map(str::to_owned);
    let lock = storefront.blob(&lock.expect("a lock"));
    let promoted = storefront.promoted();
    for (file, digest) in promoted.files.iter().filter(|(file, _)| file.ends_with(".whl")) {
        assert!(lock.contains(digest.as_str()), "shop was not tested with {file}:\n{lock}");
    }
}
