//! Environments with real processes: small Python services in packages made by hand, a supervisor, a front.

mod client;
pub(in crate::deploy) mod ground;

mod faults;
mod load;
mod restarts;
mod switching;
mod trials;

use std::{env, path::Path};

/// Not a test: the supervisor of the other tests, which start this program anew with a variable that names a directory.
#[test]
fn supervisor() {
    let Some(directory) = env::var_os("GOPYTHONGO_TEST_SUPERVISE") else { return };
    let port = env::var("GOPYTHONGO_TEST_PORT").ok().and_then(|port| port.parse().ok());
    crate::deploy::supervise(Path::new(&directory), port).expect("it can supervise");
}
