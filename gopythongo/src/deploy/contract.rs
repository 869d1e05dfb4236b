//! What every host does with an environment: this machine with real processes, and the one that stands for it in simulations.

use super::{
    Approved, BlueGreen, Candidate, Live, LocalHost, Package, SimulatedHosts, Slot, hosted::Hosted,
    local::tests::ground::Ground, simulated::SimulatedHost,
};
use crate::run::{Failure, process::Cancel};

/// The rest of what an operator can do with an environment.
trait Whole: Hosted {
    fn rollback(&self) -> Result<Live, Failure>;
    fn unpin(&self) -> bool;
    fn down(&self) -> bool;
}

impl Whole for LocalHost {
    fn rollback(&self) -> Result<Live, Failure> {
        Self::rollback(self, &|_| {})
    }
    fn unpin(&self) -> bool {
        Self::unpin(self).expect("it can be written")
    }
    fn down(&self) -> bool {
        Self::down(self).expect("it can be ended")
    }
}

impl Whole for SimulatedHost {
    fn rollback(&self) -> Result<Live, Failure> {
        Self::rollback(self)
    }
    fn unpin(&self) -> bool {
        Self::unpin(self)
    }
    fn down(&self) -> bool {
        Self::down(self)
    }
}

/// What serves, in the words that all hosts share.
type Serves = (Slot, String, bool, bool, Option<String>);

fn keeps_the_contract(host: &dyn Whole, how: &BlueGreen, package: &dyn Fn(&str) -> Package) {
    let words = |live: Live| -> Serves { (live.slot, live.version, live.healthy, live.pinned, live.previous) };
    let serves = || host.status().expect("readable").map(words);
    let said = |slot: Slot, version: &str, healthy: bool, pinned: bool, previous: Option<&str>| {
        Some((slot, version.to_owned(), healthy, pinned, previous.map(str::to_owned)))
    };
    let switch = |version: &str| host.switch(&package(version), how, None, &Cancel::new(), &|_| {}).expect("it serves");

    assert_eq!(serves(), None, "nothing was ever live");
    let candidate = |run: &str, version: &str| {
        let Package { name, version, digest, .. } = package(version);
        Candidate { run: run.to_owned(), package: name, version, digest, channel: "develop".to_owned(), generation: 1 }
    };
    let approvals = || host.approvals().expect("readable");
    for (run, version) in [("r1", "1"), ("r2", "2"), ("r1", "1")] {
        host.request(candidate(run, version)).expect("it is remembered");
    }
    assert_eq!(approvals().waiting, [candidate("r2", "2"), candidate("r1", "1")], "each waits once");
    for by in ["ann", "bob"] {
        host.approve(Approved::now(candidate("r1", "1"), by)).expect("it is remembered");
    }
    let of = |version: &str| approvals().of(&package(version).digest).map(|approved| approved.by.clone());
    assert_eq!((of("1").as_deref(), of("2")), (Some("bob"), None), "it is for these bytes, and the latest");
    assert_eq!(serves(), None, "nothing is live by that");
    assert!(!host.is_run_by(how).expect("readable"));
    assert!(host.rollback().expect_err("there is nothing").message.ends_with("has no version to roll back to"));
    assert!(!host.down(), "nothing runs");

    let first = switch("1");
    assert_eq!(first.digest, package("1").digest, "what was given is what serves");
    assert_eq!(first.approved.map(|approved| approved.by).as_deref(), Some("bob"));
    assert_eq!(serves(), said(Slot::Blue, "1", true, false, None));
    assert!(host.is_run_by(how).expect("readable"));
    assert_eq!(switch("1").slot, Slot::Blue, "what serves stays");
    assert!(host.rollback().is_err(), "there was one version only");

    let second = switch("2");
    assert_eq!((second.url, second.approved), (first.url, None), "clients stay where they are");
    assert_eq!(serves(), said(Slot::Green, "2", true, false, Some("1")));

    assert!(host.down() && !host.down());
    assert_eq!(serves(), said(Slot::Green, "2", false, false, Some("1")));
    switch("2");
    assert_eq!(serves(), said(Slot::Green, "2", true, false, Some("1")), "dead, it is started where it was");

    host.rollback().expect("there is the first one");
    assert_eq!(serves(), said(Slot::Blue, "1", true, true, Some("2")));
    switch("2");
    assert_eq!(serves(), said(Slot::Blue, "1", true, true, Some("2")), "what was rolled back from stays away");
    assert!(host.unpin() && !host.unpin());
    switch("2");
    assert_eq!(serves(), said(Slot::Green, "2", true, false, Some("1")));
    host.rollback().expect("there is the first one");
    switch("3");
    assert_eq!(serves(), said(Slot::Green, "3", true, false, Some("1")), "what is newer comes in");
}

#[test]
fn this_machine_keeps_the_contract_of_hosts() {
    let ground = Ground::new();
    keeps_the_contract(&ground.host, &ground.how, &|version| ground.package(version));
}

#[test]
fn a_simulated_host_keeps_the_contract_of_hosts() {
    let ground = Ground::new();
    let hosts = SimulatedHosts::default();
    keeps_the_contract(&hosts.host("testing", "try"), &ground.how, &|version| ground.package(version));
}
