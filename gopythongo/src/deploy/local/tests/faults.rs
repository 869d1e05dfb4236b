//! Services that misbehave, and processes that die at bad moments.

use std::{fs, net::TcpListener, time::Duration, time::Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::ground::{Ground, exists};
use crate::{
    deploy::{
        Slot,
        supervisor::{Ask, Control},
    },
    run::FailureKind,
    support::patience::{eventually, once_free},
};

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).expect("a pid"), Signal::KILL).expect("it runs");
}

#[test]
fn a_version_that_never_gets_healthy_leaves_the_old_one_serving() {
    let mut ground = Ground::new();
    ground.switch("1").expect("it serves");
    // long enough for a busy machine to start a Python
    ground.how = ground.how.clone().timeout(Duration::from_secs(12));
    let error = ground.switch("2-ill").expect_err("it is ill");
    assert_eq!(error.message, "`try` 2-ill did not get healthy within 12s: it answers with status 500");
    assert_eq!(error.kind, FailureKind::Failed);
    assert!(error.tail.iter().any(|line| line == "serves 2-ill"), "{:?}", error.tail);
    let live = ground.host.status().expect("readable").expect("something is live");
    assert_eq!((live.version.as_str(), live.healthy, live.previous), ("1", true, None));
    assert!(!ground.processes().values().any(|command| command.contains("2-ill")));
    assert_eq!(ground.client().get("/").expect("an answer").body, "1");
}

#[test]
fn a_version_that_dies_is_not_waited_for_to_the_end() {
    let ground = Ground::new();
    let begin = Instant::now();
    let error = ground.switch("1-dies").expect_err("it dies");
    assert_eq!(error.message, "`try` 1-dies ended by itself 3 times, at last with exit code 7");
    assert!(error.tail.iter().any(|line| line == "there is no database"), "{:?}", error.tail);
    assert!(begin.elapsed() < Duration::from_secs(30), "the health check has a minute");
    assert_eq!(ground.host.status().expect("readable"), None);
    assert_eq!(ground.client().get("/").expect("an answer").status, 502);
}

#[test]
fn a_version_that_dies_within_the_drain_gives_the_place_back() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    ground.gate("slow");
    let mut slow = ground.client();
    slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").expect("connected");
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(eventually(|| ground.place().live() == Some(Slot::Green)));
            // the service of the new version, which has just become live
            assert_eq!(ground.client().get("/die").expect("an answer").status, 502);
        });
        let package = ground.package("2");
        ground.host.switch(&package, &ground.how, None, &Default::default(), &|_| {}).expect_err("it died")
    });
    assert!(error.message.contains("after the switch, with exit code 9"), "{error}");
    assert_eq!(ground.client().get("/").expect("an answer").body, "1");
}

#[test]
fn one_that_ignores_being_told_to_end_is_killed_after_its_drain() {
    let mut ground = Ground::new();
    ground.how = ground.how.clone().drain(Duration::from_secs(1));
    ground.switch("1-deaf").expect("it serves");
    ground.switch("2").expect("it serves");
    assert!(!ground.processes().values().any(|command| command.contains("1-deaf")));
}

#[test]
fn what_forks_away_is_ended_too() {
    let mut ground = Ground::new();
    ground.switch("1").expect("it serves");
    ground.how = ground.how.clone().timeout(Duration::from_secs(60));
    let error = ground.switch("2-forks").expect_err("its first process ends");
    assert!(error.message.contains("ended by itself 3 times, at last with exit code 0"), "{error}");
    assert!(!ground.processes().values().any(|command| command.contains("2-forks")));
}

#[test]
fn the_other_slots_socket_cannot_be_taken() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    let error = ground.switch("2-thief").expect_err("it has no socket");
    assert!(error.tail.iter().any(|line| line == "there is nothing to steal"), "{:?}", error.tail);
    assert_eq!(ground.client().get("/").expect("an answer").body, "1");
}

#[test]
fn a_port_that_is_taken_is_said_with_who_has_it() {
    let ground = Ground::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let package = ground.package("1");
    let switch = || ground.host.switch(&package, &ground.how, Some(port), &Default::default(), &|_| {});
    let error = switch().expect_err("it is taken");
    assert_eq!(error.kind, FailureKind::Lacking);
    let expect = format!("port {port} of 127.0.0.1, the front's, is taken by pid {} (`", std::process::id());
    assert!(error.message.starts_with(&expect), "{error}");
    drop(taken);
    assert_eq!(once_free(switch).url, format!("http://127.0.0.1:{port}/"));
}

#[test]
fn a_service_that_dies_is_started_again_and_requests_wait_for_it() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    let mut client = ground.client();
    for _ in 0..3 {
        let service = ground.processes().into_iter().find(|(_, command)| command.contains("service.py 1"));
        kill(service.expect("it runs").0);
        assert_eq!(client.get("/").expect("an answer").body, "1");
    }
}

#[test]
fn a_killed_supervisor_takes_its_services_along_and_is_replaced() {
    let ground = Ground::new();
    let live = ground.switch("1").expect("it serves");
    let record = ground.record();
    record.signal(Signal::KILL);
    assert!(eventually(|| ground.processes().is_empty()), "{:?}", ground.processes());
    assert!(!ground.host.status().expect("readable").expect("it was live").healthy);
    assert_eq!(ground.switch("1").expect("it serves"), live, "at the same port, in the same slot");
    assert!(!exists(&record.sockets), "the sockets of the old one are gone");
}

#[test]
fn nothing_outlives_its_directory() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    let sockets = ground.record().sockets;
    let begin = Instant::now();
    fs::remove_dir_all(ground.directory.path()).expect("it can be deleted");
    assert!(eventually(|| ground.processes().is_empty()), "{:?}", ground.processes());
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert!(!exists(&sockets) && !ground.directory.path().exists());
}

#[test]
fn a_slot_that_nobody_holds_any_more_is_ended() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    ground.switch("2").expect("it serves");
    let mut control = Control::connect(&ground.record().control()).expect("it answers");
    let report = control.ask(Ask::Hold(Slot::Blue)).expect("it answers");
    assert!(report.slot(Slot::Blue).is_some(), "{report:?}");
    // as when the program that switches is killed before its rename
    drop(control);
    let mut control = Control::connect(&ground.record().control()).expect("it answers");
    assert!(eventually(|| control.ask(Ask::Report).expect("it answers").slot(Slot::Blue).is_none()));
    // and after it: the supervisor goes by the link alone
    ground.place().set_live(Slot::Blue).expect("a link can be made");
    assert_eq!(ground.client().get("/").expect("an answer").body, "1");
    assert!(eventually(|| control.ask(Ask::Report).expect("it answers").slot(Slot::Green).is_none()));
    assert_eq!(ground.switch("2").expect("it serves").slot, Slot::Green);
}

#[test]
fn an_interrupted_switch_leaves_the_old_version_and_goes_on_the_next_time() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    let cancel = crate::run::process::Cancel::new();
    let package = ground.package("2-late");
    let say = |line: &str| {
        if line.starts_with("unpacks") {
            cancel.cancel(15);
        }
    };
    let error = ground.host.switch(&package, &ground.how, None, &cancel, &say).expect_err("it was interrupted");
    assert_eq!(error.kind, FailureKind::Cancelled);
    assert_eq!(ground.client().get("/").expect("an answer").body, "1");
    assert_eq!(ground.switch("2-late").expect("it serves").version, "2-late");
    let unpacked = ground.said.lock().expect("no panic").iter().filter(|line| line.starts_with("unpacks 2")).count();
    assert_eq!(unpacked, 0, "it was whole already");
}
