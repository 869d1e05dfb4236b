//! Resolution as a step: from requirements to a lock.

pub(in crate::python) mod lock;
pub(in crate::python) mod owned;
pub(in crate::python) mod question;
pub(in crate::python) mod resolve;
