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
//! `cargo run` then is the pipeline: see `cargo run -- --help` for its commands.
//!
//! # Declaring
//!
//! [`library`] and [`application`] begin a job; what they share is in [`JobBuilder`]. Options of a step are methods of its
//! type: `.pytest()` is short for `.step(Pytest::new())`, and `.step(Pytest::new().version("8.3"))` has one. A team's own
//! step implements [`run::Step`] and goes through the same door. The order of a chain means nothing. Mistakes are collected
//! and shown together, each with its line.
//!
//! # Builds
//!
//! The branch says what kind of build it is ([`BuildKind`], Git Flow), and the kind what runs by default:
//!
//! | | feature, pull request | develop | release, hotfix | master |
//! |---|---|---|---|---|
//! | lint, types, tests, coverage | yes | yes | yes | yes |
//! | upload, tests downstream of it, promotion | no | yes | yes | yes |
//! | version | `1.5.0.devN+branch` | `1.5.0.devN` | `1.5.0rcN` | `1.5.0` |
//!
//! [`.on`](pipeline::JobBuilder::on) replaces the kinds of the steps that its closure adds,
//! [`.except`](pipeline::JobBuilder::except) takes some away.
//!
//! # Promises
//!
//! - A wheel is built once: the bytes that are tested are the bytes that are uploaded, and that everything downstream is
//!   tested with.
//! - A set of packages becomes visible when every job passed with it: all of it, or nothing.
//! - A step whose inputs have not changed is not repeated; each step that ran or did not has a reason that names an input.
//! - A run that was killed goes on where it was, and no effect is lost or done twice.
//!
//! # Testing
//!
//! [`testing`] plans a pipeline on a machine where all is well, and claims things of the plan. Nothing is read or run:
//!
//! ```no_run
//! # use gopythongo::prelude::*;
//! # fn pipeline() -> Pipeline { Pipeline::new("storefront") }
//! use gopythongo::testing::*;
//!
//! plan(pipeline()).on_branch("feature/discounts").has_no_effects();
//! plan(pipeline()).needs("shop/integration-tests", "money/upload").needs_everything("promote");
//! ```
//!
//! # The modules
//!
//! They stand in the order in which data flows: builders make a [`pipeline`], which with a [`context`] lowers to a
//! [`plan`], which is [`run`]; [`report`]s are consumers of its [`event`]s. What runs knows steps and no domain:
//! [`python`], [`version`], [`store`] and [`index`] are the domains. Most pipelines need the [`prelude`] and [`testing`]
//! alone; the rest is for a team's own steps.
//!
//! [`library`]: pipeline::library
//! [`application`]: pipeline::application
//! [`JobBuilder`]: pipeline::JobBuilder
//! [`BuildKind`]: context::BuildKind

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
