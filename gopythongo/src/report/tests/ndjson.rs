//! What the JSON lines hold, event by event.

use std::time::Duration;

use serde_json::Value;

use super::samples::{self, Page, output, passed, receipt, stamped, tests};
use crate::{
    context::{Redactor, Secret},
    event::{Event, Sink, StepOutcome},
    report::{Ndjson, read},
};

fn lines(events: Vec<Event>, redactor: Redactor) -> String {
    let page = Page::default();
    let mut ndjson = Ndjson::new(redactor, page.clone());
    stamped(events).iter().for_each(|event| ndjson.event(event));
    page.text()
}

#[track_caller]
fn check(event: Event, expect: &str) {
    assert_eq!(lines(vec![event], Redactor::default()).trim_end(), expect);
}

#[test]
fn a_step_ends_with_its_counts_at_the_top() {
    let mut result = tests(0);
    result.summary = None;
    check(
        passed("money/pytest", 1234, result),
        r#"{"version":1,"time":"2026-11-23T03:01:02.000Z","run":"20261123-030102-c3d4","type":"step-finished","step":"money/pytest","outcome":"passed","commands_ms":10,"cpu_ms":10,"ms":1234,"result":{},"tests":{"passed":78,"failed":0,"skipped":2}}"#,
    );
}

#[test]
fn an_effect_names_target_digest_and_receipt() {
    check(
        Event::Effect { step: "money/upload".to_owned(), receipt: receipt() },
        r#"{"version":1,"time":"2026-11-23T03:01:02.000Z","run":"20261123-030102-c3d4","type":"effect","step":"money/upload","digest":"ab12","receipt":{"digests":{"money-1.5.0.dev3-py3-none-any.whl":"ab12"},"found":false,"identifier":"money 1.5.0.dev3","target":"stage of run x"},"target":"stage of run x"}"#,
    );
}

#[test]
fn a_secret_is_found_even_where_json_escapes_it() {
    let redactor = Redactor::default();
    redactor.learn("a test", Secret::new("pass\"word"));
    let text = lines(vec![output("money/wheel", "token pass\"word!")], redactor);
    assert!(text.contains(r#""line":"token ***!""#), "{text}");
}

#[test]
fn lines_that_are_written_quickly_are_those_that_are_written_slowly() {
    let knowing = Redactor::default();
    knowing.learn("a test", Secret::new("in no event"));
    let events = || {
        let cached = samples::ended("money/flake8", StepOutcome::Cached, "\"nothing\" changed");
        let skipped = samples::ended("money/upload", StepOutcome::Skipped, "`money/wheel` failed");
        [samples::green(), vec![cached, skipped]].concat()
    };
    let values = |redactor| -> Vec<Value> {
        let text = lines(events(), redactor);
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let quick = values(Redactor::default());
    assert_eq!((&quick[0]["type"], &quick[1]["type"]), (&"run-started".into(), &"step-finished".into()));
    assert_eq!(quick, values(knowing));
}

#[test]
fn lines_of_any_length_reach_every_reader_in_order() {
    let pages = [Page::default(), Page::default()];
    let mut ndjson = Ndjson::new(Redactor::default(), pages[0].clone()).and(pages[1].clone());
    let cached = |reason: &str| samples::ended("money/flake8", StepOutcome::Cached, reason);
    let long = "x".repeat(200_000);
    let events = [cached("first"), cached(&long), output("money/wheel", &long), cached("last")];
    for event in stamped(events.to_vec()) {
        ndjson.event(&event);
    }
    assert!(!pages[0].text().contains("last"), "it waits");
    ndjson.tick(Duration::ZERO);
    let one_by_one: String = stamped(events.to_vec())
        .into_iter()
        .map(|event| {
            let page = Page::default();
            Ndjson::new(Redactor::default(), page.clone()).event(&event);
            page.text()
        })
        .collect();
    for page in pages {
        assert!(page.text() == one_by_one, "{} of {} bytes", page.text().len(), one_by_one.len());
    }
}

#[test]
fn a_torn_last_line_is_left_out_and_other_damage_is_named() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("events.ndjson");
    let whole = lines(samples::green(), Redactor::default());
    let count = whole.lines().count();
    std::fs::write(&path, &whole[..whole.len() - 9]).expect("the record is written");
    assert_eq!(read(&path).expect("the record is read").len(), count - 1);
    std::fs::write(&path, whole.replacen("\"version\":1", "\"version\":9", 1)).expect("the record is written");
    let error = read(&path).expect_err("another version").to_string();
    assert!(error.ends_with("line 1: version 9, where 1 is expected"), "{error}");
}
