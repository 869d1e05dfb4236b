//! Where commands run that must see another file system than the host's. Knows nothing of Python, packages or steps.

mod namespace;

pub use namespace::View;
