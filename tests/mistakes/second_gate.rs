//! A team's own quick gate took the place of the one that the company's function had added.
//! error: the application has a gate already, and a second one would take the place of its tests
//! help: leave one `.gate(tests, key)`

use gopythongo::prelude::*;

fn shop() -> Application {
    application("shop").virtualenv("/opt/shop").deb(Deb::new().service(Service::gunicorn("shop:app"))).publish()
}

fn key() -> SigningKey {
    SigningKey::fingerprint("4B6F0C1E9D0A7F5122D38E64A1C95B7D3E2F6A80")
}

fn main() {
    let _ = shop().gate("tests/integration", key()).gate("tests/quick", key());
}
