//! Runs that are killed: `resume` ends where an undisturbed run ends.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use tests::{Example, Promoted, building};

/// How many events a run may print before it is killed: early, in the middle of commands, around effects. Twenty moments.
pub(crate) const MOMENTS: [usize; 20] = [1, 2, 3, 5, 8, 12, 17, 21, 26, 31, 37, 43, 50, 58, 67, 77, 88, 100, 115, 135];

/// Starts the program, and kills it once it has printed that many lines that say something new. Gives whether it came so far.
pub(crate) fn killed(storefront: &Example, arguments: &[&str], lines: usize) -> bool {
    let mut command = storefront.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    let stdout = BufReader::new(child.stdout.take().expect("standard output"));
    // what is cached is quickly said: it would hide the moments behind it
    let new = stdout.lines().map_while(Result::ok).filter(|line| !line.contains("\"outcome\":\"cached\""));
    let reached = new.take(lines).count() == lines;
    kill(&mut child);
    reached
}

fn kill(child: &mut Child) {
    // SIGKILL; it may have ended meanwhile
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn a_run_that_is_killed_at_twenty_moments_ends_where_an_undisturbed_one_ends() {
    let expected = Example::promoted_storefront().promoted();
    let mut storefront = Example::storefront();
    let mut resumed = false;
    for (number, lines) in MOMENTS.into_iter().enumerate() {
        let arguments: &[&str] = if resumed { &["resume", "--json"] } else { &building(&["--json"]) };
        resumed = true;
        if !killed(&storefront, arguments, lines) {
            // it ended first: what it ended with is right, and the next moments are those of a new run
            finish(&storefront, &expected, number);
            storefront = Example::storefront();
            resumed = false;
        }
        consistent(&storefront, &expected);
    }
    if resumed {
        finish(&storefront, &expected, MOMENTS.len());
    }
}

#[test]
fn a_promotion_that_is_killed_while_it_tests_downstream_is_resumed() {
    let storefront = Example::promoted_storefront();
    storefront.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    storefront.commit("Say it better");
    let _ = storefront.run(&["run", "money"]).ends_with(0);
    let mut promote = storefront.command(&["promote", "--json"]);
    let mut promote = promote.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    // tox clears the environment of the tests, by which leftovers are known
    let stdout = BufReader::new(promote.stdout.take().expect("standard output"));
    let begun = |line: &String| line.contains("\"output\"") && line.contains("test session starts");
    let testing = stdout.lines().map_while(Result::ok).any(|line| begun(&line));
    kill(&mut promote);
    assert!(testing, "catalog is tested downstream");
    let resumed = storefront.run(&["resume", "--json"]).ends_with(0);
    assert!(resumed.executed().contains(&"promote".to_owned()), "{:?}", resumed.executed());
    assert_eq!(storefront.promoted().develop("money"), Some("1.5.0.dev2"));
    assert!(!has_leftovers(&storefront), "something still runs in {}", storefront.directory().display());
}

/// Goes on to the end, and compares.
pub(crate) fn finish(storefront: &Example, expected: &Promoted, moments: usize) {
    let run = storefront.run(&["resume", "--json"]).ends_with(0);
    assert_eq!(storefront.promoted(), *expected, "after {moments} moments: {}", run.stderr);
    assert_eq!(storefront.build(&["--json"]).ends_with(0).executed(), Vec::<String>::new());
    assert!(!has_leftovers(storefront), "something still runs in {}", storefront.directory().display());
}

/// At every moment, readers see nothing or everything.
pub(crate) fn consistent(storefront: &Example, expected: &Promoted) {
    let seen = storefront.promoted();
    assert!(seen == Promoted::default() || seen == *expected, "half of a set is visible: {seen:?}");
}

/// Whether a process works in the example's directory.
fn has_leftovers(storefront: &Example) -> bool {
    let place = storefront.directory();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(|entry| std::fs::read_link(entry.path().join("cwd")).ok()).any(|cwd| cwd.starts_with(&place))
}
