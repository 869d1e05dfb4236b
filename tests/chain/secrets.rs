//! A secret that steps put wherever they can is found nowhere.

use std::{fs, path::Path};

use tests::{Example, Outcome};

/// With everything that shells and JSON write otherwise.
const SECRET: &str = "s3cr'et \"of\" $HOME";

/// The secret, as it is and as others write it.
fn forms() -> Vec<String> {
    let json = serde_json::Value::from(SECRET).to_string();
    let shell = SECRET.replace('\'', "'\\''");
    let base64 = "czNjcidldCAib2YiICRIT01F".to_owned();
    vec![SECRET.to_owned(), json[1..json.len() - 1].to_owned(), shell, base64]
}

#[track_caller]
fn holds_none(what: &str, text: &str) {
    for form in forms() {
        assert!(!text.contains(&form), "the secret is in {what}:\n{text}");
    }
}

/// Looks into every file below a directory.
fn search(directory: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            files += search(&path);
        } else if let Ok(bytes) = fs::read(&path) {
            holds_none(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
            files += 1;
        }
    }
    files
}

#[test]
fn a_secret_is_in_no_output_event_journal_key_plan_error_or_panic() {
    let leaky = Example::project("leaky", env!("CARGO_BIN_EXE_leaky"));
    let run = |arguments: &[&str]| -> Outcome {
        let output = leaky.command(arguments).env("PIPELINE_TOKEN", SECRET).env("RUST_BACKTRACE", "0").output();
        let outcome = Outcome::of(&output.expect("the program starts"));
        holds_none(&format!("the output of {arguments:?}"), &outcome.stdout);
        holds_none(&format!("what {arguments:?} complains of"), &outcome.stderr);
        outcome
    };
    let first = run(&["run", "--json", "--keep-going"]).ends_with(1);
    // they all had it
    let said: Vec<String> =
        first.events().iter().filter_map(|event| event["line"].as_str().map(str::to_owned)).collect();
    for line in ["said: ***", "printed: ***", "complained: ***", "last words: ***", "***"] {
        assert!(said.iter().any(|text| text == line), "no `{line}` in {said:?}");
    }
    assert_eq!(first.finished("leaky/leak:outcome")["result"]["facts"]["token"], "***");
    assert_eq!(first.finished("leaky/leak:outcome")["result"]["summary"], "summed up: ***");
    assert_eq!(first.finished("leaky/leak:failure")["failure"]["message"], "failed: ***");
    assert_eq!(first.finished("leaky/leak:panic")["failure"]["message"], "`leaky/leak:panic` panicked: panicked: ***");
    assert_eq!(first.finished("effects/leak:receipt")["result"]["receipt"]["identifier"], "***");
    assert_eq!(first.finished("effects/leak:found")["result"]["receipt"]["target"], "***");
    assert!(first.stderr.contains("panicked: ***"), "{}", first.stderr);

    let again = run(&["run", "--keep-going"]).ends_with(1);
    assert!(again.stderr.contains("failed: ***") && again.stderr.contains("panicked: ***"), "{}", again.stderr);
    for arguments in [
        &["plan", "--all"] as &[&str],
        &["plan", "--json"],
        &["config", "--json"],
        &["status"],
        &["check"],
        &["logs", "leaky/leak:output"],
        &["why", "leaky/leak:output"],
        &["why", "effects/command:printing"],
        &["replay", "events.ndjson"],
        &["resume"],
    ] {
        let _ = run(arguments);
    }
    assert!(search(&leaky.state()) > 10);
    // a value that nobody may know makes no difference to what is known
    let output = leaky.command(&["run", "--json", "effects"]).env("PIPELINE_TOKEN", "another one").output();
    let other = Outcome::of(&output.expect("the program starts")).ends_with(0);
    assert_eq!(other.finished("effects/command:printing")["outcome"], "cached");
}

#[test]
fn a_strangers_build_and_one_without_its_secret_say_what_they_lack() {
    let leaky = Example::project("leaky", env!("CARGO_BIN_EXE_leaky"));
    let fork =
        [("CIRCLECI", "true"), ("CIRCLE_PR_NUMBER", "42"), ("CIRCLE_PR_USERNAME", "eve"), ("PIPELINE_TOKEN", SECRET)];
    let output = leaky.command(&["run", "--json"]).envs(fork).output().expect("the program starts");
    let run = Outcome::of(&output).ends_with(0);
    let lacked = run.finished("leaky/leak:output");
    assert_eq!(lacked["reason"], "unknown, not a pass: pull request 42, from a fork, gets no secrets");
    assert!(run.executed().is_empty(), "{:?}", run.steps());

    let lacking = leaky.run(&["check"]).ends_with(3);
    assert!(lacking.stderr.contains("cannot read the secret in `"), "{}", lacking.stderr);
    let lacking = leaky.run(&["run", "effects", "--set", "token.env=NOT_SET"]).ends_with(3);
    assert!(lacking.stderr.contains("the variable `NOT_SET`, which holds a secret, is not set"), "{}", lacking.stderr);

    let token = leaky.directory().join("token");
    fs::write(&token, "from a file\n").expect("written");
    let set = format!("token.file={}", token.display());
    let printing = |set: &str| leaky.run(&["run", "effects", "--json", "--no-cache", "--set", set]).ends_with(0);
    let said =
        |run: &Outcome| run.events().iter().filter_map(|event| event["line"].as_str().map(str::to_owned)).next_back();
    assert_eq!(said(&printing(&set)).as_deref(), Some("***"));
    assert_eq!(said(&printing("token.command=echo,printed by a program")).as_deref(), Some("***"));
}
