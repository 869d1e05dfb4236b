//! A library with an extension module on several Pythons: each gets a wheel of its own, and all of them are published.

use std::collections::BTreeSet;

use tests::Example;

#[test]
fn each_python_of_the_matrix_is_tested_with_a_wheel_of_its_own() {
    let native = Example::project("native", env!("CARGO_BIN_EXE_native"));
    let run = native.run(&["run", "--json"]).ends_with(0);
    let steps = run.steps();
    let outcome = |step: &str| steps.get(step).map(String::as_str);
    let tested: BTreeSet<&str> = ["3.11", "3.12"]
        .into_iter()
        .filter(|python| outcome(&format!("native/pytest:{python}")) == Some("passed"))
        .collect();
    let unknown: BTreeSet<&str> = ["3.11", "3.12"]
        .into_iter()
        .filter(|python| outcome(&format!("native/pytest:{python}")) == Some("skipped"))
        .collect();
    assert!(!tested.is_empty() && tested.len() + unknown.len() == 2, "{steps:?}");
    let wheels: Vec<String> = native
        .promoted()
        .files
        .into_keys()
        .filter(|file| file.starts_with("develop native-") && file.ends_with(".whl"))
        .collect();
    for python in tested {
        let tag = format!("-cp{}-", python.replace('.', ""));
        assert!(wheels.iter().any(|wheel| wheel.contains(&tag)), "no {tag} in {wheels:?}");
    }
    // bytes that are public already are used again, all of them
    let again = native.run(&["run", "--no-cache", "--json"]).ends_with(0);
    assert_eq!(again.finished("native/wheel")["result"]["facts"]["reused"], "true", "{}", again.stderr);
}
