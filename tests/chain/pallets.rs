//! The Pallets set: seven real libraries and an application, with all of their tests.

use tests::{Example, Outcome};

#[test]
fn the_set_passes_its_own_tests_and_a_later_break_is_seen_downstream() {
    let pallets = Example::pallets();
    let first = pallets.run(&["run", "--json"]).ends_with(0);
    assert_eq!(first.tests_passed(), 4095);
    let promoted = pallets.promoted();
    for (name, version) in [("markupsafe", "3.0.2"), ("werkzeug", "3.1.6"), ("flask", "3.1.3")] {
        assert_eq!(promoted.develop(name), Some(version), "{promoted:?}");
    }

    let second = pallets.run(&["run", "--json"]).ends_with(0);
    assert_eq!(second.executed(), Vec::<String>::new());

    // a patch release whose own tests are green, and whose users' are not
    let mut command = pallets.command_of(env!("CARGO_BIN_EXE_another-pallet").as_ref(), &["run", "--json"]);
    let output = command.env("PALLET", "werkzeug==3.1.7").output().expect("the program starts");
    let werkzeug = Outcome::of(&output).ends_with(1);
    let steps = werkzeug.steps();
    assert_eq!(steps.get("werkzeug/pytest").map(String::as_str), Some("passed"), "{steps:?}");
    assert_eq!(steps.get("flask/pytest").map(String::as_str), Some("failed"), "{steps:?}");
    let failure = werkzeug.finished("flask/pytest").to_string();
    assert!(failure.contains("test_environ_for_valid_idna_completes"), "{failure}");
    assert_eq!(pallets.promoted(), promoted, "3.1.7 is staged, and not public");
}
