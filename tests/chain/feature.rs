//! What builds that publish nothing do: features, pull requests, dry runs.

use tests::Example;

#[test]
fn a_feature_build_tests_everything_and_publishes_nothing() {
    let storefront = Example::promoted_storefront();
    let before = storefront.promoted();
    storefront.git(&["switch", "--quiet", "--create", "feature/discounts"]);
    storefront.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    storefront.commit("Say it better");
    let run = storefront.run(&["run", "--branch", "feature/discounts", "--json"]).ends_with(0);
    let steps = run.steps();
    assert_eq!(steps.get("money/pytest").map(String::as_str), Some("passed"), "{steps:?}");
    assert_eq!(steps.get("money/upload").map(String::as_str), Some("skipped"), "{steps:?}");
    assert!(run.events().iter().all(|event| event["type"] != "effect" && event["type"] != "promoted"), "{steps:?}");
    let wheel = &run.finished("money/wheel")["result"]["artifacts"]["wheel"]["file"];
    assert!(wheel.as_str().is_some_and(|file| file.contains("+discounts")), "{wheel}");
    assert_eq!(storefront.promoted(), before);
}

#[test]
fn a_dry_run_changes_nothing_at_all() {
    let storefront = Example::storefront();
    let run = storefront.run(&["run", "--dry-run"]).ends_with(0);
    assert!(run.stdout.contains("money/upload") || run.stdout.contains("upload"), "{}", run.stdout);
    assert!(!storefront.state().exists(), "a dry run makes no state");
    assert_eq!(storefront.git(&["status", "--porcelain", "--ignored"]), "");
}

#[test]
fn a_plan_says_for_each_step_whether_it_runs_and_why() {
    let storefront = Example::storefront();
    let plan = storefront.run(&["plan", "--all", "--json", "--branch", "feature/x"]).ends_with(0);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).expect("JSON");
    assert_eq!((&plan["version"], &plan["pipeline"]), (&1.into(), &"storefront".into()));
    assert_eq!(plan["context"]["kind"], "feature");
    let steps = plan["steps"].as_array().expect("steps");
    let action = |id: &str| steps.iter().find(|step| step["id"] == id).map(|step| step["action"].clone());
    assert_eq!(action("money/pytest"), Some("run".into()));
    assert_eq!(action("money/upload"), Some("skip".into()));
    for step in steps {
        assert!(step["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{step}");
    }
    assert_eq!(
        storefront.run(&["plan", "--json"]).stdout,
        storefront.run(&["plan", "--json"]).stdout,
        "the same inputs, the same bytes"
    );
}
