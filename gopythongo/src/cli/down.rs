//! `down`: ends what runs serve.

use clap::Args;

use super::{Error, Exit, Session, places::Places, print};

/// `down [ENV]`
#[derive(Debug, Args)]
pub(super) struct Down {
    /// The environment; all of them by default
    #[arg(value_name = "ENV")]
    environment: Option<String>,
}

impl Down {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let places = Places::of(session)?;
        let mut ended = 0;
        for place in places.all(self.environment.as_deref())? {
            if places.host(place).down()? {
                ended += 1;
                print::result(format!("{} in {} is down", place.application, place.environment));
            }
        }
        if ended == 0 {
            print::result(match &self.environment {
                Some(environment) => format!("nothing serves in {environment}"),
                None => "nothing serves".to_owned(),
            });
        }
        Ok(Exit::Done)
    }
}
