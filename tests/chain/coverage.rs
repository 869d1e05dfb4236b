//! Figures that must not depend on how tests were run.

use serde_json::Value;
use tests::{Example, Outcome};

fn figure(run: &Outcome, step: &str) -> (Value, Value) {
    let facts = run.finished(step)["result"]["facts"].clone();
    (facts["covered"].clone(), facts["total"].clone())
}

#[test]
fn the_figure_of_a_suite_on_several_workers_is_that_of_one() {
    let (storefront, first) = Example::promoted_storefront_and_its_first_run();
    storefront.edit("libs/money/pyproject.toml", "\"pytest>=8\"", "\"pytest>=8\", \"pytest-xdist>=3\"");
    storefront.edit("libs/money/pyproject.toml", "addopts = \"-ra\"", "addopts = \"-ra -n 2\"");
    storefront.commit("Test on two workers");
    let run = storefront.run(&["run", "money", "--json"]).ends_with(0);
    assert_eq!(run.finished("money/pytest")["outcome"], "passed");
    assert!(storefront.run(&["logs", "money/pytest"]).stdout.contains("2 workers"), "xdist did not run");
    assert_eq!(figure(&run, "money/pytest"), figure(&first, "money/pytest"));
}

#[test]
fn coverage_that_falls_stops_the_chain() {
    let storefront = Example::promoted_storefront();
    let before = storefront.promoted();
    // one test less is no matter; without this file a whole module is untested
    std::fs::remove_file(storefront.path().join("libs/money/tests/test_text.py")).expect("removed");
    storefront.commit("Test less");
    let run = storefront.build(&[]).ends_with(1);
    assert!(run.stderr.contains("coverage of `money` fell"), "{}", run.stderr);
    assert!(run.stderr.contains("text.py"), "it names the file: {}", run.stderr);
    assert_eq!(storefront.promoted(), before);
}

#[test]
fn tests_that_end_their_process_have_not_passed() {
    let storefront = Example::promoted_storefront();
    let before = storefront.promoted();
    let text = "import os\n\n\ndef test_end() -> None:\n    os._exit(0)\n";
    std::fs::write(storefront.path().join("libs/money/tests/test_amount_end.py"), text).expect("written");
    storefront.commit("End early");
    let _ = storefront.run(&["run", "money"]).ends_with(1).says("before it wrote its report");
    assert_eq!(storefront.promoted(), before);
}
