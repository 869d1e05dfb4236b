//! What the chain suite is written with: copies of the examples, runs of their programs, and what those print and leave.

mod example;
mod outcome;
mod promoted;
mod python;
mod seed;
mod served;

pub use example::{Example, root};
pub use outcome::Outcome;
pub use promoted::Promoted;
pub use python::{Python, archive};
pub use served::Served;
