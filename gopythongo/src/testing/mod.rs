//! Testing a pipeline without Python, servers or a network: `use gopythongo::testing::*;`.
//!
//! ```no_run
//! # use gopythongo::prelude::*;
//! # fn pipeline() -> Pipeline { Pipeline::new("storefront") }
//! use gopythongo::testing::*;
//!
//! // in a `#[test]`
//! plan(pipeline()).is_valid();
//! plan(pipeline()).on_branch("feature/discounts").has_no_effects().runs("money/pytest").skips("money/upload");
//! plan(pipeline()).kind(Master).needs("catalog/resolve", "money/upload").needs_everything("promote");
//! ```

mod assertions;
mod build;
mod context;

mod acted;
mod performance;
mod pretended;
mod simulated;
mod world;

mod claims;
mod end;
mod exhaustive;
mod invariants;
mod schedule;
mod seen;
mod simulation;

#[cfg(test)]
mod tests;

pub use crate::context::BuildKind::{self, Develop, Feature, Hotfix, Master, PullRequest, Release};
pub use crate::journal::Fault;
pub use assertions::{PlanTest, plan};
pub use build::for_all_branches;
pub use exhaustive::Explored;
pub use schedule::{Mishap, Schedule};
pub use seen::Seen;
pub use simulation::{Simulation, simulate};
