//! What the `gopythongo` command knows: which pipeline a repository needs, and where the nearest one is.
//!
//! What a source says of itself is the survey's business ([`context::survey`](crate::context::survey())).

mod error;

mod found;
mod needs;
mod python_source;
mod repository;
mod tox;
mod web;

mod chain;
mod program;

mod crate_source;
mod files;
mod manifest;
mod package;

mod nearest;

pub(crate) use crate_source::CrateSource;
pub(crate) use error::{InitError, InitErrorKind};
use files::Files;
pub(crate) use nearest::Nearest;
pub(crate) use package::package;
pub(crate) use repository::Repository;
