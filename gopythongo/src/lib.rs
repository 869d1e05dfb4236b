//! Delivery pipelines for Python shops, as one small typed Rust program.
//!
//! A team writes `pipeline.rs`; it compiles to a program that checks, builds, tests downstream and
//! promotes the team's libraries and applications, on a laptop and on a build server:
//!
//! ```no_run
//! use gopythongo::prelude::*;
//!
//! pub fn pipeline() -> Pipeline {
//!     let money = library("money").source("libs/money").flake8().pytest().upload().downstream(["shop"]);
//!     let shop = application("shop").source("apps/shop").integration_tests("tests/integration");
//!     Pipeline::new("storefront").default_kind(Develop).job(money).job(shop)
//! }
//!
//! fn main() -> ExitCode {
//!     gopythongo::main(pipeline)
//! }
//! ```
//!
//! The modules stand in the order in which data flows: builders make a [`pipeline`], which with a
//! [`context`] lowers to a [`plan`], which is [`run`]; [`report`]s are consumers of its [`event`]s.

pub mod prelude;

pub mod context;
pub mod pipeline;
pub mod plan;
pub mod run;

pub mod cache;
pub mod event;
pub mod journal;
pub mod report;

pub mod index;
pub mod python;
pub mod store;
pub mod version;

pub mod testing;

mod cli;
mod entry;
pub mod support;

pub use entry::main;
