//! The tests of the whole ran on release branches; the hotfix of that night had none.
//! error: the closure was given
//! help: `.gate(tests, key)` holds for every build, so it stands outside of `.on`, `.except` and `.when`

use gopythongo::prelude::*;

fn shop() -> Application {
    application("shop").virtualenv("/opt/shop").deb(Deb::new().service(Service::gunicorn("shop:app"))).publish()
}

fn key() -> SigningKey {
    SigningKey::fingerprint("4B6F0C1E9D0A7F5122D38E64A1C95B7D3E2F6A80")
}

fn main() {
    let _ = shop().on(Release, |shop| shop.gate("tests/integration", key()));
}
