//! What machines share: kept by a directory, by S3 and by WebDAV alike, and never in the way of a run.

use std::{path::Path, thread};

use gopythongo::shared::{SharedDirectory, SharedIn};
use tests::{Example, Outcome, Weed, building, open_shared};

/// What every kind of place does.
fn keeps(place: &SharedIn, root: &Path) {
    let open = || open_shared(place.clone(), "storefront", root);
    let state = open();
    assert_eq!(state.read("v2/nothing"), None, "{place}");
    assert!(state.put("v2/entries/ab", b"one".to_vec()), "{place}: {:?}", state.warnings());
    assert!(state.put("v2/entries/ab", b"two".to_vec()), "what is damaged is put anew");
    assert_eq!(open().read("v2/entries/ab"), Some(b"two".to_vec()), "{place}");
    assert_eq!(open_shared(place.clone(), "another", root).read("v2/entries/ab"), None, "{place}: not its own");
    let large = vec![7; 3 << 20];
    assert!(state.put("v2/large", large.clone()) && state.read("v2/large") == Some(large), "{place}");
    // twenty writers, and none is lost
    thread::scope(|scope| {
        for writer in 0..5u8 {
            let open = &open;
            scope.spawn(move || {
                let state = open();
                for number in 0..4u8 {
                    let added = state.change("v2/list", |found| {
                        let mut list = found.unwrap_or_default().to_vec();
                        list.push(writer * 4 + number);
                        Some(list)
                    });
                    assert!(added, "{:?}", state.warnings());
                }
            });
        }
    });
    let mut list = state.read("v2/list").expect("a list");
    list.sort_unstable();
    assert_eq!(list, (0..20).collect::<Vec<u8>>(), "{place}");
    let reader = open().read_only();
    assert!(!reader.put("v2/entries/ab", b"three".to_vec()), "{place}");
    assert!(!reader.change("v2/list", |_| Some(Vec::new())), "{place}");
    assert_eq!(reader.read("v2/entries/ab"), Some(b"two".to_vec()), "{place}");
    assert_eq!([state.warnings(), reader.warnings()].concat(), [""; 0], "{place}");
}

#[test]
fn every_place_keeps_what_several_machines_put() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    keeps(&SharedDirectory::new(directory.path()).into(), directory.path());
    let weed = Weed::start();
    keeps(&weed.s3(), directory.path());
    keeps(&weed.webdav(), directory.path());
}

/// A run on a machine of its own.
fn run(machine: &Example, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let mut command = machine.command(arguments);
    let output = command.envs(Weed::variables()).envs(variables.iter().copied()).output();
    Outcome::of(&output.expect("the program starts")).ends_with(0)
}

#[test]
fn a_second_machine_executes_nothing_and_a_stranger_changes_nothing() {
    let (weed, here) = (Weed::start(), Path::new("/"));
    let url = weed.s3_url();
    let shared = [("GOPYTHONGO_SHARED", url.as_str())];
    let (first, second) = (Example::storefront(), Example::storefront());
    let built = run(&first, &building(&["--json"]), &shared);
    assert!(built.executed().contains(&"promote".to_owned()), "{:?}", built.executed());
    // what nobody did here is told, too
    let why = run(&second, &["why", "promote"], &shared).stdout;
    let left = "last time: nothing has run here yet\ndone on another machine in run ";
    assert!(why.contains(left) && why.trim_end().ends_with("it left generation 1 in develop"), "{why}");
    let why = run(&second, &["why", "money/flake8"], &shared).stdout;
    assert!(why.contains("now: it would not run: nothing that it reads has changed since run "), "{why}");
    let again = run(&second, &building(&["--json"]), &shared);
    assert_eq!(again.executed(), [""; 0], "{}", again.stderr);
    assert_eq!(second.promoted(), first.promoted());

    let all = || {
        let state = open_shared(weed.s3(), "storefront", here);
        ["v2/latest", "v2/durations", "store/current", "store/generations/000002"].map(|name| state.read(name))
    };
    let before = all();
    assert!(before[..3].iter().all(Option::is_some) && before[3].is_none(), "what there is was read");
    let fork = Example::storefront();
    fork.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    let request = [shared[0], ("CIRCLECI", "true"), ("CIRCLE_PR_NUMBER", "42"), ("CIRCLE_PR_USERNAME", "eve")];
    let built = run(&fork, &["run", "money", "--json"], &request);
    assert!(built.executed().contains(&"money/pytest".to_owned()), "{:?}", built.executed());
    assert_eq!(all(), before);

    // what another machine would run has the reason that this one would tell
    let third = Example::storefront();
    third.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    third.commit("Say it better");
    let built = run(&third, &["run", "money", "--json"], &shared);
    let started =
        built.events().into_iter().find(|event| event["type"] == "step-started" && event["step"] == "money/flake8");
    assert_eq!(started.expect("it ran")["reason"], "`src/money/rounding.py` changed");
}

#[test]
fn whoever_does_not_answer_is_asked_once_and_said_to_be_away() {
    let storefront = Example::promoted_storefront();
    let again = run(&storefront, &building(&["--json", "--shared", "http://127.0.0.1:9/"]), &[]);
    assert_eq!(again.executed(), [""; 0], "{}", again.stderr);
    let warnings: Vec<String> =
        again.events().iter().filter_map(|event| Some(event["message"].as_str()?.to_owned())).collect();
    let away = |text: &&String| text.starts_with("this run goes on without shared state: `http://127.0.0.1:9/");
    assert_eq!(warnings.iter().filter(away).count(), 1, "{warnings:?}");
}

#[test]
fn on_a_build_server_check_says_that_nothing_is_shared() {
    let storefront = Example::storefront();
    let check = |shared: &str| {
        let mut command = storefront.command(&["check"]);
        command.env("CI", "true").env("BUILDKITE", "true").env("BUILDKITE_BRANCH", "develop");
        Outcome::of(&command.env("GOPYTHONGO_SHARED", shared).output().expect("the program starts")).ends_with(0)
    };
    let _ = check("").says("warning: nothing is shared between the machines of Buildkite");
    assert!(!check("/mnt/ci").stderr.contains("nothing is shared"));
}
