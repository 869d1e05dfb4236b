//! What holds at every moment of every run, whatever goes wrong.

use std::collections::BTreeMap;

use super::{
    pretended::locked,
    seen::Seen,
    world::{Act, State},
};
use crate::{
    deploy::Switch,
    event::RunState,
    journal::Journal,
    plan::{Action, PlannedStep},
    python::name::normalize,
    run::Step,
    store::{Generation, Release, Upload},
    support::Digest,
};

impl Act {
    /// An effect has happened: looks at what it made of the world.
    pub(super) fn happened(&self, step: &str) {
        self.progress().happened.insert(step.to_owned());
        let unproved = self.unproved(step).map(|what| format!("after `{step}`: {what}"));
        self.progress().broken.extend(unproved);
        self.look(step);
    }

    /// What a job changes outside, every step of it has passed with.
    fn unproved(&self, id: &str) -> Option<String> {
        let steps = &self.lowered.plan.steps;
        let effect = steps.iter().find(|step| step.id == id && step.id.contains('/'))?;
        let state = self.world.state();
        let stage = self.world.store.staged(&self.progress().run).ok().flatten();
        let staged = stage.and_then(|stage| stage.staged.get(&normalize(&effect.job)).map(wheel));
        let own = steps.iter().filter(|step| step.job == effect.job && step.action == Action::Run);
        let unproved = own.filter(|step| step.effect.is_none()).find(|step| {
            let wanted = if reads_wheel(step) { staged } else { source(step, &state) };
            let mut passes = state.passed.get(&step.id).into_iter().flatten();
            !passes.any(|subject| wanted.is_none_or(|wanted| wanted == subject.own))
        });
        unproved.map(|step| format!("it happened, and `{}` has not passed with the same source", step.id))
    }

    /// What is left to be done when a run says that it is at its end.
    pub(super) fn undone(&self, state: &RunState) -> Vec<String> {
        if !matches!(state, RunState::Promoted { .. } | RunState::Live { .. }) {
            return Vec::new();
        }
        let current = self.world.store.current().unwrap_or_default();
        let mut undone = Vec::new();
        for step in self.lowered.plan.steps.iter().filter(|step| step.action == Action::Run) {
            if step.kind == Upload::KIND {
                let payload = current.newest(&self.channel, &normalize(&step.job)).map(|release| release.payload);
                if payload != Some(self.world.source(&step.job)) {
                    undone.push(format!("the run ended well, and what `{}` uploads is not public", step.id));
                }
            }
            if let Some(switch) = self.lowered.code.get(&step.id).and_then(Switch::of) {
                let newest = current.newest_deb(&self.channel, switch.package()).map(|release| release.digest);
                let live = self.world.hosts.live(switch.environment(), switch.application());
                if live.map(|live| live.digest) != newest {
                    undone.push(format!("the run ended well, and what `{}` sends there is not live", step.id));
                }
            }
        }
        undone
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
        broken.extend(self.unapproved_live());
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
        if reads_wheel(step) {
            return generation.newest(&self.channel, &normalize(&step.job)).map(wheel);
        }
        source(step, state)
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

    /// What is live in a protected environment, somebody has approved there: these bytes.
    fn unapproved_live(&self) -> Option<String> {
        self.protected().find_map(|(environment, application)| {
            let live = self.world.hosts.live(environment, application)?;
            let place = (environment.to_owned(), application.to_owned(), live.digest);
            let is_approved = self.world.state().approved.contains(&place);
            (!is_approved).then(|| {
                format!("`{application}` {} is live in `{environment}`, and nobody approved these bytes", live.version)
            })
        })
    }

    /// The protected environments that this build goes to, and their applications.
    pub(super) fn protected(&self) -> impl Iterator<Item = (&str, &str)> {
        let switches = self.lowered.code.values().filter_map(Switch::of).filter(|switch| switch.is_protected());
        switches.map(|switch| (switch.environment(), switch.application()))
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

fn reads_wheel(step: &PlannedStep) -> bool {
    step.needs.iter().any(|need| need.strip_prefix(&step.job) == Some("/wheel"))
}

/// The source of a step's job, if it reads it.
fn source(step: &PlannedStep, state: &State) -> Option<Digest> {
    step.inputs.source.then(|| state.source(&step.job))
}
