//! The chain on real tools: uv, pip, twine, git, and the examples.

mod storefront;
