//! The deployment had the application, and the pipeline none: nothing built it any more.
//! error: cannot be deployed
//! help: a deployment borrows it: `&shop`

use gopythongo::prelude::*;

fn shop() -> Application {
    application("shop").virtualenv("/opt/shop").deb(Deb::new().service(Service::gunicorn("shop:app"))).publish()
}

fn main() {
    let shop = shop();
    let _ = Pipeline::new("storefront").job(deployment("shop-live", shop));
}
