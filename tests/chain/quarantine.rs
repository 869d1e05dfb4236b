//! A flaky test in quarantine, with a real pytest.

use tests::{Example, Outcome};

fn run(tally: &Example, until: &str) -> Outcome {
    let mut command = tally.command(&["run", "--json"]);
    Outcome::of(&command.env("UNTIL", until).output().expect("the program starts"))
}

#[test]
fn a_test_in_quarantine_is_run_and_said_and_fails_nobody_until_its_day() {
    let tally = Example::project("tally", env!("CARGO_BIN_EXE_quarantined"));
    let (then, later) = ("2020-01-01", "2099-12-31");
    tally.edit("tests/test_tally.py", "\"a\": 2", "\"a\": 3");

    let held = run(&tally, later).ends_with(0);
    let suite = held.finished("tally/pytest");
    assert_eq!((suite["outcome"].as_str(), suite["tests"]["failed"].as_u64()), (Some("passed"), Some(1)), "{suite}");
    let sentence =
        "1 quarantined test failed: tests/test_tally.py::test_words_are_counted (ana answers for it, until 2099-12-31)";
    assert!(held.stdout.contains(sentence), "{}", held.stdout);

    // a pass in which it failed is no later run's
    let again = run(&tally, later).ends_with(0);
    assert!(again.executed().contains(&"tally/pytest".to_owned()), "{:?}", again.steps());

    // its day is over
    let over = run(&tally, then).ends_with(1);
    assert_eq!(over.finished("tally/pytest")["outcome"], "failed");
    let ended = "the quarantine of tests/test_tally.py::test_words_are_counted ended on 2020-01-01";
    assert!(over.stderr.contains(ended) || over.stdout.contains(ended), "{}{}", over.stdout, over.stderr);

    // mended, it is a test like others
    tally.edit("tests/test_tally.py", "\"a\": 3", "\"a\": 2");
    assert_eq!(run(&tally, later).ends_with(0).finished("tally/pytest")["tests"]["failed"], 0);
    assert_eq!(run(&tally, later).ends_with(0).finished("tally/pytest")["outcome"], "cached");
}
