//! `status`: what is public, how the latest run ended, what waits for somebody.

use clap::Args;

use super::{Error, Exit, Session, history::Past, print};
use crate::{
    event::RunState,
    run::RunDirectory,
    store::{Generation, Release, Store},
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
                _ => past.holder.is_some(),
            };
            if index == 0 || waits {
                let name = if index == 0 { "latest run" } else { "run" };
                print::result(format!("{name} {}: {}", past.id, past.sentence()));
            }
        }
        Ok(Exit::Done)
    }
}

/// Whether a staged run holds something that no other run has promoted meanwhile.
fn waits(store: &Store, past: &Past) -> Result<bool, Error> {
    let Some(plan) = &past.plan else { return Ok(false) };
    let stage = store.stage(&past.id, &plan.context.channel)?;
    let channel = store.current()?.channel(&stage.channel);
    let is_public = |(name, staged): (&String, &Release)| {
        channel.packages.get(name).is_some_and(|releases| releases.iter().any(|known| known.payload == staged.payload))
    };
    Ok(!stage.staged.iter().all(is_public))
}

/// The newest release of each package of each channel, in lines.
fn channels(generation: &Generation) -> Vec<String> {
    let mut lines = vec![match generation.number {
        0 => "nothing is promoted yet".to_owned(),
        number => format!("generation {number}, {}", words::count(generation.channels.len(), "channel")),
    }];
    for (name, channel) in &generation.channels {
        lines.push(name.clone());
        let width = channel.packages.keys().map(String::len).max().unwrap_or(0);
        for (package, releases) in &channel.packages {
            let Some(newest) = releases.last() else { continue };
            let commit = newest.commit.as_deref().map(|commit| format!("  commit {commit:.12}")).unwrap_or_default();
            lines.push(format!("  {package:<width$}  {}{commit}  run {}", newest.version, newest.run));
        }
        for (job, figure) in &channel.ratchets {
            lines.push(format!("  coverage of {job}: {} of {} lines", figure.covered, figure.total));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::{Channel, Figure},
        support::Digest,
    };

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
        let figure = Figure { covered: 97, total: 100, commit: None };
        let channel = Channel { packages: packages.into(), ratchets: [("money".to_owned(), figure)].into() };
        let generation =
            Generation { number: 2, channels: [("develop".to_owned(), channel)].into(), ..Generation::default() };
        assert_eq!(
            channels(&generation).join("\n"),
            "\
generation 2, 1 channel
develop
  catalogue  0.3  commit 0123456789ab  run r1
  money      1.0.dev2  commit 0123456789ab  run r1
  coverage of money: 97 of 100 lines"
        );
    }
}
