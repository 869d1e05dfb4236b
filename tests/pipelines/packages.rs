//! Applications up to their Debian packages: the storefront's shop, and flask's tutorial, which holds machine code.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let money = library("money").source("libs/money").upload().downstream(["catalog", "shop"]);
    let catalog = library("catalog").source("libs/catalog").upload().downstream(["shop"]);
    let shop = application("shop")
        .source("apps/shop")
        .virtualenv("/opt/shop")
        .deb(
            Deb::new()
                .description("storefront of a small company\nPages, a cart, and a till.")
                .maintainer("The Shop Team <shop@example.org>")
                .homepage("https://shop.example.org/")
                .depends("libc6")
                .service(Service::gunicorn("shop:app").environment("GREETING", "a \"good\" day, 100 %"))
                .directory("/var/lib/shop")
                .configuration_file("shop.toml", "/etc/shop/shop.toml")
                .copyright("LICENCE"),
        )
        .publish();
    let flaskr = application("flaskr")
        .sdist("flask==3.1.3")
        .subdirectory("examples/tutorial")
        .virtualenv("/opt/flaskr")
        .deb(
            Deb::new()
                .service(Service::gunicorn("flaskr:create_app()").workers(1))
                .directory("/var/lib/flaskr")
                .link("/opt/flaskr/var/flaskr-instance", "/var/lib/flaskr"),
        )
        .publish();
    Pipeline::new("storefront").default_kind(Develop).job(money).job(catalog).job(shop).job(flaskr)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
