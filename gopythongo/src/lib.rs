//! Delivery pipelines for Python shops, as one small typed Rust program.
//!
//! A team writes `pipeline.rs`; it compiles to a program that checks, builds, tests downstream, promotes and
//! deploys the team's libraries and applications, on a laptop and on a build server:
//!
//! ```no_run
//! use gopythongo::prelude::*;
//!
//! pub fn pipeline() -> Pipeline {
//!     let money = library("money").source("libs/money").flake8().pytest().upload().downstream(["shop"]);
//!     let shop = application("shop")
//!         .source("apps/shop")
//!         .integration_tests("tests/integration")
//!         .virtualenv("/opt/shop")
//!         .deb(Deb::new().service(Service::gunicorn("shop:app")))
//!         .publish();
//!     let live = deployment("shop-live", "shop").environment(Environment::new("testing", Develop).host("local"));
//!     Pipeline::new("storefront").default_kind(Develop).job(money).job(shop).job(live)
//! }
//!
//! fn main() -> ExitCode {
//!     gopythongo::main(pipeline)
//! }
//! ```
//!
//! `cargo run` then is the pipeline: see `cargo run -- --help` for its commands. The [`guide`] begins at the beginning.
//!
//! # Declaring
//!
//! [`library`] and [`application`] begin a job; what they share is in [`JobBuilder`]. A [`deployment`] says where an
//! application's packages go when they are public. Options of a step are methods of its
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
//! | virtual environment, Debian package, publication | no | yes | yes | yes |
//! | deployment | none | environments that name the kind | the same | the same |
//! | version | `1.5.0.devN+branch` | `1.5.0.devN` | `1.5.0rcN` | `1.5.0` |
//!
//! On a build server its variables say the branch, the tag or the pull request ([`ci`]); other names of branches are a setting
//! ([`Branches`](context::Branches)), and so is where a version comes from
//! ([`VersionFrom`](version::VersionFrom)), if it is not what the project says of itself, its tags included.
//!
//! [`.on`](pipeline::JobBuilder::on) replaces the kinds of the steps that its closure adds,
//! [`.except`](pipeline::JobBuilder::except) takes some away.
//!
//! An environment that is [`.protected()`](deploy::Environment::protected) takes only an application that went through
//! [`.gate(tests, key)`](pipeline::Application::gate), outside of any condition: otherwise the pipeline does not compile, and the
//! compiler says what to add.
//!
//! # Settings and secrets
//!
//! [`main`] takes `fn pipeline(settings: Settings) -> Pipeline` too, with a type of the team's own: see [`context::settings`] for
//! its layers. A [`SecretFrom`](context::SecretFrom) says where a secret is; it is fetched by the step that uses it, and printed by none.
//!
//! # Promises
//!
//! - A wheel is built once: the bytes that are tested are the bytes that are uploaded, and that everything downstream is
//!   tested with.
//! - So are the bytes that are packed, published and deployed.
//! - A set of packages becomes visible when every job passed with it: all of it, or nothing.
//! - A version that does not get healthy serves nobody: the one before it goes on.
//! - A step whose inputs have not changed is not repeated; each step that ran or did not has a reason that names an input.
//! - What one machine did, no other does again, if they [share state](guide::shared_state).
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
//! [`plan`], which is [`run`]; [`report`]s are consumers of its [`event`]s, and what it learns is [`shared`] with other
//! machines. What runs knows steps and no domain:
//! [`python`], [`version`], [`package`], [`store`], [`index`] and [`deploy`] are the domains, and [`isolation`] is where
//! commands see another file system. Most pipelines need the [`prelude`] and [`testing`] alone; the rest is for a team's own
//! steps.
//!
//! [`library`]: pipeline::library
//! [`application`]: pipeline::application
//! [`deployment`]: pipeline::deployment
//! [`JobBuilder`]: pipeline::JobBuilder
//! [`BuildKind`]: context::BuildKind

pub mod prelude;

pub mod ci;
pub mod context;
pub mod pipeline;
pub mod plan;
pub mod run;

pub mod cache;
pub mod event;
pub mod journal;
pub mod report;
pub mod shared;

pub mod isolation;

pub mod index;
pub mod package;
pub mod python;
pub mod store;
pub mod version;

pub mod deploy;

pub mod testing;

pub mod guide;

mod cli;
mod entry;
mod init;
pub mod support;

pub use entry::{command, main};
