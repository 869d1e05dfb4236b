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
fn up_to_two_faults_at_every_point_do_no_harm() {
    let explored = simulate(storefront()).exhaustive(2);
    println!("{explored}");
    assert!(explored.schedules > 500, "{explored}");
}
