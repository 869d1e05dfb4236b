//! Machines that lost all processes, and ports that others have.

use std::{fs, net::TcpListener, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::ground::{Ground, exists};
use crate::{
    run::{FailureKind, process::Watched},
    support::patience::{eventually, once_free},
};

impl Ground {
    /// What a reboot leaves: files. The pid of the supervisor is another's by then: this program's.
    fn reboot(&self) {
        let sockets = self.record().sockets;
        // dead is not only without variables to be found by: the port of the front is free then, too
        let dying: Vec<_> = self.processes().into_keys().map(|pid| (pid, Watched::of(pid))).collect();
        for (pid, _) in &dying {
            // its supervisor's death may have taken it along
            let _ = kill_process(Pid::from_raw(*pid).expect("a pid"), Signal::KILL);
        }
        for (pid, watched) in dying {
            assert!(watched.is_none_or(|watched| watched.until_dead(Duration::from_secs(60))), "{pid} lives");
        }
        assert!(eventually(|| self.processes().is_empty()), "{:?}", self.processes());
        fs::remove_dir_all(&sockets).expect("it is temporary");
        let record = self.place().supervisor();
        let mut text: serde_json::Value =
            serde_json::from_slice(&fs::read(&record).expect("a record")).expect("it is JSON");
        text["pid"] = json!(std::process::id());
        text["boot"] = json!("an earlier one");
        fs::write(record, text.to_string()).expect("writable");
    }
}

#[test]
fn after_a_reboot_the_same_slot_is_started_and_the_way_back_is_still_there() {
    let ground = Ground::new();
    ground.switch("1").expect("it serves");
    let live = ground.switch("2").expect("it serves");
    ground.reboot();
    let dead = ground.host.status().expect("readable").expect("it was live");
    assert_eq!((dead.slot, dead.healthy, &dead.url), (live.slot, false, &live.url));
    assert!(!ground.host.down().expect("nothing runs"), "who has the number of the supervisor now is left alone");
    assert_eq!(ground.switch("2").expect("it serves"), live);
    assert_eq!(ground.client().get("/").expect("an answer").body, "2");
    ground.reboot();
    assert_eq!(ground.rollback().expect("it serves").version, "1");
    assert_eq!(ground.client().get("/").expect("an answer").body, "1");
}

#[test]
fn a_port_that_was_taken_meanwhile_is_said_with_the_file_that_keeps_it() {
    let ground = Ground::new();
    let live = ground.switch("1").expect("it serves");
    let port = ground.record().port;
    ground.reboot();
    let taken = once_free(|| TcpListener::bind(("127.0.0.1", port)));
    let error = ground.switch("1").expect_err("it is taken");
    assert_eq!(error.kind, FailureKind::Lacking);
    let file = ground.place().port();
    assert!(error.hint.is_some_and(|hint| hint.contains(&*file.to_string_lossy())) && exists(&file));
    drop(taken);
    assert_eq!(once_free(|| ground.switch("1")), live);
}

#[test]
fn a_move_to_a_port_that_is_taken_leaves_what_serves_where_it_is() {
    let ground = Ground::new();
    let live = ground.switch("1").expect("it serves");
    let running = ground.processes();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let package = ground.package("1");
    let moved = || ground.host.switch(&package, &ground.how, Some(port), &Default::default(), &|_| {});
    assert_eq!(moved().expect_err("it is taken").kind, FailureKind::Lacking);
    assert_eq!(ground.processes(), running);
    assert_eq!(ground.host.status().expect("readable"), Some(live));
    drop(taken);
    assert_eq!(once_free(moved).url, format!("http://127.0.0.1:{port}/"));
}
