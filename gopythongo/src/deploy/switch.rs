//! The step that makes a channel's newest package live in an environment.

use std::{any::Any, collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Approval, BlueGreen, Candidate, Environment, Environments, Live, Package, SigningKey, admission, hosted::Hosted,
};
use crate::{
    context::Kinds,
    event::{Event, RunState},
    run::{AnyStep, EffectClass, Failure, Inputs, Nature, Probe, Receipt, Step, Work},
    store::{DebRelease, Store},
};

/// Makes the newest package that an application has in the run's channel live in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    application: String,
    /// The package, which the plan knows from the application.
    package: String,
    environment: String,
    blue_green: BlueGreen,
    hosts: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    approval: Approval,
    /// Whose signature a version needs where the environment is protected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<SigningKey>,
}

impl Switch {
    pub(crate) fn new(application: &str, environment: &Environment, how: &BlueGreen, key: Option<&SigningKey>) -> Self {
        Self {
            application: application.to_owned(),
            package: application.to_owned(),
            environment: environment.name.clone(),
            blue_green: how.clone(),
            hosts: environment.hosts.clone(),
            port: environment.port,
            approval: environment.approval.clone(),
            key: key.filter(|_| environment.approval == Approval::Protected).cloned(),
        }
    }

    /// The same switch with the name of the application's package.
    pub(crate) fn with_package(&self, package: String) -> Self {
        Self { package, ..self.clone() }
    }

    /// The switch that a step is, if it is one.
    pub(crate) fn of(step: &AnyStep) -> Option<&Self> {
        let any: &dyn Any = step.as_ref();
        any.downcast_ref()
    }

    pub(crate) fn environment(&self) -> &str {
        &self.environment
    }

    pub(crate) fn application(&self) -> &str {
        &self.application
    }

    pub(crate) fn package(&self) -> &str {
        &self.package
    }

    /// Whether it is for an application in an environment.
    pub(crate) fn is_for(&self, environment: &str, application: &str) -> bool {
        self.environment == environment && self.application == application
    }

    /// Whether somebody has to let each version in.
    pub(crate) fn is_protected(&self) -> bool {
        self.approval == Approval::Protected
    }

    /// Whose signature lets a version in.
    ///
    /// # Errors
    /// When the pipeline does not say it, which the compiler sees to.
    pub(crate) fn key(&self) -> Result<&SigningKey, Failure> {
        let unsaid = || {
            let Self { application, environment, .. } = self;
            Failure::refused(format!("nobody may let `{application}` into {environment}: no key is named"))
                .hint("add `.gate(\"tests/integration\", SigningKey::fingerprint(\"…\"))` to the application")
        };
        self.key.as_ref().ok_or_else(unsaid)
    }

    /// The port that the pipeline says.
    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }
}

impl Step for Switch {
    const KIND: &'static str = "switch";
    const VERSION: u32 = 1;

    fn nature(&self) -> Nature {
        Nature::Effect(EffectClass::Keyed)
    }

    /// Those of its environment, which the deployment declares it with.
    fn default_kinds(&self) -> Kinds {
        Kinds::NONE
    }

    fn label(&self) -> Option<String> {
        Some(self.environment.clone())
    }

    fn inputs(&self) -> Inputs {
        Inputs::none()
    }

    /// Until it is healthy, and for the old version to end.
    fn timeout(&self) -> Duration {
        self.blue_green.timeout + self.blue_green.drain + Duration::from_secs(10 * 60)
    }

    fn probe(&self, work: &mut Work<'_>) -> Probe {
        match self.found(work) {
            Ok(Some(receipt)) => Probe::Done(receipt),
            Ok(None) => Probe::NotDone,
            Err(failure) => Probe::Unknown(failure.message),
        }
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let application = &self.application;
        let channel = &work.context().channel;
        let Some(newest) = self.newest(work)? else {
            return Err(Failure::refused(format!("no version of `{application}` is in `{channel}`"))
                .hint(format!("`run {application} --downstream` builds and publishes one")));
        };
        self.admit(work, &newest)?;
        let store = work.service::<Store>()?;
        let file = store.blobs().path(&newest.digest);
        let package =
            Package { name: self.package.clone(), version: newest.version.clone(), digest: newest.digest, file };
        let host = self.host(work)?;
        let switched = host.switch(&package, &self.blue_green, self.port, work.cancel(), &|line| work.say(line));
        let live = switched.map_err(|error| self.still(&*host, &newest, error))?;
        work.summary(format!("{application} {} in the {} slot at {}", live.version, live.slot, live.url));
        work.receipt(self.receipt(&live, false));
        self.conclude(work, live, false);
        Ok(())
    }
}

