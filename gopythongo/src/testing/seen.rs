//! What somebody outside sees of a simulated world: what is in a channel, what is staged, what is live.

use super::world::World;
use crate::store::Generation;

/// A simulated world at some moment, for a team's own claims.
#[derive(Debug)]
pub struct Seen<'a> {
    pub(super) world: &'a World,
    pub(super) channel: &'a str,
    pub(super) run: &'a str,
}

impl Seen<'_> {
    /// The version of a package, or of a Debian package, that the run's channel shows.
    #[must_use]
    pub fn promoted(&self, package: &str) -> Option<String> {
        let current = self.current();
        let wheel = current.newest(self.channel, package).map(|release| release.version.clone());
        wheel.or_else(|| current.newest_deb(self.channel, package).map(|release| release.version.clone()))
    }

    /// The version of a package, or of a Debian package, that the run has staged.
    #[must_use]
    pub fn staged(&self, package: &str) -> Option<String> {
        let stage = self.world.store.staged(self.run).ok().flatten()?;
        let wheel = stage.staged.get(package).map(|release| release.version.clone());
        wheel.or_else(|| stage.debs.get(package).map(|release| release.version.clone()))
    }

    /// The version of an application that serves in an environment.
    #[must_use]
    pub fn live(&self, application: &str, environment: &str) -> Option<String> {
        self.world.hosts.live(environment, application).map(|live| live.version)
    }

    /// How often an effect of the team's own, by its step, changed something.
    #[must_use]
    pub fn effects(&self, step: &str) -> u32 {
        self.world.state().elsewhere.get(step).copied().unwrap_or_default()
    }

    /// How often anything was promoted, into whatever channel.
    #[must_use]
    pub fn promotions(&self) -> u64 {
        self.current().number
    }

    fn current(&self) -> std::sync::Arc<Generation> {
        self.world.store.current().unwrap_or_default()
    }
}
