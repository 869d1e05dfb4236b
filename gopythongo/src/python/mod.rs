//! Python: interpreters, environments, lint, types, tests, coverage, distributions.
//!
//! [`Toolchain`] is what steps build environments with; the other nouns are steps and file formats.

mod defaults;
mod implied;
mod installer;
mod interpreter;
mod pip;
mod resolver;
mod tool;
mod tool_cache;
mod toolchain;
mod uv;

mod backend;
mod flake8;
mod lint;
mod mypy;
mod mypy_cache;
mod mypy_plugins;
mod ruff;
mod sdist;
mod sdist_archive;
mod wheel;

pub use flake8::Flake8;
pub(crate) use implied::implied;
pub use installer::Installer;
pub use interpreter::interpreters;
pub use mypy::Mypy;
pub use ruff::Ruff;
pub use sdist::Sdist;
pub use tool::Tool;
pub use tool_cache::tool_cache;
pub use toolchain::Toolchain;
pub use wheel::Wheel;

mod distribution_error;
mod filename;
mod lock;
mod marker;
mod metadata;
pub mod name;
mod owned;
pub(crate) mod packages;
pub(crate) mod project;
mod question;
mod requirement;
mod requirement_parser;
mod wheel_archive;

pub mod distribution_file;
pub mod payload;

#[cfg(test)]
pub(crate) mod test_wheel;

mod resolve;

mod coverage;
mod coverage_rc;
mod ground;
mod installed;
mod integration_tests;
mod junit;
mod matrix;
mod measuring;
mod nox;
mod pytest;
mod suite;
mod suite_place;
mod tox;

mod coverage_ratchet;

pub use distribution_error::DistributionError;
pub use distribution_file::Checked;
pub use filename::{FileName, SdistName, WheelName};
pub use metadata::Metadata;

pub use marker::{Environment, Marker};
pub use requirement::{Requirement, RequirementError};

pub use lock::{Lock, LockedFile, LockedPackage};
pub use resolve::Resolve;

pub use integration_tests::IntegrationTests;
pub use nox::Nox;
pub use pytest::Pytest;
pub use tox::Tox;

pub use coverage::{Coverage, Covered, FileCoverage};
pub use coverage_ratchet::CoverageRatchet;

#[cfg(test)]
mod tests;
