//! The storefront's deployment as its team may change it: `HEALTH_CHECK` is the path of the check, `PORT` the front's port.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let variable = |name: &str| std::env::var(name).ok();
    let shop = application("shop")
        .source("apps/shop")
        .virtualenv("/opt/shop")
        .deb(Deb::new().depends("libc6").service(Service::gunicorn("shop:app")))
        .publish();
    let check = variable("HEALTH_CHECK").unwrap_or_else(|| "/healthz".to_owned());
    let testing = Environment::new("testing", Develop).host("local");
    let testing = match variable("PORT").and_then(|port| port.parse().ok()) {
        Some(port) => testing.port(port),
        None => testing,
    };
    let live = deployment("shop-live", "shop")
        .blue_green(BlueGreen::new().health_check(check).timeout(std::time::Duration::from_secs(10)))
        .environment(testing);
    Pipeline::new("storefront").default_kind(Develop).job(shop).job(live)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
