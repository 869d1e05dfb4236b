//! Deployments: what is declared of them, the step that does them, and one environment on this machine.
//!
//! A deployment takes the newest package that its application has in the run's channel, after the promotion: it neither gates
//! nor undoes it. Layout below the state directory: `environments/ENVIRONMENT/APPLICATION/…`.

pub(crate) mod admission;
mod approvals;
mod blue_green;
mod environment;
mod environments;
mod front;
mod hosted;
mod in_flight;
pub mod local;
mod signing_key;
mod simulated;
mod slot;
mod supervisor;
mod switch;

pub use approvals::{Approvals, Approved, Candidate};
pub use blue_green::BlueGreen;
pub use environment::{Approval, Environment, Host, Open, Protected, Unguarded};
pub use environments::Environments;
pub use local::{Live, LocalHost, Package};
pub use signing_key::SigningKey;
pub(crate) use simulated::{Hosts, SimulatedHosts};
pub use slot::Slot;
pub(crate) use supervisor::supervise;
pub use switch::Switch;

#[cfg(test)]
mod contract;

use in_flight::InFlight;
