//! Simulations of the storefront.

use super::*;
use crate::{
    deploy::{BlueGreen, Environment},
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
            && message.contains("nothing goes wrong\nsteps that began:\n  the run: money/"),
        "{message}"
    );
}
