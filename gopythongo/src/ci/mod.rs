//! Build servers: what each says of the build that it runs.
//!
//! One file a server: adding one touches its file and one line of `detect/mod.rs`.

mod build;
pub mod detect;
mod person;
mod variables;

pub use build::{Origin, PullRequest, Server, ServerBuild};
pub use detect::detect;
pub use person::person;
pub use variables::Variables;
