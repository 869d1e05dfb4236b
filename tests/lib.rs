//! What the suites are written with: copies of the examples, runs of their programs, what those print and leave, and
//! throw-away Debians.

mod booted;
mod debian;
mod debian_base;
mod example;
mod fault;
mod ordinary;
mod outcome;
mod port;
mod promoted;
mod python;
mod seed;
mod served;
mod weed;

pub use booted::Booted;
pub use debian::Debian;
pub use example::{Example, building, plain, root};
pub use fault::arm;
pub use ordinary::{Ordinary, copy_program};
pub use outcome::Outcome;
pub use port::Port;
pub use promoted::Promoted;
pub use python::{Python, archive};
pub use served::Served;
pub use weed::{Weed, open as open_shared};
