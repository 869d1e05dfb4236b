//! A shared function deployed every application that it was given.
//! error: the application did not go through `.gate(tests, key)`, and a protected environment takes no other
//! help: add `.gate("tests/integration", SigningKey::fingerprint("…"))` to the chain of the application

use gopythongo::prelude::*;

fn production() -> Environment<Protected> {
    Environment::new("production", Master).host("local").protected()
}

fn live(application: &Application) -> Deployment<Application> {
    deployment("live", application).environment(production())
}

fn main() {
    let _ = live(&application("shop"));
}
