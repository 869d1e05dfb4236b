//! Several runs at once on one state.

use tests::{Example, Outcome};

fn ended(child: std::process::Child) -> Outcome {
    Outcome::of(&child.wait_with_output().expect("it ends"))
}

#[test]
fn two_runs_of_one_change_end_in_one_state() {
    let storefront = Example::promoted_storefront();
    storefront.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    storefront.commit("Say it better");
    let alone = storefront.copied();
    let children = [storefront.start(&["run", "--json"]), storefront.start(&["run", "--json"])];
    for run in children.map(ended) {
        let _ = run.ends_with(0);
    }
    let _ = alone.run(&["run", "--json"]).ends_with(0);
    let (together, alone) = (storefront.promoted(), alone.promoted());
    assert_eq!(together.develop("catalog"), alone.develop("catalog"));
    assert_eq!(together.figures, alone.figures);
    // which of the two was first is nobody's business, but one of them is what is public
    let version = together.develop("money").expect("money is public");
    assert!(["1.5.0.dev2", "1.5.0.dev3"].contains(&version), "{version}");
    let again = storefront.run(&["run", "--json"]).ends_with(0);
    assert_eq!(again.executed(), Vec::<String>::new());
}

#[test]
fn two_runs_of_different_changes_lose_neither() {
    let storefront = Example::promoted_storefront();
    let other = storefront.with_another_checkout();
    storefront.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    storefront.commit("Say it better");
    other.edit("libs/catalog/catalog/search.py", "\"\"\"", "\"\"\"Today: ");
    other.commit("Say when");
    let children = [storefront.start(&["run", "--json"]), other.start(&["run", "--json"])];
    for run in children.map(ended) {
        let _ = run.ends_with(0);
    }
    let promoted = storefront.promoted();
    assert_eq!(promoted.develop("money"), Some("1.5.0.dev2"), "{promoted:?}");
    assert_eq!(promoted.develop("catalog"), Some("0.3.0.dev2"), "{promoted:?}");
}
