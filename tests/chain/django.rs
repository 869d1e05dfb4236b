//! A Django project runs its tests itself, with its own `TEST_RUNNER`.

use tests::Example;

const DESK: &str = env!("CARGO_BIN_EXE_desk");

#[test]
fn a_django_project_is_tested_by_its_own_runner() {
    let desk = Example::project("desk", DESK);
    let run = desk.run(&["run", "--json"]).ends_with(0);
    let suite = run.finished("desk/pytest");
    assert_eq!(suite["tests"].to_string(), r#"{"failed":0,"passed":4,"skipped":2}"#);
    assert!(suite["result"]["facts"]["covered"].as_str().is_some_and(|lines| lines != "0"), "{suite}");
    // a second run has nothing to do
    let again = desk.run(&["run", "--json"]).ends_with(0);
    assert_eq!(again.finished("desk/pytest")["outcome"], "cached");

    desk.edit("tickets/queue.py", "return None", "return {}");
    let red = desk.run(&["run"]).ends_with(1);
    let message = "1 of 6 tests failed: tickets/tests.py::QueueTests::test_nothing_comes_first_of_nothing";
    assert!(red.stderr.contains(message), "{}", red.stderr);
}

#[test]
fn a_module_that_cannot_be_imported_is_no_passed_suite() {
    let desk = Example::project("desk", DESK);
    desk.edit("tickets/tests.py", "from tickets.queue import first", "from tickets.queue import last");
    let red = desk.run(&["run"]).ends_with(1);
    assert!(red.stderr.contains("1 test file cannot be collected: tickets/tests.py"), "{}", red.stderr);
}
