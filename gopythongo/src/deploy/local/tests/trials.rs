//! Versions that were tried and are not live: what they leave, and what can still be rolled back to.

use std::{fs, time::Duration};

use super::ground::{Ground, exists};
use crate::{
    deploy::Slot,
    run::{FailureKind, process::Cancel},
};

impl Ground {
    /// Tries a version until it is unpacked, and is interrupted then.
    fn interrupted(&self, version: &str) {
        let cancel = Cancel::new();
        let say = |line: &str| {
            if line.starts_with("unpacks") {
                cancel.cancel(15);
            }
        };
        let error = self.host.switch(&self.package(version), &self.how, None, &cancel, &say).expect_err("interrupted");
        assert_eq!(error.kind, FailureKind::Cancelled);
    }

    fn previous(&self) -> Option<String> {
        self.host.status().expect("readable").expect("something is live").previous
    }
}

#[test]
fn a_version_that_fails_costs_nobody_the_way_back() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    ground.switch("2").expect("it serves");
    for failing in ["3-dies", "4-dies"] {
        ground.switch(failing).expect_err("it dies");
        assert_eq!(ground.previous().as_deref(), Some("1"));
    }
    let back = ground.rollback().expect("the one before serves");
    assert_eq!((back.version.as_str(), back.slot, back.previous.as_deref()), ("1", Slot::Blue, Some("2")));
    assert_eq!(ground.client().get("/").expect("an answer").body, "1");
}

#[test]
fn a_rollback_passes_over_what_was_tried_and_interrupted() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    ground.interrupted("2");
    assert_eq!(ground.previous(), None);
    assert_eq!(ground.rollback().expect_err("nothing was live before").kind, FailureKind::Refused);
    ground.switch("3").expect("it serves");
    ground.interrupted("4");
    ground.interrupted("5");
    assert_eq!(ground.previous().as_deref(), Some("1"));
    assert_eq!(ground.rollback().expect("the one before serves").version, "1");
    assert!(Slot::BOTH.iter().all(|slot| !exists(&ground.place().before(*slot))), "nothing is left aside");
}

#[test]
fn configuration_goes_and_comes_back_with_its_version() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    ground.switch("2").expect("it serves");
    let configuration = || ground.client().get("/configuration").expect("an answer").body;
    let kept = ground.place().configuration().join("etc/gopythongo-try/try.conf");
    assert_eq!(configuration(), "of = 2\n");
    ground.switch("3-dies").expect_err("it dies");
    assert_eq!(fs::read_to_string(&kept).expect("readable"), "of = 2\n", "as what serves on has it");
    ground.rollback().expect("the one before serves");
    assert_eq!(configuration(), "of = 1\n");
    fs::write(&kept, "of = mine\n").expect("it can be edited");
    ground.switch("4-dies").expect_err("it dies");
    ground.switch("5").expect("it serves");
    assert_eq!(configuration(), "of = mine\n");
}

#[test]
fn another_health_check_counts_from_the_next_time_on_if_what_is_live_answers_it() {
    let mut ground = Ground::new();
    let live = ground.switch("1").expect("it serves");
    let running = ground.processes();
    let old = ground.how.clone();
    ground.how = old.clone().health_check("/teapot").timeout(Duration::from_secs(1));
    assert!(!ground.host.is_run_by(&ground.how).expect("readable"));
    let error = ground.switch("1").expect_err("it is a service");
    assert_eq!(
        error.message,
        "`try` 1 did not get healthy within 1s: it answers with status 418 at `/teapot`; it serves on, and is checked at \
         `/healthz`"
    );
    assert!(ground.host.is_run_by(&old).expect("readable"));
    ground.how = old.health_check("/other");
    assert_eq!(ground.switch("1").expect("it serves"), live);
    assert!(ground.host.is_run_by(&ground.how).expect("readable"));
    assert_eq!(ground.processes(), running, "for that nothing is started again");
}

#[test]
fn another_drain_counts_though_the_service_was_started_with_an_earlier_one() {
    let mut ground = Ground::new();
    ground.how = ground.how.clone().drain(Duration::from_secs(60));
    ground.switch("1").expect("it serves");
    ground.how = ground.how.clone().drain(Duration::from_millis(200));
    ground.switch("1").expect("it serves");
    let gate = ground.gate("slow");
    let mut slow = ground.client();
    slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").expect("connected");
    // opening the pipe waits for its reader: the request has arrived
    let _gate = fs::OpenOptions::new().write(true).open(gate).expect("there is a reader");
    let begin = std::time::Instant::now();
    assert!(ground.host.down().expect("it can be ended"));
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    assert_eq!(slow.answer().expect("an answer").status, 502);
}
