//! The inside of the HTTP server: connections, routes, views of the store, pages, files, uploads.
//!
//! One thread runs hyper; handlers are ordinary blocking functions on threads of their own. A request sees one generation.

mod activity;
mod body;
mod listener;

mod negotiate;
mod range;
mod route;

mod page;
mod view;

mod apt;
mod files;
mod handler;
mod proxy;
mod respond;
mod upload;

pub(super) use handler::Handler;
pub(super) use listener::start;
pub(super) use route::encode;

#[cfg(test)]
mod tests;
