//! Application packages: what is in them, and the files that systems install them from. Knows nothing of where packages go.
//!
//! A [`Service`] says what a package runs; in the package it is a [`ServiceDescription`], which is all that a host needs.
//! [`Deb`] is the Debian package.

mod deb;
mod directory;
mod policy;
mod service;
mod service_description;

pub use deb::Deb;
pub use directory::Directory;
pub use policy::{Refusal, check_path};
pub use service::Service;
pub use service_description::{Bind, ServiceDescription};
