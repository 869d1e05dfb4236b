//! What steps build environments with: interpreters, uv or pip, and tools at pinned versions.

pub(crate) mod defaults;
pub(in crate::python) mod installer;
pub(in crate::python) mod interpreter;
pub(in crate::python) mod pip;
pub(in crate::python) mod pythons;
pub(in crate::python) mod resolver;
pub(in crate::python) mod tool;
pub(in crate::python) mod tool_cache;
pub(in crate::python) mod toolchain;
pub(in crate::python) mod uv;
