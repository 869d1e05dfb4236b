//! The apt repository: what `apt` reads of a generation. Channels are suites; their one component is `main`.
//!
//! `packages` and `suite` say what its files hold, and are pure; `keyring` signs; `view` writes all of it.

mod keyring;
mod packages;
mod suite;
mod view;

pub(super) use keyring::Keyring;
pub(super) use packages::check;
pub(crate) use view::native;
pub(super) use view::{View, sync};
