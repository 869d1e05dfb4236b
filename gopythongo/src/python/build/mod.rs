//! The sdist and the wheel, by the project's own back end (PEP 517).

pub(in crate::python) mod backend;
pub(in crate::python) mod sdist;
pub(in crate::python) mod sdist_archive;
pub(in crate::python) mod wheel;
