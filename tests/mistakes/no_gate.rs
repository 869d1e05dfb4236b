//! A new service was copied from one that had no tests of the whole, and went live untested.
//! error: the application did not go through `.gate(tests, key)`, and a protected environment takes no other
//! help: add `.gate("tests/integration", SigningKey::fingerprint("…"))` to the chain of the application

use gopythongo::prelude::*;

fn shop() -> Application {
    application("shop").virtualenv("/opt/shop").deb(Deb::new().service(Service::gunicorn("shop:app"))).publish()
}

fn production() -> Environment<Protected> {
    Environment::new("production", Master).host("local").protected()
}

fn main() {
    let shop = shop();
    let _ = deployment("shop-live", &shop).environment(production());
}
