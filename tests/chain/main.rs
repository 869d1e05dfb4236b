//! The chain on real tools: uv, pip, twine, git, and the examples.

mod copied_example;
mod coverage;
mod disk;
mod feature;
mod index;
mod kill;
mod pallets;
mod places;
mod races;
mod readme;
mod requirements;
mod selection;
mod slow;
mod specifier;
mod storefront;
mod transcript;
mod upload;
mod user;
