//! What is left of a run when all is done, and how that differs from what is left where nothing goes wrong.

use std::{collections::BTreeMap, fmt::Display};

use super::{simulation::end, world::World};
use crate::{event::RunState, store::Figure, support::Digest, support::words};

/// What is left of a run when all is done, without what may differ: ids, and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    state: &'static str,
    promotions: u64,
    /// By channel and package.
    packages: BTreeMap<Place, Vec<Release>>,
    /// By channel and step.
    figures: BTreeMap<Place, Figure>,
    /// By environment and application.
    live: BTreeMap<Place, Serving>,
    /// How often effects of the team's own changed something, by step.
    elsewhere: BTreeMap<String, u32>,
}

/// Where something is, and what.
type Place = (String, String);

/// Version and digests.
type Release = (String, Vec<Digest>);

/// What serves, and how often another one became live.
type Serving = (Option<(String, Digest)>, usize);

impl End {
    /// Of a world in which a run ended.
    pub(super) fn of(world: &World, state: &RunState) -> Self {
        let current = world.store.current().unwrap_or_default();
        let (mut packages, mut figures) = (BTreeMap::new(), BTreeMap::new());
        for (name, channel) in &current.channels {
            for (package, releases) in &channel.packages {
                let all = releases.iter().map(|release| {
                    (release.version.clone(), release.files.iter().map(|file| file.digest).collect::<Vec<_>>())
                });
                packages.insert((name.clone(), package.clone()), all.collect());
            }
            for (package, releases) in &channel.debs {
                let all = releases.iter().map(|release| (release.version.clone(), vec![release.digest]));
                packages.insert((name.clone(), format!("{package} (deb)")), all.collect());
            }
            for (step, figure) in &channel.ratchets {
                figures.insert((name.clone(), step.clone()), figure.clone());
            }
        }
        let live = world.hosts.kept().into_iter().map(|(place, held)| {
            let live = held.live().map(|live| (live.version, live.digest));
            (place, (live, held.switches))
        });
        let elsewhere = world.state().elsewhere.clone();
        Self { state: end(state), promotions: current.number, packages, figures, live: live.collect(), elsewhere }
    }

    /// What is otherwise than it has to be, a line each.
    pub(super) fn difference(&self, wanted: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut compare = |what: &str, found: String, wanted: String| {
            if found != wanted {
                lines.push(format!("  {what}: {found}, instead of {wanted}"));
            }
        };
        compare("the run ended", self.state.to_owned(), wanted.state.to_owned());
        compare("promotions", self.promotions.to_string(), wanted.promotions.to_string());
        let package = |(channel, package): &Place| format!("`{package}` in `{channel}`");
        lines.extend(entries(&self.packages, &wanted.packages, package, |releases| {
            words::list(&releases.iter().map(|release| self.told(release, wanted)).collect::<Vec<_>>())
        }));
        let figure = |(channel, step): &Place| format!("what the ratchet `{step}` holds in `{channel}`");
        lines.extend(entries(&self.figures, &wanted.figures, figure, |figure| counts(&figure.counts)));
        let place = |(environment, application): &Place| format!("`{application}` in `{environment}`");
        lines.extend(entries(&self.live, &wanted.live, place, |(live, switches)| {
            let live = live.as_ref().map_or("nothing", |(version, _)| version.as_str());
            format!("{live} serves, after {}", words::count(*switches, "change"))
        }));
        let effect = |step: &String| format!("the effect `{step}`");
        lines.extend(entries(&self.elsewhere, &wanted.elsewhere, effect, |times| format!("{times} times")));
        lines
    }

    /// A version, with its bytes where the same version has others.
    fn told(&self, (version, digests): &Release, other: &Self) -> String {
        let all = self.packages.values().chain(other.packages.values()).flatten();
        let is_ambiguous = all.clone().any(|(same, bytes)| same == version && bytes != digests);
        let short = digests.iter().map(|digest| digest.short(8)).collect::<Vec<_>>().join(" ");
        if is_ambiguous { format!("{version} ({short})") } else { version.clone() }
    }
}

/// The entries that differ, a line each.
fn entries<K: Ord, V: PartialEq>(
    found: &BTreeMap<K, V>,
    wanted: &BTreeMap<K, V>,
    name: impl Fn(&K) -> String,
    value: impl Fn(&V) -> String,
) -> Vec<String> {
    let more = wanted.keys().filter(|key| !found.contains_key(key));
    let differing = found.keys().chain(more).filter(|key| found.get(key) != wanted.get(key));
    let told = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
    let line = |key: &K| {
        let (found, wanted) = (found.get(key).map(&value), wanted.get(key).map(&value));
        format!("  {}: {}, instead of {}", name(key), told(found), told(wanted))
    };
    differing.map(line).collect()
}

fn counts<V: Display>(counts: &BTreeMap<String, V>) -> String {
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
