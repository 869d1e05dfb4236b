//! The chain on real tools: uv, pip, twine, git, and the examples.

mod copied_example;
mod coverage;
mod disk;
mod django;
mod feature;
mod git_flow;
mod index;
mod init;
mod kill;
mod native;
mod pallets;
mod places;
mod races;
mod readme;
mod requirements;
mod selection;
mod slow;
mod specifier;
mod storefront;
mod tags;
mod transcript;
mod upload;
mod user;
mod versions;
