//! What holds at every moment of every run, whatever goes wrong.

use std::collections::BTreeMap;

use super::{
    pretended::locked,
    seen::Seen,
    world::{Act, State},
};
use crate::{
    journal::Journal,
    plan::{Action, PlannedStep},
    python::name::normalize,
    store::{Generation, Release},
    support::Digest,
};

impl Act {
    /// An effect has happened: looks at what it made of the world.
    pub(super) fn happened(&self, step: &str) {
        self.progress().happened.insert(step.to_owned());
        self.look(step);
    }

    /// Looks whether everything holds that must, after something.
    fn look(&self, after: &str) {
        let Ok(current) = self.world.store.current() else { return };
        let seen = self.progress().generation;
        let mut broken = Vec::new();
        for number in seen + 1..=current.number {
            if let Ok(generation) = self.world.store.generation(number) {
                broken.extend(self.untested(&generation));
                broken.extend(self.mixed(&generation));
            }
        }
        broken.extend(self.unknown_live());
        broken.extend(self.disclaimed());
        let mut progress = self.progress();
        progress.generation = current.number;
        progress.broken.extend(broken.into_iter().map(|what| format!("after `{after}`: {what}")));
    }

    /// Nothing is promoted unless every step of every job has passed with it.
    fn untested(&self, generation: &Generation) -> Option<String> {
        let state = self.world.state();
        let steps = self.lowered.plan.steps.iter().filter(|step| step.action == Action::Run && step.effect.is_none());
        for step in steps.filter(|step| step.id.contains('/')) {
            let own = self.expected_own(step, generation, &state);
            let seen = self.expected_seen(step, generation);
            let mut passes = state.passed.get(&step.id).into_iter().flatten();
            let passed = passes.any(|subject| {
                own.is_none_or(|own| own == subject.own)
                    && seen.iter().all(|(name, digest)| subject.seen.get(name) == digest.as_ref())
            });
            if !passed {
                let set = generation.set.iter().map(|(name, version)| format!("{name} {version}"));
                let set = set.collect::<Vec<_>>().join(", ");
                return Some(format!("`{}` is promoted, and `{}` has not passed with it", set, step.id));
            }
        }
        None
    }

    /// What of a step's own job it has to have passed with: the public wheel, else its source, if it reads one of them.
    fn expected_own(&self, step: &PlannedStep, generation: &Generation, state: &State) -> Option<Digest> {
        let reads_wheel = step.needs.iter().any(|need| *need == format!("{}/wheel", step.job));
        if reads_wheel {
            return generation.newest(&self.channel, &normalize(&step.job)).map(wheel);
        }
        step.inputs.source.then(|| state.source(&step.job))
    }

    /// The wheels of upstream jobs that a step has to have passed with: those that are public.
    fn expected_seen(&self, step: &PlannedStep, generation: &Generation) -> BTreeMap<String, Option<Digest>> {
        let resolves = step.needs.iter().any(|need| need.starts_with(&format!("{}/resolve", step.job)));
        if !step.inputs.index && !resolves {
            return BTreeMap::new();
        }
        let names = self.upstream(&step.job).iter();
        names.map(|name| (name.clone(), generation.newest(&self.channel, name).map(wheel))).collect()
    }

    /// No application is public with other libraries inside than those that are public beside it.
    fn mixed(&self, generation: &Generation) -> Option<String> {
        if generation.channel != self.channel {
            return None;
        }
        for (package, releases) in generation.channel(&self.channel).debs {
            let Some(deb) = releases.last() else { continue };
            let inside = std::fs::read_to_string(self.blob(&deb.digest)).unwrap_or_default();
            for (name, inside) in locked(&inside) {
                let Some(public) = generation.newest(&self.channel, &name) else { continue };
                if wheel(public) != inside {
                    return Some(format!(
                        "`{package}` {} holds another `{name}` than the {} that is public beside it",
                        deb.version, public.version
                    ));
                }
            }
        }
        None
    }

    /// What is live is what was promoted.
    fn unknown_live(&self) -> Option<String> {
        let current = self.world.store.current().ok()?;
        for ((environment, application), held) in self.world.hosts.kept() {
            let Some(live) = held.live() else { continue };
            let is_it = |channel: &crate::store::Channel| {
                channel.debs.values().flatten().any(|release| release.digest == live.digest)
            };
            if !current.channels.values().any(is_it) {
                return Some(format!(
                    "`{application}` {} is live in `{environment}`, and was never promoted",
                    live.version
                ));
            }
        }
        None
    }

    /// What the team claims.
    fn disclaimed(&self) -> Vec<String> {
        let run = self.progress().run.clone();
        let seen = Seen { world: &self.world, channel: &self.channel, run: &run };
        let broken = self.claims.iter().filter(|claim| !(claim.holds)(&seen));
        broken.map(|claim| format!("`{}` does not hold", claim.name)).collect()
    }

    /// The journal tells of no effect that did not happen.
    pub(super) fn false_receipts(&self) -> Vec<String> {
        let progress = self.progress();
        let receipts = Journal::receipts(&progress.journal).unwrap_or_default().into_iter();
        let receipts = receipts.filter(|(step, receipt)| !receipt.found && !progress.happened.contains(step));
        receipts.map(|(step, _)| format!("the journal has a receipt of `{step}`, which never happened")).collect()
    }
}

/// The digest of a release's wheel.
fn wheel(release: &Release) -> Digest {
    Act::wheel(release)
}
