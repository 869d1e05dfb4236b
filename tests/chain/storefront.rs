//! The storefront from an empty state to a promoted set, and what later runs do.

use std::{collections::BTreeSet, path::Path, process::Command};

use serde_json::Value;
use tests::{Example, Outcome};

/// The digests of the files that a step left or put, by name.
fn digests(run: &Outcome, step: &str) -> BTreeSet<String> {
    let finished = run.finished(step);
    let artifacts =
        ["wheel", "sdist"].map(|name| finished["result"]["artifacts"][name]["digest"].as_str().map(str::to_owned));
    let receipt = finished["result"]["receipt"]["digests"].as_object().into_iter().flat_map(|digests| digests.values());
    artifacts.into_iter().flatten().chain(receipt.filter_map(Value::as_str).map(str::to_owned)).collect()
}

#[test]
fn a_clean_clone_with_an_empty_state_ends_with_a_promoted_set() {
    let (storefront, first) = Example::promoted_storefront_and_its_first_run();
    let steps = first.steps();
    for step in ["money/flake8", "money/mypy", "money/pytest", "catalog/tox", "shop/integration-tests", "promote"] {
        assert_eq!(steps.get(step).map(String::as_str), Some("passed"), "{step}: {steps:?}");
    }
    assert!(first.tests_passed() >= 170, "{}", first.tests_passed());
    let promoted = storefront.promoted();
    let names: Vec<&str> = promoted.versions.keys().map(String::as_str).collect();
    assert_eq!(names, ["develop catalog", "develop money"], "an application is no package of an index");
    assert_eq!(promoted.develop("money"), Some("1.5.0.dev1"));
    assert_eq!(
        promoted.figures.keys().collect::<Vec<_>>(),
        ["develop catalog/coverage-ratchet", "develop money/coverage-ratchet"]
    );
}

#[test]
fn the_bytes_tested_are_the_bytes_published() {
    let (storefront, first) = Example::promoted_storefront_and_its_first_run();
    let public: BTreeSet<String> = storefront.promoted().files.into_values().collect();
    let mut built = BTreeSet::new();
    for library in ["money", "catalog"] {
        let wheel = digests(&first, &format!("{library}/wheel"));
        assert_eq!(wheel.len(), 2, "a wheel and an sdist of {library}");
        assert_eq!(wheel, digests(&first, &format!("{library}/upload")));
        built.extend(wheel);
    }
    assert_eq!(built, public);
    // what shop was tested with is asked for by these digests
    let lock = first.finished("shop/resolve")["result"]["artifacts"]["lock"]["digest"].as_str().map(str::to_owned);
    let lock = storefront.blob(&lock.expect("a lock"));
    let hashes = built.iter().filter(|digest| lock.contains(digest.as_str())).count();
    assert!(hashes >= 2, "the lock of shop names neither wheel:\n{lock}");
}

#[test]
fn an_sdist_holds_the_source_and_nothing_that_lies_around_it() {
    let storefront = Example::promoted_storefront();
    let promoted = storefront.promoted();
    for (library, packed) in [("money", vec!["PKG-INFO"]), ("catalog", vec!["PKG-INFO", "setup.cfg"])] {
        let sdist = promoted.files.iter().find(|(file, _)| file.contains(library) && file.ends_with(".tar.gz"));
        let (_, digest) = sdist.expect("an sdist");
        let names = members(&storefront.stored(digest));
        let source = storefront.git(&["ls-files", &format!("libs/{library}")]);
        let strangers: Vec<&String> = names
            .iter()
            .filter(|name| !packed.contains(&name.as_str()) && !name.contains(".egg-info"))
            .filter(|name| !source.lines().any(|file| file == format!("libs/{library}/{name}")))
            .collect();
        assert!(names.len() > 10 && strangers.is_empty(), "{library}: {strangers:?}");
    }
}

/// The files of an sdist, without its top directory.
fn members(sdist: &Path) -> Vec<String> {
    let output = Command::new("tar").arg("tzf").arg(sdist).output().expect("tar");
    let text = String::from_utf8(output.stdout).expect("names in UTF-8");
    let below = text.lines().filter_map(|line| Some(line.split_once('/')?.1));
    below.filter(|name| !name.is_empty() && !name.ends_with('/')).map(str::to_owned).collect()
}

#[test]
fn a_run_leaves_the_checkout_as_it_was() {
    let storefront = Example::promoted_storefront();
    assert_eq!(storefront.git(&["status", "--porcelain", "--ignored"]), "");
}

