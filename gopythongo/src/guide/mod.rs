//! The guide, for whoever runs builds and deployments and knows Jenkins, tox and Debian better than Rust.
//!
//! 1. [`first_pipeline`]: from a repository to a promoted set, and to a service that is live.
//! 2. [`public_set`]: what happens between a commit and `pip install`, and what cannot happen.
//! 3. [`shared_state`]: what the machines of a pipeline need not do again.
//! 4. [`from_jenkins_and_tox`]: what each line of a Jenkinsfile and a `tox.ini` becomes.
//! 5. [`testing`]: how a team proves what its pipeline does, without running anything.
//!
//! All Rust in it is compiled, and its claims are tested, with each build of this crate.

#[doc = include_str!("first_pipeline.md")]
pub mod first_pipeline {}

#[doc = include_str!("public_set.md")]
pub mod public_set {}

#[doc = include_str!("from_jenkins_and_tox.md")]
pub mod from_jenkins_and_tox {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("shared_state.md")]
pub mod shared_state {}
