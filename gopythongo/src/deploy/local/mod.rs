//! One environment on this machine: two slots, a supervisor and a front.
//!
//! [`LocalHost`] changes what is live, under a lock: it unpacks a package into the idle slot, has the supervisor run it there,
//! and when it is healthy renames one link. Layout below the environment's directory: `blue/` and `green/` (`root/`,
//! `package.json`), `green.before/` while green is on trial, `live` (a link to one of them), `data/`, `configuration/`, `logs/`, `supervisor.json`, `port`, `pin`,
//! `history.json`, `approvals.json`.

mod approving;
mod host;
mod live;
mod place;

mod configuration;
mod depends;
mod installed;
mod trial;
mod unpack;

mod health;
mod history;
mod supervising;
mod takeover;

#[cfg(test)]
pub(super) mod tests;

pub use host::LocalHost;
pub use live::{Live, Package};

pub(super) use installed::Installed;
pub(super) use place::Place;
