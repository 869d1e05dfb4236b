//! What changes around a shop that serves: what its team says of it, its machine, its state.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tests::{Example, Outcome};

use crate::{
    shop::{Shop, switched, url},
    web::get,
};

const SHOP_LIVE: &str = env!("CARGO_BIN_EXE_shop-live");

/// Runs the deployment as its team has changed it.
fn deployed(shop: &Shop<'_>, variables: &[(&str, &str)], arguments: &[&str]) -> Outcome {
    let mut command = shop.command_of(SHOP_LIVE, &[&["run", "shop-live"], arguments].concat());
    Outcome::of(&command.envs(variables.iter().copied()).output().expect("the program starts"))
}

/// Waits until no process of the shop is left.
#[track_caller]
fn ended_within(shop: &Shop<'_>, limit: Duration) {
    let begin = Instant::now();
    while !shop.processes().is_empty() {
        assert!(begin.elapsed() < limit, "{:?}", shop.processes());
        std::thread::yield_now();
    }
}

#[test]
fn what_a_deployment_says_anew_counts_from_the_next_run_on() {
    let storefront = Example::promoted_storefront();
    let shop = Shop::of(&storefront);
    let url = url(&deployed(&shop, &[], &[]).ends_with(0));
    let running = shop.processes();
    let well = || get(&format!("{url}healthz")).0 == 200;

    let red = deployed(&shop, &[("HEALTH_CHECK", "/nowhere")], &[]).ends_with(1);
    let red = red.says("it answers with status 404 at `/nowhere`; it serves on, and is checked at `/healthz`");
    assert!(well(), "{}", red.stderr);
    let _ = deployed(&shop, &[], &["--json"]).ends_with(0);
    let other = [("HEALTH_CHECK", "/")];
    let changed = deployed(&shop, &other, &["--json"]).ends_with(0);
    assert_eq!(changed.executed(), ["shop-live/switch:testing"]);
    assert_eq!(deployed(&shop, &other, &["--json"]).ends_with(0).executed(), Vec::<String>::new());
    assert_eq!(shop.processes(), running, "for that nothing is started again");

    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let refused = deployed(&shop, &[("PORT", &port)], &[]).ends_with(3);
    let _ = refused.says(&format!("port {port} of 127.0.0.1, the front's, is taken"));
    assert!(well() && shop.processes() == running);
    drop(taken);
    let moved = self::url(&deployed(&shop, &[("PORT", &port)], &[]).ends_with(0));
    assert_eq!(moved, format!("http://127.0.0.1:{port}/"));
    assert_eq!(get(&format!("{moved}healthz")).0, 200);
}

#[test]
fn after_a_reboot_the_next_run_starts_the_same_slot_and_without_its_state_it_begins_anew() {
    let storefront = Example::promoted_storefront();
    let shop = Shop::of(&storefront);
    let url = url(&shop.run(&["run"]).ends_with(0));
    shop.edit("no currency has the code", "nobody pays with");
    let second = shop.run(&["run", "--json"]).ends_with(0);
    let live = |run: &Outcome| run.events().into_iter().find(|event| event["type"] == "live").expect("it is live");
    let before = live(&second)["live"].clone();
    assert_eq!((before["slot"].as_str(), switched(&second).len()), (Some("green"), 1));

    for pid in shop.processes().into_keys() {
        // its supervisor's death may have taken it along
        let _ = kill_process(Pid::from_raw(pid).expect("a pid"), Signal::KILL);
    }
    ended_within(&shop, Duration::from_secs(60));
    let record = shop.place().join("supervisor.json");
    let mut text: serde_json::Value =
        serde_json::from_slice(&fs::read(&record).expect("a record")).expect("it is JSON");
    // what has its pid by now is something else
    text["boot"] = "an earlier one".into();
    text["pid"] = std::process::id().into();
    fs::remove_dir_all(text["sockets"].as_str().expect("a directory")).expect("it is temporary");
    fs::write(&record, text.to_string()).expect("writable");
    let again = shop.run(&["run", "--json"]).ends_with(0);
    assert_eq!(again.executed(), ["shop-live/switch:testing"]);
    assert_eq!(live(&again)["live"], before);
    assert_eq!(get(&format!("{url}healthz")).0, 200);

    // nothing is left of it but sources
    fs::remove_dir_all(storefront.state()).expect("it can be deleted");
    ended_within(&shop, Duration::from_secs(2));
    assert!(!storefront.state().exists());
    let anew = self::url(&shop.run(&["run"]).ends_with(0));
    assert_eq!(get(&format!("{anew}healthz")).0, 200);
    let _ = shop.run(&["down"]).ends_with(0);
    assert_eq!(shop.processes(), BTreeMap::new());
}
