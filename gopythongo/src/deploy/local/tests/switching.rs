//! What becomes live, what stays, what comes back.

use std::{fs, io::Write, thread};

use super::ground::{Ground, version_of};
use crate::{deploy::Slot, run::FailureKind, support::patience::eventually};

#[test]
fn a_first_version_is_live_and_a_second_takes_over() {
    let ground = Ground::new();
    assert_eq!(ground.host.status().expect("readable"), None);
    let first = ground.switch("1").expect("it serves");
    assert_eq!(
        (first.slot, first.version.as_str(), first.healthy, first.previous.clone()),
        (Slot::Blue, "1", true, None)
    );
    assert_eq!(ground.client().get("/").expect("an answer").body, "1");
    let second = ground.switch("2").expect("it serves");
    assert_eq!((second.slot, second.previous.as_deref()), (Slot::Green, Some("1")));
    assert_eq!(second.url, first.url, "the front stays where it is");
    assert_eq!(ground.client().get("/").expect("an answer").body, "2");
    assert_eq!(ground.host.status().expect("readable"), Some(second));
    let running = ground.processes();
    assert!(!running.values().any(|command| command.contains("service.py 1")), "{running:?}");
}

#[test]
fn the_service_sees_its_tree_its_data_and_its_configuration_where_they_belong() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    let mut client = ground.client();
    assert_eq!(client.get("/path").expect("an answer").body, "service.py\nversion");
    assert_eq!(client.get("/configuration").expect("an answer").body, "of = 1\n");
    assert!(!std::path::Path::new(super::ground::PATH).exists(), "the host is not touched");
    let kept = ground.place().configuration().join("etc/gopythongo-try/try.conf");
    fs::write(&kept, "of = mine\n").expect("it can be edited");
    ground.switch("2").expect("it serves");
    assert_eq!(ground.client().get("/configuration").expect("an answer").body, "of = mine\n");
    assert!(ground.said.lock().expect("no panic").iter().any(|line| line.starts_with("keeps `")), "{:?}", ground.said);
}

#[test]
fn the_same_package_is_left_alone_and_started_again_when_all_processes_are_gone() {
    let ground = Ground::new();
    let first = ground.switch("1").expect("it serves");
    let before = ground.processes();
    assert_eq!(ground.switch("1").expect("it serves"), first);
    assert_eq!(ground.processes(), before);
    assert!(ground.host.down().expect("it can be ended"));
    assert_eq!(ground.processes(), Default::default());
    assert!(!ground.host.down().expect("nothing runs"));
    let down = ground.host.status().expect("readable").expect("it was live");
    assert!(!down.healthy && down.url == first.url, "{down:?}");
    assert_eq!(ground.switch("1").expect("it serves"), first);
}

#[test]
fn a_rollback_stays_until_there_is_something_newer() {
    let ground = Ground::new();
    assert_eq!(ground.rollback().expect_err("there is nothing").kind, FailureKind::Refused);
    ground.switch("1").expect("it serves");
    assert_eq!(ground.rollback().expect_err("there is nothing before it").kind, FailureKind::Refused);
    ground.switch("2").expect("it serves");
    let back = ground.rollback().expect("the first one serves");
    assert_eq!((back.version.as_str(), back.pinned, back.previous.as_deref()), ("1", true, Some("2")));
    let kept = ground.switch("2").expect("it is pinned");
    assert_eq!((kept.version.as_str(), kept.pinned), ("1", true));
    let newer = ground.switch("3").expect("it serves");
    assert_eq!((newer.version.as_str(), newer.pinned), ("3", false));
    ground.rollback().expect("the first one serves");
    assert!(ground.host.unpin().expect("writable") && !ground.host.unpin().expect("writable"));
    assert_eq!(ground.switch("3").expect("it serves").version, "3");
}

#[test]
fn a_request_is_answered_by_the_version_that_it_was_given_to() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    let gates = [ground.gate("slow"), ground.gate("chunks")];
    let mut slow = ground.client();
    slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").expect("connected");
    let mut chunks = ground.client();
    chunks.send("GET /chunks HTTP/1.1\r\nHost: x\r\n\r\n").expect("connected");
    // so far, both requests are known to be with the old version
    while !chunks.line().expect("an answer").contains("one") {}
    thread::scope(|scope| {
        // opening the pipe waits for its reader
        scope.spawn(|| {
            assert!(eventually(|| ground.place().live() == Some(Slot::Green)));
            assert_eq!(ground.client().get("/").expect("an answer").body, "2");
            for gate in gates {
                let mut pipe = fs::OpenOptions::new().write(true).open(gate).expect("there is a reader");
                pipe.write_all(b"go").expect("there is a reader");
            }
        });
        let package = ground.package("2");
        let switched = ground.host.switch(&package, &ground.how, None, &Default::default(), &|_| {});
        assert_eq!(switched.expect("it serves").version, "2");
    });
    assert_eq!(slow.answer().expect("an answer").body, "1");
    while !chunks.line().expect("the rest").contains("two") {}
}

#[test]
fn a_package_that_is_not_the_tested_one_is_refused() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    let mut package = ground.package("2");
    package.file = ground.package("3").file;
    let error = ground.host.switch(&package, &ground.how, None, &Default::default(), &|_| {}).expect_err("it differs");
    assert!(error.message.contains("is not what was tested"), "{error}");
    assert_eq!(ground.client().get("/").expect("an answer").body, "1");
    assert_eq!(version_of(&ground.place(), Slot::Green), None);
}

#[test]
fn an_environment_is_changed_by_one_program_at_a_time() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    let held = crate::support::FileLock::wait(&ground.place().lock()).expect("free");
    let error = ground.switch("2").expect_err("it is locked");
    assert_eq!(error.kind, FailureKind::Refused);
    assert!(error.message.starts_with("try in testing is being changed by another program: pid "), "{error}");
    drop(held);
    ground.switch("2").expect("it serves");
}

#[test]
fn the_front_tells_who_asks_and_passes_on_bodies_and_other_protocols() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    let mut client = ground.client();
    client.send("GET /headers HTTP/1.1\r\nHost: shop.example\r\nTE: trailers\r\n\r\n").expect("connected");
    let seen = client.answer().expect("an answer").body.to_lowercase();
    for line in [
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-proto: http",
        "x-forwarded-host: shop.example",
        "host: shop.example",
    ] {
        assert!(seen.lines().any(|seen| seen == line), "{line}: {seen}");
    }
    assert!(!seen.contains("trailers"), "{seen}");
    let body = "x".repeat(300_000);
    client.send(&format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())).expect("sent");
    assert_eq!(client.answer().expect("an answer").body, "300000");
    client.send("GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n").expect("sent");
    assert_eq!(client.answer().expect("an answer").status, 101);
    client.send("hello\n").expect("sent");
    assert_eq!(client.line().expect("an echo"), "HELLO\n");
}
