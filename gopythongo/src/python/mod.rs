//! Python: interpreters, environments, lint, types, tests, coverage, distributions.
//!
//! [`Toolchain`] is what steps build environments with; `formats`, `project` and `packages` read what files say; the steps
//! are in `build`, `lints`, `resolution`, `suites` and `virtualenv`.

mod formats;
pub(crate) mod packages;
pub(crate) mod project;
mod tools;

mod build;
mod lints;
mod resolution;
mod suites;
mod virtualenv;

mod baseline;
mod implied;

#[cfg(test)]
pub(crate) use formats::test_wheel;
pub use formats::{
    distribution_error::DistributionError,
    distribution_file::{self, Checked},
    filename::{FileName, SdistName, WheelName},
    marker::{Environment, Marker},
    metadata::Metadata,
    name, payload,
    requirement::{Requirement, RequirementError},
};
use formats::{marker, metadata, requirement, requirement_parser, wheel_archive};

pub(crate) use tools::defaults;
use tools::{installer, pip, uv};
pub use tools::{
    installer::Installer, interpreter::interpreters, pythons::Pythons, tool::Tool, tool_cache::tool_cache,
    toolchain::Toolchain,
};

use build::{backend, sdist, sdist_archive, wheel};
pub use build::{sdist::Sdist, wheel::Wheel};
use lints::lint;
pub use lints::{
    bandit::Bandit, flake8::Flake8, linter::Lint, mypy::Mypy, prospector::Prospector, pylint::Pylint, ruff::Ruff,
};
use resolution::{lock, owned, question};
pub use resolution::{
    lock::{Lock, LockedFile, LockedPackage},
    resolve::Resolve,
};
pub use suites::{
    coverage::{Coverage, Covered, FileCoverage},
    coverage_ratchet::CoverageRatchet,
    diff_coverage::DiffCoverage,
    integration_tests::IntegrationTests,
    nox::Nox,
    pytest::Pytest,
    quarantine::Quarantine,
    tox::Tox,
};
use suites::{
    coverage_rc, ground, installed, junit, matrix, measuring, pytest, quarantine, runner, suite, suite_place,
};

pub use virtualenv::step::Virtualenv;

pub(crate) use implied::implied;

#[cfg(test)]
mod tests;
