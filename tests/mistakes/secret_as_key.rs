//! The private key stood in the pipeline, and so in every clone of the repository.
//! error: `&str` is no key of a gate
//! help: names the key of whoever lets versions in by its fingerprint, and holds no key itself

use gopythongo::prelude::*;

fn shop() -> Application {
    application("shop").virtualenv("/opt/shop").deb(Deb::new().service(Service::gunicorn("shop:app"))).publish()
}

fn main() {
    let _ = shop().gate("tests/integration", "-----BEGIN PGP PRIVATE KEY BLOCK-----");
}
