//! What runs the project's tests, and what they cover.

mod cobertura;
pub(in crate::python) mod coverage;
pub(in crate::python) mod coverage_ratchet;
pub(in crate::python) mod coverage_rc;
pub(in crate::python) mod diff_coverage;
pub(in crate::python) mod ground;
pub(in crate::python) mod installed;
pub(in crate::python) mod integration_tests;
pub(in crate::python) mod junit;
mod lcov;
pub(in crate::python) mod matrix;
pub(in crate::python) mod measuring;
pub(in crate::python) mod nox;
pub(in crate::python) mod pytest;
pub(in crate::python) mod quarantine;
pub(in crate::python) mod runner;
pub(in crate::python) mod suite;
pub(in crate::python) mod suite_place;
pub(in crate::python) mod tox;
