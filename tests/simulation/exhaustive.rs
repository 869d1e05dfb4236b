//! The storefront with everything that can go wrong in it.

use std::{env, process::Command};

use gopythongo::testing::simulate;

/// The example's own program, and its tests.
#[path = "../../examples/storefront/pipeline.rs"]
#[expect(dead_code, unreachable_pub, reason = "the program of the example")]
mod storefront;

#[test]
fn two_faults_anywhere_and_a_thousand_orders_do_no_harm() {
    let explored = simulate(storefront::pipeline()).exhaustive(2);
    println!("{explored}");
    assert!(explored.schedules > 600 && explored.interleavings == 1000, "{explored}");
}

#[test]
fn the_storefronts_own_tests_need_neither_network_nor_python() {
    let tests = env::current_exe().expect("this program");
    let root = rustix::process::geteuid().is_root();
    let network = if root { &["--net"][..] } else { &["--net", "--map-root-user"] };
    let alone = Command::new(which::which("unshare").expect("util-linux"))
        .args(network)
        .arg(tests)
        .arg("storefront::tests")
        .env("PATH", "/nonexistent")
        .output()
        .expect("util-linux");
    let said = String::from_utf8_lossy(&alone.stdout);
    assert!(
        alone.status.success() && said.contains("a_run_that_is_killed_goes_on_and_does_nothing_twice ... ok"),
        "{said}"
    );
}
