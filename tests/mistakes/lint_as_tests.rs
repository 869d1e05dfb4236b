//! The only check before production was a linter: it passed, and nothing started.
//! error: is no test of the whole application, and a gate wants one
//! help: write `.gate("tests/integration", SigningKey::fingerprint("…"))`

use gopythongo::prelude::*;

fn shop() -> Application {
    application("shop").virtualenv("/opt/shop").deb(Deb::new().service(Service::gunicorn("shop:app"))).publish()
}

fn key() -> SigningKey {
    SigningKey::fingerprint("4B6F0C1E9D0A7F5122D38E64A1C95B7D3E2F6A80")
}

fn main() {
    let _ = shop().gate(Flake8::new(), key());
}
