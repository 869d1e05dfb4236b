//! The name came from a variable of the build server, and one job had set it wrong.
//! error: a protected environment takes the application itself, and this deployment knows only its name
//! help: write `deployment("shop-live", &shop)`

use gopythongo::prelude::*;

fn production() -> Environment<Protected> {
    Environment::new("production", Master).host("local").protected()
}

fn main() {
    let name = std::env::var("APPLICATION").unwrap_or_default();
    let _ = deployment("shop-live", name).environment(production());
}
