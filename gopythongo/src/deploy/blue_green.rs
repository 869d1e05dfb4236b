//! How one version takes over from another.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Two slots: the new version starts in the idle one, and gets the connections when it is healthy. Until then, and if it never
/// is, the old one serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "it does nothing until `.blue_green(..)` takes it"]
pub struct BlueGreen {
    /// The path that a healthy service answers with a status from 200 to 399.
    pub(crate) health_check: String,
    /// How long a service may take until it is healthy.
    pub(crate) timeout: Duration,
    /// How long requests that the old version has begun may take to end.
    pub(crate) drain: Duration,
}

impl Default for BlueGreen {
    fn default() -> Self {
        Self { health_check: "/".to_owned(), timeout: Duration::from_secs(60), drain: Duration::from_secs(10) }
    }
}

impl BlueGreen {
    /// Two slots with a health check of `/`, 60 s to become healthy, 10 s to drain.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the path that a healthy service answers with a status from 200 to 399; `/` by default.
    pub fn health_check(mut self, path: impl Into<String>) -> Self {
        self.health_check = path.into();
        self
    }

    /// Sets how long a service may take until it is healthy; 60 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long requests that the old version has begun may take to end; 10 s by default.
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }
}
