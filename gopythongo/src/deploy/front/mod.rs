//! What holds an environment's port: an HTTP/1.1 reverse proxy that gives each request to the slot that is live at that
//! moment. Knows sockets and requests; what a slot is made of and when it changes is told by [`Backends`].
//!
//! Every request has a connection of its own to the service: nothing is kept that a switch could cut. A service that is being
//! started again is waited for.

mod body;
mod forward;
mod headers;
mod listener;
mod tunnel;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use super::InFlight;

pub(super) use listener::serve;

/// Where requests go.
pub(super) trait Backends: Send + Sync + 'static {
    /// The service that is live now, with a ticket for one request; `None` if nothing is.
    fn live(&self) -> Option<Backend>;
}

/// A service for one request.
pub(super) struct Backend {
    /// The unix socket that it listens on.
    pub(super) socket: PathBuf,
    /// Kept until the request has ended.
    pub(super) ticket: InFlight,
}
