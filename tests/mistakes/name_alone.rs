//! Production took whatever was called `shop`: a renamed test application, in the end.
//! error: a protected environment takes the application itself, and this deployment knows only its name
//! help: write `deployment("shop-live", &shop)`

use gopythongo::prelude::*;

fn production() -> Environment<Protected> {
    Environment::new("production", Master).host("local").protected()
}

fn main() {
    let _ = deployment("shop-live", "shop").environment(production());
}
