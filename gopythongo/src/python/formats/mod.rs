//! What files and lines of Python packaging say: names, requirements, markers, file names, metadata, archives.

pub(in crate::python) mod distribution_error;
pub mod distribution_file;
pub(in crate::python) mod filename;
pub(in crate::python) mod marker;
pub(in crate::python) mod metadata;
pub mod name;
pub mod payload;
pub(in crate::python) mod requirement;
pub(in crate::python) mod requirement_parser;
#[cfg(test)]
pub(crate) mod test_wheel;
pub(in crate::python) mod wheel_archive;
