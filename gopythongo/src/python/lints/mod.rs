//! What reads the source without running it: flake8, ruff, mypy, pylint, bandit, prospector.

pub(in crate::python) mod bandit;
mod finding;
pub(in crate::python) mod flake8;
pub(in crate::python) mod lint;
pub(in crate::python) mod linter;
pub(in crate::python) mod mypy;
pub(in crate::python) mod mypy_cache;
mod mypy_plugins;
pub(in crate::python) mod prospector;
pub(in crate::python) mod pylint;
mod ratchet;
pub(in crate::python) mod ruff;
mod sarif;
