//! What the console prints, event by event.

use std::time::Duration;

use super::samples::{self, Page, begun, ended, output, passed, run_finished, stamped, started, wheel};
use crate::{
    context::{Redactor, Secret},
    deploy::{Live, Slot},
    event::{Event, RunState, Sink, Stamped, StepOutcome},
    report::{Console, Ndjson, Telling, read},
    run::{Failure, FailureKind, Outcome},
    support::Digest,
};

fn told(events: &[Stamped], telling: Telling) -> String {
    let page = Page::default();
    let mut console = Console::new(telling, Redactor::default(), page.clone(), page.clone());
    events.iter().for_each(|event| console.event(event));
    page.text()
}

#[track_caller]
fn check(events: Vec<Event>, expect: &str) {
    assert_eq!(told(&stamped(events), Telling::default()), expect);
}

#[test]
fn a_green_run_is_told_line_by_line() {
    check(
        samples::green(),
        "\
run 20261123-030102-c3d4 of storefront: develop build on `develop`, 5 steps
= money/flake8  cached: nothing changed since run 20261122-101500-a1b2
▸ money/wheel   `src/money/rates.py` changed
✓ money/wheel     1.2s  money 1.5.0.dev3
▸ money/pytest  wheel of money changed
  money/pytest | .... [100%]
✓ money/pytest   1m05s  78 passed, 2 skipped, 97.5 % of 1,204 lines
▸ money/upload  new version
✓ money/upload    0.0s  stage of run x money 1.5.0.dev3
✓ promote         0.0s
promoted money 1.5.0.dev3 to develop (generation 4) in 12.3s
",
    );
}

#[test]
fn what_was_done_already_is_told_together_and_no_later_than_what_follows() {
    let page = Page::default();
    let mut console = Console::new(Telling::default(), Redactor::default(), page.clone(), page.clone());
    let cached = |step: &str| ended(step, StepOutcome::Cached, "nothing changed");
    for event in stamped(vec![cached("money/flake8"), cached("money/wheel")]) {
        console.event(&event);
    }
    assert_eq!(page.text(), "");
    console.tick(Duration::ZERO);
    let flake8_and_wheel = "= money/flake8  cached: nothing changed\n= money/wheel  cached: nothing changed\n";
    assert_eq!(page.text(), flake8_and_wheel);
    for event in stamped(vec![cached("money/pytest"), Event::Warning { message: "look".to_owned() }]) {
        console.event(&event);
    }
    let all = format!("{flake8_and_wheel}= money/pytest  cached: nothing changed\nwarning: look\n");
    assert_eq!(page.text(), all);
    console.event(&stamped(vec![cached("shop/flake8")])[0]);
    drop(console);
    assert_eq!(page.text(), format!("{all}= shop/flake8  cached: nothing changed\n"));
}

#[test]
fn a_red_run_ends_with_what_its_reader_needs() {
    let telling = Telling { directory: Some("runs/x".into()), ..Telling::default() };
    assert_eq!(
        told(&stamped(samples::red()), telling),
        "\
run 20261123-030102-c3d4 of storefront: develop build on `develop`, 5 steps
✓ money/flake8    0.8s
▸ money/pytest  never ran before
  money/pytest | F.
✗ money/pytest    2.1s  2 of 80 tests failed
- money/upload  skipped: `money/pytest` failed
- promote       skipped: `money/upload` did not run

money/pytest after 2.1s: 2 of 80 tests failed
  command    python3 -m pytest -m 'not network'
  directory  work/pytest
  status     exit code 1
  the last 3 lines of its output:
  | E   assert 1 == 2
  |
  | 2 failed
  not run because of it: money/upload and promote
  hint: run `pytest tests/test_rates.py` in libs/money
  log: runs/x/logs/money/pytest.log

failed: money/pytest after 12.3s; 1 step passed; nothing was promoted
"
    );
}

#[test]
fn a_staged_run_says_how_to_go_on() {
    let events = vec![
        started(),
        passed("money/wheel", 1, wheel()),
        passed("money/upload", 1, Outcome { receipt: Some(samples::receipt()), ..Outcome::default() }),
        run_finished(RunState::Staged { left_out: vec!["catalog".to_owned(), "shop".to_owned()] }),
    ];
    let text = told(&stamped(events), Telling::default());
    assert_eq!(
        text.lines().last(),
        Some("staged money 1.5.0.dev3 in 12.3s; catalog and shop left out: go on with `promote 20261123-030102-c3d4`")
    );
}

fn live() -> Event {
    let live = Live {
        slot: Slot::Green,
        version: "0.7.0~dev2".to_owned(),
        digest: Digest::of("shop"),
        url: "http://127.0.0.1:8000/".to_owned(),
        healthy: true,
        pinned: false,
        previous: Some("0.7.0~dev1".to_owned()),
        since: None,
        approved: None,
    };
    Event::Live {
        application: "shop".to_owned(),
        environment: "testing".to_owned(),
        live: Box::new(live),
        found: false,
    }
}

#[test]
fn a_run_that_ends_live_says_where() {
    let set = [("shop".to_owned(), "0.7.0~dev2".to_owned())].into();
    let promoted = Event::Promoted { channel: "develop".to_owned(), generation: 5, set };
    let urls = [("testing/shop".to_owned(), "http://127.0.0.1:8000/".to_owned())].into();
    let ended = run_finished(RunState::Live { generation: Some(5), urls });
    let events = stamped(vec![started(), promoted, live(), ended]);
    let text = told(&events, Telling::default());
    assert!(
        text.ends_with(
            "promoted shop 0.7.0~dev2 to develop (generation 5) in 12.3s\n\
             shop 0.7.0~dev2 is live in testing: http://127.0.0.1:8000/\n"
        ),
        "{text}"
    );
}

