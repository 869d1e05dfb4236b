//! Simulations of the storefront.

use super::*;
use crate::{
    deploy::{BlueGreen, Environment, SigningKey},
    package::{Deb, Service},
    pipeline::{JobBuilder, Pipeline, application, deployment, library},
};

pub(super) fn storefront() -> Pipeline {
    let money = library("money").source("libs/money").flake8().mypy().pytest().coverage_ratchet().upload();
    let catalog = library("catalog").source("libs/catalog").flake8().tox().coverage_ratchet().upload();
    let shop = application("shop")
        .source("apps/shop")
        .integration_tests("tests/integration")
        .virtualenv("/opt/shop")
        .deb(Deb::new().depends("libc6").service(Service::gunicorn("shop:app")))
        .publish();
    let live = deployment("shop-live", "shop")
        .blue_green(BlueGreen::new().health_check("/healthz"))
        .environment(Environment::new("testing", Develop).host("local"))
        .environment(Environment::new("production", Master).host("local").unattended("an example"));
    Pipeline::new("storefront")
        .default_kind(Develop)
        .job(money.downstream(["catalog", "shop"]))
        .job(catalog.downstream(["shop"]))
        .job(shop)
        .job(live)
}

#[test]
fn everything_is_promoted_and_live() {
    simulate(storefront())
        .run()
        .promotes(["money", "catalog", "shop"])
        .shows("money", "1.0.0.dev1")
        .is_live("shop", "testing", "1.0.0~dev1")
        .is_not_live("shop", "production");
}

/// A shop with an environment that takes what somebody approved.
fn guarded() -> Pipeline {
    let key = SigningKey::fingerprint("0123456789ABCDEF0123456789ABCDEF01234567");
    let shop = application("shop").source("apps/shop").virtualenv("/opt/shop");
    let shop = shop.deb(Deb::new().service(Service::gunicorn("shop:app"))).publish().gate("tests/integration", key);
    let live = deployment("shop-live", &shop)
        .environment(Environment::new("testing", Develop).host("local"))
        .environment(Environment::new("preview", Develop).host("local").protected());
    Pipeline::new("guarded").default_kind(Develop).job(shop).job(live)
}

#[test]
fn a_protected_environment_waits_until_somebody_approves() {
    let waiting = simulate(guarded()).run().promotes(["shop"]).is_live("shop", "testing", "1.0.0~dev1");
    let waiting = waiting.waits("shop", "preview", "1.0.0~dev1").resume().is_not_live("shop", "preview");
    let live = waiting.approves("preview").resume().is_live("shop", "preview", "1.0.0~dev1");
    live.run().finds_done("shop-live/switch:preview");
}

#[test]
fn an_approval_is_of_bytes_and_of_none_that_come_later() {
    let second = simulate(guarded()).run().approves("preview").changes("shop").run();
    let second = second.waits("shop", "preview", "1.0.0~dev2").is_not_live("shop", "preview");
    let killed = second.approves("preview").dies_after("shop-live/switch:preview").run();
    killed.resume().finds_done("shop-live/switch:preview").is_live("shop", "preview", "1.0.0~dev2");
}

#[test]
fn no_fault_makes_live_what_nobody_approved() {
    let explored = simulate(guarded()).explore(1, 20);
    assert!(explored.schedules > 20, "{explored}");
}

#[test]
fn one_fault_anywhere_does_no_harm() {
    let explored = simulate(storefront()).explore(1, 20);
    assert!(explored.schedules > 30 && explored.runs > explored.schedules + explored.interleavings, "{explored}");
}

#[test]
fn a_claim_that_does_not_hold_is_told_with_its_schedule() {
    let untrue = simulate(storefront()).always("no second version is live", |seen| {
        seen.live("shop", "testing").is_none_or(|version| version == "1.0.0~dev1")
    });
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| untrue.exhaustive(1)));
    let message = panic.err().and_then(|panic| panic.downcast::<String>().ok()).map(|message| *message);
    let message = message.unwrap_or_default();
    assert!(
        message
            .starts_with("after `shop-live/switch:testing`: `no second version is live` does not hold\n\nschedule: ")
            && message.contains("nothing goes wrong\nsteps that began:\n  the run: money/")
            && message.ends_with(
                "to repeat it, write in the place of `.exhaustive(..)`:\n  .run().changes(\"money\").changes(\"catalog\")\
                 .changes(\"shop\").run()\n"
            ),
        "{message}"
    );
}

#[test]
fn a_seed_decides_the_order_of_steps() {
    let order = |simulation: Simulation| simulation.run().progress.began.clone();
    let (plain, other) = (order(simulate(storefront())), order(simulate(storefront()).interleaved(7)));
    assert_ne!(plain, other);
    assert_eq!(other, order(simulate(storefront()).interleaved(7)), "the same seed, the same order");
}
