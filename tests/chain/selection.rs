//! Runs of some jobs: what they leave out, and how one goes on.

use tests::Example;

fn edited() -> Example {
    let storefront = Example::promoted_storefront();
    storefront.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    storefront.commit("Say it better");
    storefront
}

#[test]
fn a_run_of_money_alone_ends_staged_and_promote_goes_on() {
    let storefront = edited();
    let before = storefront.promoted();
    let run = storefront.run(&["run", "money"]).ends_with(0);
    assert!(run.stdout.contains("staged money 1.5.0.dev2"), "{}", run.stdout);
    assert!(run.stdout.contains("catalog") && run.stdout.contains("shop"), "it names what it left out: {}", run.stdout);
    assert_eq!(storefront.promoted(), before, "staged is not promoted");
    let status = storefront.run(&["status"]).ends_with(0);
    assert!(status.stdout.contains("staged without"), "{}", status.stdout);

    let promote = storefront.run(&["promote", "--json"]).ends_with(0);
    let executed = promote.executed();
    for step in ["catalog/tox", "shop/integration-tests", "promote"] {
        assert!(executed.iter().any(|executed| executed == step), "{step}: {executed:?}");
    }
    assert!(!executed.contains(&"money/pytest".to_owned()), "it passed in the same run: {executed:?}");
    assert_eq!(storefront.promoted().develop("money"), Some("1.5.0.dev2"));
}

#[test]
fn a_staged_set_that_fails_downstream_is_not_promoted_later_either() {
    let storefront = Example::promoted_storefront();
    let before = storefront.promoted();
    storefront.edit("libs/money/src/money/text.py", "digits}f} {payable", "digits}f}\\u00a0{payable");
    storefront.edit(
        "libs/money/tests/test_text.py",
        "assert format_money(money) == expected",
        "assert format_money(money).replace(\"\\u00a0\", \" \") == expected",
    );
    storefront.commit("Keep amounts and currencies together");
    let _ = storefront.run(&["run", "money"]).ends_with(0);
    let _ = storefront.run(&["promote"]).ends_with(1);
    assert_eq!(storefront.promoted(), before);
}

#[test]
fn downstream_jobs_come_along_when_they_are_asked_for() {
    let storefront = edited();
    let run = storefront.run(&["run", "money", "--downstream", "--json"]).ends_with(0);
    assert!(run.executed().contains(&"promote".to_owned()), "{:?}", run.steps());
    assert_eq!(storefront.promoted().develop("money"), Some("1.5.0.dev2"));
}

#[test]
fn an_unknown_job_is_answered_with_the_nearest_one() {
    let storefront = Example::promoted_storefront();
    let run = storefront.run(&["run", "mony"]).ends_with(2);
    assert!(run.stderr.contains("`money`"), "{}", run.stderr);
}

#[test]
fn what_can_run_beside_a_red_step_runs_with_keep_going() {
    let storefront = Example::promoted_storefront();
    storefront.edit("libs/money/src/money/rounding.py", "decimal.ROUND_HALF_UP", "decimal.ROUND_HALF_DOWN");
    storefront.edit("libs/catalog/catalog/search.py", "import", "import ");
    storefront.commit("Break one, touch another");
    let steps = storefront.build(&["--keep-going", "--json"]).ends_with(1).steps();
    let outcome = |step: &str| steps.get(step).map(String::as_str);
    assert_eq!(outcome("money/pytest"), Some("failed"), "{steps:?}");
    assert!(matches!(outcome("catalog/wheel"), Some("passed")), "{steps:?}");
    assert_eq!(outcome("catalog/tox"), Some("skipped"), "{steps:?}");
}