#[test]
fn a_second_run_executes_nothing_and_says_why() {
    let storefront = Example::promoted_storefront();
    let before = storefront.promoted();
    let second = storefront.build(&["--json"]).ends_with(0);
    assert_eq!(second.executed(), Vec::<String>::new());
    for event in second.events().iter().filter(|event| event["outcome"] == "cached") {
        assert!(event["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{event}");
    }
    assert_eq!(storefront.promoted(), before);
    let third = storefront.build(&[]).ends_with(0).says("nothing that it reads has changed");
    assert!(third.stdout.contains("nothing to do"), "{}", third.stdout);
    let why = storefront.run(&["why", "catalog/tox"]).ends_with(0);
    assert!(why.stdout.contains("nothing that it reads has changed"), "{}", why.stdout);
}

#[test]
fn an_edited_test_of_money_rebuilds_money_and_stops_there() {
    let storefront = Example::promoted_storefront();
    let before = storefront.promoted();
    storefront.edit(
        "libs/money/tests/test_currency.py",
        "def test_the_smallest_coin",
        "def test_the_very_smallest_coin",
    );
    storefront.commit("Rename a test");
    let run = storefront.build(&["--json"]).ends_with(0);
    let executed = run.executed();
    for step in ["money/sdist", "money/wheel", "money/pytest"] {
        assert!(executed.iter().any(|executed| executed == step), "{step}: {executed:?}");
    }
    assert!(executed.iter().all(|step| step.starts_with("money/")), "{executed:?}");
    assert!(!executed.contains(&"money/upload".to_owned()), "the wheel is what it was: {executed:?}");
    assert_eq!(storefront.promoted(), before);
    let why = storefront.run(&["why", "money/pytest"]).ends_with(0);
    assert!(why.stdout.contains("test_currency.py"), "the reason names the file: {}", why.stdout);
}

#[test]
fn an_edited_source_of_money_is_tested_downstream_and_uploaded_alone() {
    let storefront = Example::promoted_storefront();
    let before = storefront.promoted();
    storefront.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    storefront.commit("Say it better");
    let executed = storefront.build(&["--json"]).ends_with(0).executed();
    let ran = |step: &str| executed.iter().any(|executed| executed == step);
    for step in ["money/wheel", "money/pytest", "money/upload", "catalog/tox", "shop/integration-tests", "promote"] {
        assert!(ran(step), "{step}: {executed:?}");
    }
    for step in ["catalog/wheel", "catalog/flake8", "catalog/upload", "shop/wheel"] {
        assert!(!ran(step), "{step} does not depend on money's code: {executed:?}");
    }
    let after = storefront.promoted();
    assert_eq!(after.develop("money"), Some("1.5.0.dev2"));
    assert_eq!(after.develop("catalog"), before.develop("catalog"));
}

#[test]
fn an_uncommitted_change_is_public_on_this_machine_under_a_local_label() {
    let storefront = Example::promoted_storefront();
    storefront.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    let run = storefront.build(&[]).ends_with(0);
    let version = storefront.promoted().develop("money").map(str::to_owned).unwrap_or_default();
    assert!(version.starts_with("1.5.0.dev") && version.contains("+d"), "{version}");
    assert!(run.stdout.contains(&version), "{}", run.stdout);
}

#[test]
fn a_broken_library_is_not_promoted() {
    let storefront = Example::promoted_storefront();
    let before = storefront.promoted();
    storefront.edit("libs/money/src/money/rounding.py", "decimal.ROUND_HALF_UP", "decimal.ROUND_HALF_DOWN");
    storefront.commit("Break it");
    let run = storefront.build(&[]).ends_with(1).says("test_rounding_modes");
    assert!(run.stdout.contains("nothing was promoted"), "{}", run.stdout);
    assert_eq!(storefront.promoted(), before);
    let log = storefront.run(&["logs", "money/pytest"]).ends_with(0);
    assert!(log.stdout.contains("test_rounding_modes"), "{}", log.stdout);
}

#[test]
fn a_library_that_is_green_itself_and_breaks_its_users_is_not_promoted() {
    let storefront = Example::promoted_storefront();
    let before = storefront.promoted();
    // money's authors think that a no-break space is better, and adapt their own test
    storefront.edit("libs/money/src/money/text.py", "digits}f} {payable", "digits}f}\\u00a0{payable");
    storefront.edit(
        "libs/money/tests/test_text.py",
        "assert format_money(money) == expected",
        "assert format_money(money).replace(\"\\u00a0\", \" \") == expected",
    );
    storefront.commit("Keep amounts and currencies together");
    let run = storefront.build(&["--json"]).ends_with(1);
    let steps = run.steps();
    assert_eq!(steps.get("money/pytest").map(String::as_str), Some("passed"), "{steps:?}");
    let red: Vec<&String> = steps.iter().filter(|(_, outcome)| *outcome == "failed").map(|(step, _)| step).collect();
    assert!(!red.is_empty() && red.iter().all(|step| !step.starts_with("money/")), "{steps:?}");
    assert_ne!(steps.get("promote").map(String::as_str), Some("passed"));
    assert_eq!(storefront.promoted(), before);
}
