//! Production was added for the one big customer alone, and past the checks of all others.
//! error: a protected environment takes the application itself, and this deployment knows only its name
//! help: write `deployment("shop-live", &shop)`

use gopythongo::prelude::*;

fn production() -> Environment<Protected> {
    Environment::new("production", Master).host("local").protected()
}

fn main() {
    let _ = deployment("shop-live", "shop").when(true, |live| live.environment(production()));
}
