//! The guide, for whoever runs builds and deployments and knows Jenkins, tox and Debian better than Rust.
//!
//! 1. [`first_pipeline`]: from a repository to a promoted set, and to a service that is live.
//! 2. [`public_set`]: what happens between a commit and `pip install`, and what cannot happen.
//! 3. [`from_jenkins_and_tox`]: what each line of a Jenkinsfile and a `tox.ini` becomes.
//!
//! All Rust in it is compiled, and its claims are tested, with each build of this crate.

#[doc = include_str!("first_pipeline.md")]
pub mod first_pipeline {}

#[doc = include_str!("public_set.md")]
pub mod public_set {}

#[doc = include_str!("from_jenkins_and_tox.md")]
pub mod from_jenkins_and_tox {}
