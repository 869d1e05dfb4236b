//! `rollback`: what served before serves again, and stays until there is something newer.

use clap::Args;

use super::{Error, Exit, Session, places::Places, print};
use crate::support::words;

/// `rollback [ENV]`
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// The environment; the only one that something serves in, by default
    #[arg(value_name = "ENV")]
    environment: Option<String>,
    /// Of several applications in the environment, this one
    #[arg(long, value_name = "NAME")]
    application: Option<String>,
    /// Let the next run deploy again what was rolled back from
    #[arg(long)]
    unpin: bool,
}

impl Rollback {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let places = Places::of(session)?;
        let place = places.one(self.environment.as_deref(), self.application.as_deref())?;
        let host = places.host(place);
        let name = format!("{} in {}", place.application, place.environment);
        if self.unpin {
            print::result(match host.unpin()? {
                true => format!("{name} is pinned no more: the next run deploys the newest version"),
                false => format!("{name} is not pinned"),
            });
            return Ok(Exit::Done);
        }
        let live = host.rollback(&|_| {})?;
        let from = live.previous.iter().map(|version| format!(", back from {version}")).collect::<Vec<_>>();
        print::result(format!("{name} is {} again{}: {}", live.version, words::list(&from), live.url));
        print::note(format!(
            "it stays until there is a newer version; `rollback {} --unpin` takes that back",
            place.environment
        ));
        Ok(Exit::Done)
    }
}
