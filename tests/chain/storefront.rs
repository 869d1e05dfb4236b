//! The storefront from an empty state to a promoted set, and what a second run does.

use tests::Example;

#[test]
fn an_empty_state_ends_promoted_and_a_second_run_executes_nothing() {
    let storefront = Example::storefront();
    let first = storefront.run(&["run", "--json"]).ends_with(0);
    let steps = first.steps();
    for step in ["money/pytest", "catalog/tox", "shop/integration-tests", "money/upload", "catalog/upload", "promote"] {
        assert_eq!(steps.get(step).map(String::as_str), Some("passed"), "{step}: {steps:?}");
    }
    assert!(first.tests_passed() > 100, "{}", first.tests_passed());

    let second = storefront.run(&["run", "--json"]).ends_with(0);
    assert_eq!(second.executed(), Vec::<String>::new());
    storefront.run(&["run"]).ends_with(0).says("nothing that it reads has changed");
}

#[test]
fn an_edited_test_of_money_rebuilds_money_and_stops_there() {
    let storefront = Example::storefront();
    let _ = storefront.run(&["run", "--json"]).ends_with(0);
    storefront.edit(
        "libs/money/tests/test_currency.py",
        "def test_the_smallest_coin",
        "def test_the_very_smallest_coin",
    );
    let run = storefront.run(&["run", "--json"]).ends_with(0);
    let executed = run.executed();
    assert!(
        executed.contains(&"money/pytest".to_owned()) && executed.contains(&"money/wheel".to_owned()),
        "{executed:?}"
    );
    assert!(executed.iter().all(|step| step.starts_with("money/")), "{executed:?}");
}

#[test]
fn a_broken_library_is_not_promoted() {
    let storefront = Example::storefront();
    let _ = storefront.run(&["run", "--json"]).ends_with(0);
    storefront.edit("libs/money/src/money/rounding.py", "decimal.ROUND_HALF_UP", "decimal.ROUND_HALF_DOWN");
    let run = storefront.run(&["run"]).ends_with(1);
    assert!(run.stderr.contains("test_rounding_modes"), "{}", run.stderr);
}
