//! The storefront up to the shop's virtual environment.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let money = library("money").source("libs/money").upload().downstream(["catalog", "shop"]);
    let catalog = library("catalog").source("libs/catalog").upload().downstream(["shop"]);
    let shop = application("shop")
        .source("apps/shop")
        .integration_tests("tests/integration")
        .step(Virtualenv::new("/opt/shop").requirements(["gunicorn==23.0.0"]));
    Pipeline::new("storefront").default_kind(Develop).job(money).job(catalog).job(shop)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
