//! The Debian package: its declaration, and the file (deb(5)).
//!
//! `deb` is what a team declares, which `checks` look at, and `step` what becomes of it: a `package`, described by `control`, `unit`, `scripts`,
//! `changelog` and `overrides`, with `members` beside its `tree`, put through a `compressor` into an `archive`.

#[expect(clippy::module_inception, reason = "the noun of this room")]
mod deb;

mod checks;
mod step;

mod changelog;
mod control;
mod members;
mod overrides;
mod package;
mod scripts;
mod unit;

mod ar;
mod archive;
mod compressor;
mod tree;

#[cfg(test)]
mod tests;

pub use deb::Deb;