impl Switch {
    fn host(&self, work: &Work<'_>) -> Result<Box<dyn Hosted>, Failure> {
        Ok(work.service::<Environments>()?.hosted(&self.environment, &self.application))
    }

    /// Lets a release in: into a protected environment, only bytes that somebody has approved there.
    fn admit(&self, work: &Work<'_>, newest: &DebRelease) -> Result<(), Failure> {
        if !self.is_protected() {
            return Ok(());
        }
        let (host, store) = (self.host(work)?, work.service::<Store>()?);
        let (current, channel) = (store.current()?, &work.context().channel);
        admission::check(&current, channel, &self.package, newest)?;
        let approvals = host.approvals()?;
        if let Some(approved) = approvals.of(&newest.digest) {
            work.service::<Environments>()?.verify(self.key()?, &self.environment, &self.application, approved)?;
            work.say(&format!(
                "{} {} was approved by {} at {}",
                self.package, newest.version, approved.by, approved.at
            ));
            return Ok(());
        }
        let candidate = Candidate {
            run: work.run_id().to_owned(),
            package: self.package.clone(),
            version: newest.version.clone(),
            digest: newest.digest,
            channel: channel.clone(),
            generation: current.number,
        };
        let told = admission::told(&candidate, &self.application, &store, host.status()?.as_ref(), &approvals)?;
        host.request(candidate.clone())?;
        Err(admission::waits(work, &candidate, &self.environment, told))
    }

    /// The newest package of the application in the run's channel.
    fn newest(&self, work: &Work<'_>) -> Result<Option<DebRelease>, Failure> {
        let current = work.service::<Store>()?.current()?;
        Ok(current.newest_deb(&work.context().channel, &self.package).cloned())
    }

    /// The receipt of a switch that nothing is to be done for: the newest package serves, or what was rolled back to stays.
    fn found(&self, work: &mut Work<'_>) -> Result<Option<Receipt>, Failure> {
        let Some(live) = self.host(work)?.status()? else { return Ok(None) };
        let Some(newest) = self.newest(work)? else { return Ok(None) };
        let moves = self.port.is_some_and(|port| !live.url.ends_with(&format!(":{port}/")));
        if !live.healthy || moves {
            return Ok(None);
        }
        if live.digest == newest.digest {
            if !self.host(work)?.is_run_by(&self.blue_green)? {
                return Ok(None);
            }
            work.summary(format!("{} {} is live at {} already", self.application, live.version, live.url));
        } else if live.pinned && live.previous.as_deref() == Some(newest.version.as_str()) {
            work.summary(format!(
                "{} {} was rolled back to, and stays: `rollback {} --unpin` lets {} in again",
                self.application, live.version, self.environment, newest.version
            ));
        } else {
            return Ok(None);
        }
        let receipt = self.receipt(&live, true);
        self.conclude(work, live, true);
        Ok(Some(receipt))
    }

    fn receipt(&self, live: &Live, found: bool) -> Receipt {
        Receipt {
            target: self.environment.clone(),
            identifier: live.url.clone(),
            digests: [(format!("{} {}", self.application, live.version), live.digest.to_string())].into(),
            found,
        }
    }

    /// Says that a version serves, and that the run ends so.
    fn conclude(&self, work: &Work<'_>, live: Live, found: bool) {
        let place = format!("{}/{}", self.environment, self.application);
        let url = live.url.clone();
        work.conclude_after(|earlier| {
            let (generation, mut urls) = match earlier {
                Some(RunState::Promoted { generation }) => (Some(generation), BTreeMap::new()),
                Some(RunState::Live { generation, urls }) => (generation, urls),
                _ => (None, BTreeMap::new()),
            };
            urls.insert(place, url);
            RunState::Live { generation, urls }
        });
        let (application, environment) = (self.application.clone(), self.environment.clone());
        work.emit(Event::Live { application, environment, live: Box::new(live), found });
    }

    /// The failure of a switch, with what serves all the same.
    fn still(&self, host: &dyn Hosted, newest: &DebRelease, mut failure: Failure) -> Failure {
        let serving = host.status().ok().flatten().filter(|live| live.healthy && live.digest != newest.digest);
        if let Some(live) = serving {
            failure.message =
                format!("{}; {} {} goes on serving at {}", failure.message, self.application, live.version, live.url);
        }
        failure
    }
}

#[cfg(test)]
#[path = "switch_tests.rs"]
mod tests;
