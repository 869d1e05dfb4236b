//! `promote`: goes on with a staged run: tests what is downstream of it, then promotes the set.

use clap::Args;

use super::{Error, Exit, Session, arguments::Executing, engine, print, resume::Earlier};
use crate::{run::RunDirectory, store::Store};

/// `promote [RUN]`
#[derive(Debug, Args)]
pub(super) struct Promote {
    /// The run; the latest one by default
    #[arg(value_name = "RUN")]
    run: Option<String>,
    #[command(flatten)]
    executing: Executing,
}

impl Promote {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let directory = RunDirectory::open(&session.place.state, self.run.as_deref())?;
        let store = Store::open(&session.place.state.join("store"))?;
        if let Some(promotion) = store.promoted(directory.id())? {
            let set: Vec<String> = promotion.set.iter().map(|(name, version)| format!("{name} {version}")).collect();
            let set = if set.is_empty() { "nothing".to_owned() } else { set.join(", ") };
            print::note(format!(
                "run {} was promoted before, in generation {}: {set}",
                directory.id(),
                promotion.generation
            ));
            return Ok(Exit::Done);
        }
        let earlier = Earlier::read(&directory)?;
        let lowered = earlier.lower(session, true)?;
        earlier.same_sources(session, directory.id())?;
        let options = engine::options(&self.executing);
        engine::execute(session, directory, &lowered, earlier.context, &self.executing, options)
    }
}
