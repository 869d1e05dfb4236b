//! What is right compiles: applications, gates, environments and deployments in functions of their own.

use gopythongo::prelude::*;

fn shop() -> Application {
    application("shop").virtualenv("/opt/shop").deb(Deb::new().service(Service::gunicorn("shop:app"))).publish()
}

fn production() -> Environment<Protected> {
    Environment::new("production", Master).host("local").protected()
}

fn key() -> SigningKey {
    SigningKey::fingerprint("4B6F0C1E9D0A7F5122D38E64A1C95B7D3E2F6A80")
}

fn checked<J: JobBuilder>(job: J) -> J {
    job.flake8().on(Release | Master, |job| job.bandit())
}

fn gated() -> Application<Gated> {
    checked(shop()).gate(IntegrationTests::new("tests/integration"), key())
}

fn live(shop: &Application<Gated>) -> Deployment<Application<Gated>> {
    deployment("shop-live", shop)
        .environment(Environment::new("testing", Develop).host("local"))
        .when(true, |live| live.environment(production()))
}

fn main() {
    let shop = gated();
    let live = live(&shop);
    let desk = application("desk").integration_tests("tests");
    let testing = deployment("desk-live", "desk").environment(Environment::new("testing", Develop).host("local"));
    let itself = deployment("desk-demo", &desk).environment(Environment::new("demo", Develop).host("local"));
    let shop = checked(shop.except(Feature, |shop| shop.pytest()));
    let _ = Pipeline::new("storefront").job(shop).job(live).job(desk).job(testing).job(itself);
}
