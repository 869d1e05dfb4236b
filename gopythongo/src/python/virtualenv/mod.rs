//! An application in a virtual environment at its final path, as the tree that packages ship.
//!
//! `place` says where it is built so that its path is already the final one, `host_python` on which interpreter, `application`
//! and `needed` of what. `records` and `relocation` take out what installers wrote of this machine, `inspection` looks whether any of it is
//! left, and `tree_archive` makes the one file.

pub(in crate::python) mod application;
pub(in crate::python) mod host_python;
pub(in crate::python) mod inspection;
pub(in crate::python) mod needed;
pub(in crate::python) mod place;
pub(in crate::python) mod records;
pub(in crate::python) mod relocation;
pub(in crate::python) mod skeleton;
pub(in crate::python) mod step;
pub(in crate::python) mod tree_archive;
