//! `status`: what is public, how the latest run ended, what waits for somebody.

use clap::Args;

use super::{Error, Exit, Session, history::Past, places::Places, print};
use crate::{
    deploy::{Candidate, Live},
    event::RunState,
    run::RunDirectory,
    store::{DebRelease, Figure, Generation, Release, Store},
    support::words,
};

/// How many of the latest runs are looked through for staged sets.
const LOOKED_AT: usize = 50;

/// `status`
#[derive(Debug, Args)]
pub(super) struct Status {}

impl Status {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let state = &session.place.state;
        let runs = RunDirectory::list(state)?;
        let directory = state.join("store");
        if runs.is_empty() && !directory.exists() {
            print::result(format!("{}: nothing has run here yet ({})", session.pipeline.name, state.display()));
            return Ok(Exit::Done);
        }
        let store = directory.exists().then(|| Store::open(&directory)).transpose()?;
        if let Some(store) = &store {
            channels(&*store.current()?).into_iter().for_each(print::result);
        }
        live(session)?.into_iter().for_each(print::result);
        let pasts = runs.iter().rev().take(LOOKED_AT).map(|run| Past::read(state, run));
        for (index, past) in pasts.enumerate() {
            let past = match past {
                Ok(past) => past,
                // one damaged journal hides nothing else
                Err(error) => {
                    print::warning(error.to_string());
                    continue;
                }
            };
            let waits = match (&past.state, &store) {
                (Some(RunState::Staged { .. }), Some(store)) => waits(store, &past)?,
                (Some(RunState::Waiting { .. }), Some(store)) => waits_for_approval(session, store, &past.id)?,
                _ => past.holder.is_some(),
            };
            if index == 0 || waits {
                let name = if index == 0 { "latest run" } else { "run" };
                let is_settled = matches!(past.state, Some(RunState::Waiting { .. })) && !waits;
                let settled = if is_settled { " (approved since, or overtaken)" } else { "" };
                print::result(format!("{name} {}: {}{settled}", past.id, past.sentence()));
            }
        }
        Ok(Exit::Done)
    }
}

/// What serves in each environment, a line each; where nothing ever did, there is nothing to say.
fn live(session: &Session) -> Result<Vec<String>, Error> {
    let places = Places::of(session)?;
    let mut lines = Vec::new();
    for place in places.all(None)? {
        let name = format!("{} in {}", place.application, place.environment);
        let gone = if place.declared { "" } else { "; the pipeline declares it no more" };
        match places.host(place).status() {
            Ok(Some(live)) => lines.push(format!("{name}: {}{gone}", told(&live, &place.environment))),
            Ok(None) => {}
            Err(error) => print::warning(format!("{name}: {error}")),
        }
    }
    Ok(lines)
}

/// `0.7.0~dev2 in the green slot since 2026-11-23T07:13:03Z, 0.7.0~dev1 in the other, healthy: http://127.0.0.1:8000/`.
fn told(live: &Live, environment: &str) -> String {
    let healthy = if live.healthy { "healthy" } else { "does not answer" };
    let since = live.since.iter().map(|time| format!(" since {time}")).collect::<String>();
    let pinned = if live.pinned {
        format!(", pinned until `rollback {environment} --unpin` or a newer version")
    } else {
        String::new()
    };
    let approved = live.approved.iter().map(|approved| format!(", approved by {}", approved.by)).collect::<String>();
    let previous = live.previous.iter().map(|version| format!(", {version} in the other")).collect::<String>();
    format!("{} in the {} slot{since}{approved}{previous}, {healthy}{pinned}: {}", live.version, live.slot, live.url)
}

