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
    let (python, xml) = (SECRET.replace('\'', "\\'"), SECRET.replace('"', "&quot;"));
    vec![SECRET.to_owned(), json[1..json.len() - 1].to_owned(), shell, base64, python, xml]
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
fn a_secret_of_tests_is_in_no_report_and_what_holds_one_goes_no_further() {
    let storefront = Example::promoted_storefront();
    let run = |token: &str, arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_secretive").as_ref();
        let mut command = storefront.command_of(program, &[&["run", "--json", "--keep-going"], arguments].concat());
        let outcome = Outcome::of(&command.env("RATES_TOKEN", token).output().expect("the program starts"));
        holds_none("the output", &outcome.stdout);
        holds_none("what it complains of", &outcome.stderr);
        outcome
    };
    let test = |claim: &str| {
        let head = "import os\n\n\ndef test_token():\n    token = os.environ[\"RATES_TOKEN\"]\n    print(token)\n";
        let file = storefront.path().join("libs/money/tests/test_token.py");
        fs::write(file, format!("{head}    assert {claim}, token\n")).expect("written");
    };
    let reports = storefront.directory().join("reports");
    let wanted = reports.display().to_string();

    // tests see it, print it and compare it: it is in no report, neither of a failure nor of what is remembered
    test("token == 'another'");
    let red = run(SECRET, &["--reports", &wanted]).ends_with(1);
    let tail = red.finished("money/pytest")["failure"]["command"]["tail"].to_string();
    assert!(tail.contains("***"), "{tail}");
    assert!(search(&reports) > 0 && search(&storefront.state()) > 10);
    test("token");
    let green = run(SECRET, &["--reports", &wanted]).ends_with(0);
    assert_eq!(green.finished("money/pytest")["outcome"], "passed");
    assert!(search(&reports) > 0 && search(&storefront.state()) > 10);
    assert_eq!(run("another one", &[]).ends_with(0).finished("money/pytest")["outcome"], "cached");

    // somebody writes it into the source
    let module = storefront.path().join("libs/money/src/money/token.py");
    fs::write(&module, format!("TOKEN = '''\n{SECRET}\n'''\n")).expect("written");
    let said = |run: &Outcome, step: &str| run.finished(step)["failure"]["message"].to_string();
    let held = said(&run(SECRET, &[]).ends_with(1), "money/sdist");
    assert!(held.contains("holds a secret, that of variable RATES_TOKEN, in its member `money-"), "{held}");
    assert!(held.contains("/src/money/token.py`"), "{held}");
    assert!(search(&storefront.state()) > 10);

    // what was built when nobody knew that it is one is not staged either
    test("len(token) > 9");
    let built = storefront.command_of(env!("CARGO_BIN_EXE_secretive").as_ref(), &["run", "--json", "--keep-going"]);
    let built = Outcome::of(&{ built }.env("RATES_TOKEN", "too short").output().expect("the program starts"));
    assert_eq!(built.finished("money/wheel")["outcome"], "passed");
    let built = built.ends_with(1);
    assert_eq!(built.finished("money/upload")["outcome"], "skipped");
    let staged = run(SECRET, &[]).ends_with(1);
    assert_eq!(staged.finished("money/wheel")["outcome"], "cached");
    assert!(said(&staged, "money/upload").contains("money/token.py`"), "{}", said(&staged, "money/upload"));
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
