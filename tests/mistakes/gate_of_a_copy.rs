//! The gate was added to a copy, and what was deployed was the original.
//! error: the application did not go through `.gate(tests, key)`, and a protected environment takes no other
//! help: add `.gate("tests/integration", SigningKey::fingerprint("…"))` to the chain of the application

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

fn main() {
    let shop = shop();
    let checked = shop.clone().gate("tests/integration", key());
    let _ = deployment("shop-live", &shop).environment(production());
    let _ = Pipeline::new("storefront").job(checked);
}
