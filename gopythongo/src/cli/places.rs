//! The environments that a command names: those that the pipeline declares, and those that were deployed to.

use super::{Error, Session};
use crate::{
    deploy::{Environments, LocalHost, Switch},
    support::words,
};

/// An application in an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) environment: String,
    pub(super) application: String,
    /// Whether the pipeline declares it; it may have done so earlier.
    pub(super) declared: bool,
}

/// All of them, those that the pipeline declares first, in its order.
#[derive(Debug)]
pub(super) struct Places {
    environments: Environments,
    all: Vec<Place>,
}

impl Places {
    /// Those of a pipeline and its state.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub(super) fn of(session: &Session) -> Result<Self, Error> {
        let environments = Environments::new(&session.place.state);
        let mut all: Vec<Place> = Vec::new();
        for job in &session.pipeline.jobs {
            let switches = job.steps.iter().filter_map(|declaration| Switch::of(&declaration.step));
            all.extend(switches.map(|switch| Place {
                environment: switch.environment().to_owned(),
                application: switch.application().to_owned(),
                declared: true,
            }));
        }
        for (environment, application) in environments.known()? {
            if !all.iter().any(|place| place.environment == environment && place.application == application) {
                all.push(Place { environment, application, declared: false });
            }
        }
        Ok(Self { environments, all })
    }

    /// The declared places whose front has a port of the pipeline's choice.
    pub(super) fn declared_ports(&self, session: &Session) -> Vec<(Place, u16)> {
        let mut ports = Vec::new();
        for job in &session.pipeline.jobs {
            let switches = job.steps.iter().filter_map(|declaration| Switch::of(&declaration.step));
            for (switch, port) in switches.filter_map(|switch| Some((switch, switch.port()?))) {
                let place = self.all.iter().find(|place| switch.is_for(&place.environment, &place.application));
                ports.extend(place.map(|place| (place.clone(), port)));
            }
        }
        ports
    }

    pub(super) fn host(&self, place: &Place) -> LocalHost {
        self.environments.local(&place.environment, &place.application)
    }

    /// Every place in an environment; every place without one.
    ///
    /// # Errors
    /// When there is no such environment.
    pub(super) fn all(&self, environment: Option<&str>) -> Result<Vec<&Place>, Error> {
        let Some(wanted) = environment else { return Ok(self.all.iter().collect()) };
        let found: Vec<&Place> = self.all.iter().filter(|place| place.environment == wanted).collect();
        if found.is_empty() { Err(self.unknown(wanted)) } else { Ok(found) }
    }

    /// The one place that is meant: of an environment, else the only one that something was made live in.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub(super) fn one(&self, environment: Option<&str>, application: Option<&str>) -> Result<&Place, Error> {
        let mut found = self.all(environment)?;
        found.retain(|place| application.is_none_or(|wanted| place.application == wanted));
        if environment.is_none() {
            // what was never deployed to cannot be meant
            found.retain(|place| self.host(place).status().is_ok_and(|live| live.is_some()));
        }
        match found.as_slice() {
            [one] => Ok(one),
            [] => Err(match (environment, application) {
                (None, _) => {
                    let error = Error::refused("nothing was deployed yet");
                    error
                        .hint("`run` deploys to the environments of its build kind; `plan --all` shows which those are")
                }
                (Some(environment), application) => {
                    let application = application.unwrap_or_default();
                    Error::usage(format!("`{application}` has no environment `{environment}`"))
                }
            }),
            several => {
                let names = several.iter().map(|place| format!("{} in {}", place.application, place.environment));
                let error = Error::usage(format!("several are live: {}", words::list(&names.collect::<Vec<_>>())));
                Err(error.hint("name one: `rollback ENV`, or `rollback ENV --application NAME`"))
            }
        }
    }

    fn unknown(&self, wanted: &str) -> Error {
        let mut names: Vec<&str> = self.all.iter().map(|place| place.environment.as_str()).collect();
        names.dedup();
        let error = Error::usage(format!("there is no environment `{wanted}`"));
        match words::nearest(wanted, names.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None if names.is_empty() => error.hint("the pipeline has no deployment"),
            None => error.hint(format!("the environments are {}", words::list(&names))),
        }
    }
}
