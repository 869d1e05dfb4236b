//! Versions: where one comes from, and which one a build gets.
//!
//! [`find`] reads what a project says of its version, [`VersionPlan`] is the version of a build of it, and [`apply`]
//! gives it to a copy of the source.
//!
//! Other packaging systems have other versions: [`DebianVersion`], [`RpmVersion`], [`SemanticVersion`] and [`oci_tag`] make theirs
//! of one of Python's (PEP 440), and the order stays what it was.

mod bumpversion;
mod from;
mod place;
mod plan;
mod sources;
mod stamp;
mod tilde;

mod bump;
mod debian;
mod oci_tag;
mod rpm;
mod semantic;

pub use bump::{Bump, next_free};
pub(crate) use bumpversion::{bumpversion, is_inside};
pub use debian::{DebianVersion, ParseDebianVersionError};
pub use from::VersionFrom;
pub use oci_tag::oci_tag;
pub use pep440_rs::Version;
pub use place::{Assignment, Place};
pub use plan::{Numbering, VersionError, VersionPlan};
pub use rpm::{ParseRpmVersionError, RpmVersion};
pub use semantic::{SemanticVersion, SemanticVersionError};
pub(crate) use sources::find_with_stamp;
pub use sources::{VersionSource, find};
pub use stamp::{Stamp, apply};
