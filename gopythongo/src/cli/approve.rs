//! `approve`: signs that what a run waits with may go into a protected environment, and makes it live.

use std::{env, fs};

use clap::Args;
use rustix::process::getuid;
use serde_json::json;

use super::{
    Error, Exit, Session,
    arguments::Executing,
    engine,
    places::{Place, Places},
    print,
    resume::Earlier,
};
use crate::{
    ci::{self, Variables},
    deploy::{Approved, Candidate, SigningKey, Switch, admission},
    plan::Selection,
    run::RunDirectory,
    store::Store,
};

/// `approve RUN [ENV]`
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// The run that waits
    #[arg(value_name = "RUN")]
    run: String,
    /// The environment; every one that the run waits for, by default
    #[arg(value_name = "ENV")]
    environment: Option<String>,
    /// Who approves [default: who started the build server's job, else this process's user]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Record it, and leave the switch to `resume RUN` or to the next run
    #[arg(long)]
    only_record: bool,
    #[command(flatten)]
    executing: Executing,
}

impl Approve {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let state = &session.place.state;
        let places = Places::of(session)?;
        let directory = RunDirectory::open(state, Some(&self.run))?;
        let store = Store::open(&state.join("store"))?;
        let waiting = self.waiting(&places)?;
        for (place, candidate) in &waiting {
            admissible(&store, place, candidate)?;
        }
        let by = self.by.clone().unwrap_or_else(person);
        for (place, candidate) in &waiting {
            let host = places.host(place);
            let approvals = host.approvals()?;
            let told = admission::told(candidate, &place.application, &store, host.status()?.as_ref(), &approvals)?;
            told.iter().for_each(print::note);
            let approved = Approved::now(candidate.clone(), &by);
            let approved = approved.sign(&place.environment, &place.application, key_of(session, place)?)?;
            host.approve(approved.clone())?;
            self.show(place, &approved);
        }
        if self.only_record {
            return Ok(Exit::Done);
        }
        // the channel's bytes are deployed, whatever became of the sources since
        let context = Earlier::read(&directory)?.context;
        drop(directory);
        let is_there =
            |switch: &Switch| waiting.iter().any(|(place, _)| switch.is_for(&place.environment, &place.application));
        let deploying = session
            .pipeline
            .jobs
            .iter()
            .filter(|job| job.steps.iter().filter_map(|declaration| Switch::of(&declaration.step)).any(is_there));
        let jobs = deploying.map(|job| job.name.clone()).collect();
        let lowered = session.plan(&context, &Selection { jobs, downstream: false });
        let options = engine::options(&self.executing);
        engine::execute(session, RunDirectory::create(state)?, &lowered, context, &self.executing, options)
    }

    /// What the run waits with, and where.
    ///
    /// # Errors
    /// When it waits for nothing.
    fn waiting<'a>(&self, places: &'a Places) -> Result<Vec<(&'a Place, Candidate)>, Error> {
        let mut waiting = Vec::new();
        for place in places.all(self.environment.as_deref())?.into_iter().filter(|place| place.declared) {
            if let Some(candidate) = places.host(place).approvals()?.asked_by(&self.run) {
                waiting.push((place, candidate.clone()));
            }
        }
        if waiting.is_empty() {
            let place = self.environment.iter().map(|environment| format!(" in {environment}")).collect::<String>();
            let error = Error::refused(format!("run `{}` waits for no approval{place}", self.run));
            return Err(error.hint("`status` shows what waits"));
        }
        Ok(waiting)
    }

    fn show(&self, place: &Place, approved: &Approved) {
        let (environment, application) = (&place.environment, &place.application);
        let Approved { candidate, by, at, .. } = approved;
        if self.executing.json {
            let line = json!({
                "version": 1, "time": at, "run": candidate.run, "type": "approved", "environment": environment,
                "application": application, "approved": approved,
            });
            print::result(line.to_string());
        } else {
            let Candidate { package, version, .. } = candidate;
            print::result(format!("{package} {version} is approved for {environment}, by {by} at {at}"));
        }
    }
}

/// Whose signature an environment wants.
fn key_of<'a>(session: &'a Session, place: &Place) -> Result<&'a SigningKey, Error> {
    let steps = session.pipeline.jobs.iter().flat_map(|job| &job.steps);
    let mut switches = steps.filter_map(|declaration| Switch::of(&declaration.step));
    let switch = switches.find(|switch| switch.is_for(&place.environment, &place.application));
    let unguarded = || Error::refused(format!("{} takes every version that was tested", place.environment));
    Ok(switch.filter(|switch| switch.is_protected()).ok_or_else(unguarded)?.key()?)
}

/// Refuses what is no longer what the environment would get.
///
/// # Errors
/// When the channel has something newer, or no protected environment takes it.
fn admissible(store: &Store, place: &Place, candidate: &Candidate) -> Result<(), Error> {
    let Candidate { run, package, version, digest, channel, .. } = candidate;
    let current = store.current()?;
    match current.newest_deb(channel, package) {
        Some(newest) if newest.digest == *digest => Ok(admission::check(&current, channel, package, newest)?),
        newest => {
            let newest = newest.map_or("nothing", |newest| newest.version.as_str());
            let message =
                format!("run `{run}` waits with {package} {version}, and the newest in {channel} is {newest}");
            let hint = format!("`status` shows which run waits with it for {}", place.environment);
            Err(Error::refused(message).hint(hint))
        }
    }
}

/// Who runs this: whoever started the build server's job, else the user, by name if there is one.
fn person() -> String {
    let variables = Variables::of_process();
    let uid = getuid();
    // whoever became root has a name, too
    let before = || variables.get("SUDO_USER").filter(|_| uid.is_root()).map(ToOwned::to_owned);
    let named = || {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let uid = uid.as_raw().to_string();
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == uid).then(|| name.to_owned())
        })
    };
    ci::person(&variables)
        .or_else(before)
        .or_else(named)
        .or_else(|| env::var("LOGNAME").ok())
        .unwrap_or_else(|| format!("user {}", uid.as_raw()))
}
