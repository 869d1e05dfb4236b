//! What is packed, published and deployed, on real systems: dpkg, apt and systemd in a throw-away Debian. As root.

mod approving;
mod apt;
mod changes;
mod deb;
mod debian;
mod shop;
mod storefront;
mod switching;
mod virtualenv;
mod web;
