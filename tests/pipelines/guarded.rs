//! The storefront, whose environment takes what the owner of the key `GUARDED_KEY` approved. `KILLED` ends it as it does
//! `killed`.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let money = library("money").source("libs/money").flake8().mypy().pytest().coverage_ratchet().upload();
    let catalog = library("catalog").source("libs/catalog").flake8().tox().coverage_ratchet().upload();
    let shop = application("shop")
        .source("apps/shop")
        .virtualenv("/opt/shop")
        .deb(Deb::new().depends("libc6").service(Service::gunicorn("shop:app")))
        .publish()
        .gate("tests/integration", SigningKey::fingerprint(std::env::var("GUARDED_KEY").unwrap_or_default()));
    let live = deployment("shop-live", &shop)
        .blue_green(BlueGreen::new().health_check("/healthz"))
        .environment(Environment::new("testing", Develop).host("local").protected());
    Pipeline::new("storefront")
        .default_kind(Develop)
        .job(money.downstream(["catalog", "shop"]))
        .job(catalog.downstream(["shop"]))
        .job(shop)
        .job(live)
}

fn main() -> ExitCode {
    if let Err(error) = tests::arm() {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    gopythongo::main(pipeline)
}