#[test]
fn a_deployment_that_fails_leaves_the_set_public_and_shows_the_log() {
    let set = [("shop".to_owned(), "0.7.0~dev2".to_owned())].into();
    let promoted = Event::Promoted { channel: "develop".to_owned(), generation: 5, set };
    let failure = Failure::new("shop 0.7.0~dev2 did not get healthy").tail(vec!["ImportError: no shop".to_owned()]);
    let red = samples::failed("shop-live/switch:testing", 9, failure);
    let ended = run_finished(RunState::NotLive { generation: Some(5) });
    let text = told(&stamped(vec![started(), promoted, red, ended]), Telling::default());
    assert!(text.contains("  the last 1 line of its log:\n  | ImportError: no shop\n"), "{text}");
    assert!(
        text.ends_with(
            "promoted, not live: shop-live/switch:testing failed after 12.3s; shop 0.7.0~dev2 is in develop (generation 5)\n"
        ),
        "{text}"
    );
}

#[test]
fn a_deployment_that_waits_says_with_what_and_for_whom() {
    let set = [("shop".to_owned(), "0.7.0".to_owned())].into();
    let promoted = Event::Promoted { channel: "master".to_owned(), generation: 5, set };
    let failure = Failure::waiting("shop 0.7.0-1 waits for approval in production")
        .tail(vec!["live now: nothing".to_owned()])
        .hint("whoever may approve it: `approve r1`");
    let waiting = samples::failed("shop-live/switch:production", 9, failure);
    let steps = vec!["shop-live/switch:production".to_owned()];
    let ended = run_finished(RunState::Waiting { generation: Some(5), steps });
    let text = told(&stamped(vec![started(), promoted, waiting, ended]), Telling::default());
    assert!(
        text.ends_with(
            "shop-live/switch:production: shop 0.7.0-1 waits for approval in production\n  live now: nothing\n  \
             hint: whoever may approve it: `approve r1`\n\n\
             promoted shop 0.7.0 to master (generation 5) in 12.3s\n\
             waits for approval: `approve 20261123-030102-c3d4` lets shop-live/switch:production go on\n"
        ),
        "{text}"
    );
}

#[test]
fn a_run_that_finds_everything_done_says_so() {
    let events = vec![started(), ended("money/flake8", StepOutcome::Cached, ""), run_finished(RunState::Checked)];
    let text = told(&stamped(events), Telling::default());
    assert_eq!(text.lines().last(), Some("nothing to do in 12.3s: 1 step passed before with the same inputs"));
}

#[test]
fn an_interrupted_run_says_how_to_go_on() {
    check(
        vec![run_finished(RunState::Interrupted { signal: 2 })],
        "interrupted by SIGINT after 12.3s; go on with `resume 20261123-030102-c3d4`\n",
    );
}

#[test]
fn a_set_that_was_overtaken_is_no_failure() {
    let stale = Failure::of(FailureKind::Stale, "money changed in the channel since the run resolved it");
    let events = vec![
        started(),
        samples::failed("promote", 9, stale),
        Event::Rebased { round: 1, why: String::new() },
        passed("promote", 9, Outcome::default()),
        run_finished(RunState::Promoted { generation: 5 }),
    ];
    let text = told(&stamped(events), Telling::default());
    assert_eq!(
        text.lines().skip(1).collect::<Vec<_>>(),
        [
            "↻ promote         0.0s  money changed in the channel since the run resolved it",
            "↻ round 1: what this concerns runs again",
            "✓ promote         0.0s",
            "passed: 1 step in 12.3s; everything is in develop already (generation 5)",
        ]
    );
}

#[test]
fn quiet_drops_starts_and_what_commands_print() {
    let events = stamped(vec![started(), begun("money/wheel", "new"), output("money/wheel", "hello")]);
    let lines = |telling| told(&events, telling).lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(Telling::default()), ["▸ money/wheel   new", "  money/wheel  | hello"]);
    assert_eq!(lines(Telling { quiet: true, ..Telling::default() }), Vec::<String>::new());
}

#[test]
fn the_directory_of_a_step_is_left_out_of_what_its_commands_print() {
    let events = stamped(vec![started(), output("money/wheel", "$ /state/work/r1/money/wheel/env/bin/python -m x")]);
    let telling = Telling { work: Some("/state/work/r1".into()), ..Telling::default() };
    assert!(told(&events, telling).ends_with("  money/wheel  | $ …/env/bin/python -m x\n"));
}

#[test]
fn no_secret_is_printed() {
    let page = Page::default();
    let redactor = Redactor::default();
    redactor.learn("a test", Secret::new("hunter2"));
    let mut console = Console::new(Telling::default(), redactor, page.clone(), page.clone());
    let events = vec![output("money/wheel", "got hunter2"), Event::Warning { message: "hunter2!".to_owned() }];
    stamped(events).iter().for_each(|event| console.event(event));
    assert!(!page.text().contains("hunter2"), "{}", page.text());
}

#[test]
fn a_recorded_run_replays_into_the_same_text() {
    for events in [samples::green(), samples::red(), vec![started(), live()]] {
        let events = stamped(events);
        let page = Page::default();
        let mut record = Ndjson::new(Redactor::default(), page.clone());
        events.iter().for_each(|event| record.event(event));
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("events.ndjson");
        std::fs::write(&path, page.text()).expect("the record is written");
        let replayed = read(&path).expect("the record is read");
        assert_eq!(told(&replayed, Telling::default()), told(&events, Telling::default()));
    }
}
