//! What reads the source without running it: flake8, ruff, mypy.

pub(in crate::python) mod flake8;
pub(in crate::python) mod lint;
pub(in crate::python) mod mypy;
pub(in crate::python) mod mypy_cache;
pub(in crate::python) mod mypy_plugins;
pub(in crate::python) mod ruff;
