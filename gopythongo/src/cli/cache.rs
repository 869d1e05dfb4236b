//! `cache`: what is remembered of earlier runs: how much it is, whether it is sound, and making it smaller.

use clap::{Args, Subcommand};

use super::{Error, Exit, Session, place, print};
use crate::{
    cache::{Cache, Cleared, Holding, Taken},
    context::clear_work_trees,
    support::{bytes, parse_bytes, words},
};

/// `cache [gc | verify]`
#[derive(Debug, Args)]
pub(super) struct CacheCommand {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Clear away what was used longest ago, and work trees of other repositories that no run has used for 30 days
    Gc {
        /// How much may stay
        #[arg(long, value_name = "SIZE", default_value = "20GB", value_parser = parse_bytes)]
        keep: u64,
    },
    /// Read everything, and remove what is damaged: it runs again
    Verify,
}

impl CacheCommand {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let directory = session.place.state.join("cache");
        let broken = |what: &str| {
            let message = format!("cannot {what} the cache `{}`", directory.display());
            move |error: std::io::Error| Error::lacking(format!("{message}: {error}"))
        };
        if let Some(What::Gc { .. }) = self.what {
            let cleared = clear_work_trees(&session.place.cache).map_err(|error| {
                Error::lacking(format!("cannot clear `{}`: {error}", session.place.cache.join("git").display()))
            })?;
            if cleared > 0 {
                print::result(format!("cleared {} of other repositories", words::count(cleared, "work tree")));
            }
        }
        if !directory.exists() {
            print::result(format!(
                "{} remembers nothing yet ({})",
                session.pipeline.name,
                place::shown(&directory).display()
            ));
            return Ok(Exit::Done);
        }
        match self.what {
            None => {
                let holding = Cache::holding(&directory).map_err(broken("read"))?;
                print::result(format!("{} in {}", held(holding), place::shown(&directory).display()));
                Ok(Exit::Done)
            }
            Some(What::Gc { keep }) => {
                let cleared = Cache::gc(&directory, keep).map_err(broken("clear"))?.map_err(taken)?;
                print::result(told(cleared));
                Ok(Exit::Done)
            }
            Some(What::Verify) => {
                let problems = Cache::verify(&directory).map_err(broken("verify"))?.map_err(taken)?;
                problems.iter().for_each(print::result);
                let holding = held(Cache::holding(&directory).map_err(broken("read"))?);
                if problems.is_empty() {
                    print::result(format!("sound: {holding}"));
                    return Ok(Exit::Done);
                }
                let removed = words::count(problems.len(), "problem");
                print::result(format!("{removed} found and removed, what they concern runs again; left: {holding}"));
                Ok(Exit::StepFailed)
            }
        }
    }
}

fn taken(_: Taken) -> Error {
    Error::refused("a run uses the cache").hint("wait for its end; `status` names it")
}

fn held(holding: Holding) -> String {
    let outcomes = words::count(holding.entries, "outcome");
    format!("{outcomes} and {}, {}", words::count(holding.blobs, "artifact"), bytes(holding.bytes))
}

fn told(cleared: Cleared) -> String {
    if cleared.gone == Holding::default() {
        return format!("nothing to clear: {}", held(cleared.left));
    }
    format!("cleared {}; left: {}", held(cleared.gone), held(cleared.left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cleared_is_told() {
        let left = Holding { entries: 1, blobs: 2, bytes: 1_234_567 };
        let nothing = Cleared { gone: Holding::default(), left };
        assert_eq!(told(nothing), "nothing to clear: 1 outcome and 2 artifacts, 1.2 MB");
        let cleared = Cleared { gone: Holding { entries: 3, blobs: 0, bytes: 900 }, left };
        assert_eq!(told(cleared), "cleared 3 outcomes and 0 artifacts, 900 B; left: 1 outcome and 2 artifacts, 1.2 MB");
    }
}