/// Whether a run waits for an approval that can still be given: what it would make live is the newest, and nobody approved it.
fn waits_for_approval(session: &Session, store: &Store, run: &str) -> Result<bool, Error> {
    let (places, current) = (Places::of(session)?, store.current()?);
    for place in places.all(None)? {
        let approvals = places.host(place).approvals()?;
        let is_newest = |candidate: &&Candidate| {
            let newest = current.newest_deb(&candidate.channel, &candidate.package);
            newest.is_some_and(|newest| newest.digest == candidate.digest)
        };
        let asked = approvals.asked_by(run).filter(is_newest);
        if asked.is_some_and(|candidate| approvals.of(&candidate.digest).is_none()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a staged run holds something that no other run has promoted meanwhile.
fn waits(store: &Store, past: &Past) -> Result<bool, Error> {
    let Some(plan) = &past.plan else { return Ok(false) };
    let stage = store.stage(&past.id, &plan.context.channel)?;
    let channel = store.current()?.channel(&stage.channel);
    let is_public = |(name, staged): (&String, &Release)| {
        channel.packages.get(name).is_some_and(|releases| releases.iter().any(|known| known.payload == staged.payload))
    };
    let deb_is_public = |(name, staged): (&String, &DebRelease)| {
        channel.debs.get(name).is_some_and(|releases| releases.iter().any(|known| known.payload == staged.payload))
    };
    Ok(!stage.staged.iter().all(is_public) || !stage.debs.iter().all(deb_is_public))
}

/// The newest release of each package of each channel, in lines.
fn channels(generation: &Generation) -> Vec<String> {
    let mut lines = vec![match generation.number {
        0 => "nothing is promoted yet".to_owned(),
        number => format!("generation {number}, {}", words::count(generation.channels.len(), "channel")),
    }];
    for (name, channel) in &generation.channels {
        lines.push(name.clone());
        let wheels = channel.packages.iter().filter_map(|(package, releases)| {
            let newest = releases.last()?;
            Some((package.clone(), &newest.version, &newest.commit, &newest.run))
        });
        let debs = channel.debs.iter().filter_map(|(package, releases)| {
            let newest = releases.last()?;
            Some((format!("{package} (deb)"), &newest.version, &newest.commit, &newest.run))
        });
        let newest: Vec<_> = wheels.chain(debs).collect();
        let width = newest.iter().map(|(package, ..)| package.len()).max().unwrap_or(0);
        for (package, version, commit, run) in newest {
            let commit = commit.as_deref().map(|commit| format!("  commit {commit:.12}")).unwrap_or_default();
            lines.push(format!("  {package:<width$}  {version}{commit}  run {run}"));
        }
        for (step, Figure { counts, .. }) in &channel.ratchets {
            let counted = match (step.strip_suffix("/coverage-ratchet"), counts.get("covered"), counts.get("total")) {
                (Some(job), Some(covered), Some(total)) => format!("coverage of {job}: {covered} of {total} lines"),
                _ => format!("{step}: {}", words::count(counts.values().sum::<u64>() as usize, "finding")),
            };
            lines.push(format!("  {counted}"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{deploy::Slot, store::Channel, support::Digest};

    #[test]
    fn what_serves_is_told_in_a_line() {
        let live = Live {
            slot: Slot::Green,
            version: "0.7.0~dev2".to_owned(),
            digest: Digest::of("shop"),
            url: "http://127.0.0.1:8000/".to_owned(),
            healthy: true,
            pinned: false,
            previous: Some("0.7.0~dev1".to_owned()),
            since: Some("2026-11-23T07:13:03Z".to_owned()),
            approved: None,
        };
        assert_eq!(
            told(&live, "testing"),
            "0.7.0~dev2 in the green slot since 2026-11-23T07:13:03Z, 0.7.0~dev1 in the other, healthy: \
             http://127.0.0.1:8000/"
        );
        let pinned = Live { healthy: false, pinned: true, previous: None, since: None, ..live };
        assert_eq!(
            told(&pinned, "testing"),
            "0.7.0~dev2 in the green slot, does not answer, pinned until `rollback testing --unpin` or a newer version: \
             http://127.0.0.1:8000/"
        );
    }

    #[test]
    fn channels_show_their_newest_releases() {
        let release = |version: &str| Release {
            version: version.to_owned(),
            payload: Digest::of(version),
            files: Vec::new(),
            commit: Some("0123456789abcdef".to_owned()),
            run: "r1".to_owned(),
        };
        let packages = [
            ("money".to_owned(), vec![release("1.0.dev1"), release("1.0.dev2")]),
            ("catalogue".to_owned(), vec![release("0.3")]),
        ];
        let figure = |counts: &[(&str, u64)]| {
            let counts = counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
            Figure { counts, commit: None }
        };
        let ratchets = [
            ("money/coverage-ratchet".to_owned(), figure(&[("covered", 97), ("total", 100)])),
            ("money/flake8".to_owned(), figure(&[("E501", 2), ("F401", 1)])),
        ]
        .into();
        let channel = Channel { packages: packages.into(), ratchets, ..Channel::default() };
        let generation =
            Generation { number: 2, channels: [("develop".to_owned(), channel)].into(), ..Generation::default() };
        assert_eq!(
            channels(&generation).join("\n"),
            "\
generation 2, 1 channel
develop
  catalogue  0.3  commit 0123456789ab  run r1
  money      1.0.dev2  commit 0123456789ab  run r1
  coverage of money: 97 of 100 lines
  money/flake8: 3 findings"
        );
    }
}
