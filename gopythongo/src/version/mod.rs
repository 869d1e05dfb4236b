//! Versions: where one comes from, and which one a build gets.
//!
//! [`find`] reads what a project says of its version, [`VersionPlan`] is the version of a build of it, and [`apply`]
//! gives it to a copy of the source.

mod place;
mod plan;
mod sources;
mod stamp;

pub use pep440_rs::Version;
pub use place::{Assignment, Place};
pub use plan::{Numbering, VersionError, VersionPlan};
pub use sources::{VersionSource, find};
pub use stamp::{Stamp, apply};
