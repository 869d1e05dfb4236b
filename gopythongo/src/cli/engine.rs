//! Executing a plan for a command: store, server, tools and signals around the runner.

use std::{
    net::{Ipv4Addr, SocketAddr},
    panic,
    sync::Arc,
};

use super::{
    Error, Exit, Session, arguments::Executing, hashing, print, reports::Reports, session::owned, sinks::sinks,
};
use crate::{
    context::{Context, Redactor, SecretError, SecretFrom, Secrets},
    deploy::Environments,
    index::{Server, ServerOptions, Upstream},
    plan::{Action, Lowered, distrust},
    python::Toolchain,
    run::{
        self, Options, RunDirectory, Services, Setting,
        process::{Cancel, Supervisor},
    },
    shared::{SharedIn, SharedState},
    store::Store,
};

/// Executes a plan in a run's directory, and shows it as the command line wants.
///
/// # Errors
/// When the run cannot begin, or cannot keep its books.
pub(super) fn execute(
    session: &Session,
    directory: RunDirectory,
    lowered: &Lowered,
    context: Arc<Context>,
    executing: &Executing,
    options: Options,
) -> Result<Exit, Error> {
    if let Some(warning) = hashing::warning() {
        print::warning(warning);
    }
    let cancel = Cancel::new();
    let lacking = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| Error::lacking(format!("{what}: {error}"))
    };
    let supervisor = Supervisor::start().map_err(lacking("cannot supervise processes"))?;
    supervisor.handle_signals(&cancel).map_err(lacking("cannot handle signals"))?;
    let redactor = Redactor::default();
    redact_panics(&redactor);
    let secrets = session.secrets(redactor.clone());
    let running = lowered.plan.steps.iter().filter(|step| step.action == Action::Run);
    secrets.foresee(running.flat_map(|step| step.inputs.secrets.values()));
    secrets.foresee(session.shared.iter().flat_map(SharedIn::secrets));
    let (secrets, supervisor) = (Arc::new(secrets), Arc::new(supervisor));
    let shared = shared(session, &context, &secrets, &supervisor, &cancel).map(Arc::new);
    let place = session.place.state.join("store");
    let store = match &shared {
        Some(shared) => Store::open_shared(&place, shared.clone())?,
        None => Store::open(&place)?,
    };
    let upstream = upstream(session, &context)?;
    let server = Server::start(
        store.clone(),
        upstream.clone(),
        ServerOptions {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            owned: owned(&context),
            token: None,
            // one for all states of this user: the installers key their caches by the index URL
            port_file: Some(session.place.cache.join("port")),
        },
    )?;
    let urls = server.urls(directory.id(), &lowered.plan.context.channel);
    let toolchain = Toolchain::new(&session.place.cache, context.pythons.clone(), urls.clone(), session.offline)
        .behind(upstream.clone());
    let environments = Environments::new(&session.place.state);
    let mut services = Services::new()
        .with(Arc::new(store))
        .with(Arc::new(urls))
        .with(Arc::new(toolchain))
        .with(Arc::new(environments))
        .with(Arc::new(session.repositories.clone()));
    services = services.with(secrets);
    if let Some(shared) = shared {
        services = services.with(shared);
    }
    if let Some(upstream) = upstream {
        upstream.secrets().for_each(|secret| redactor.learn("the index that pip is configured for", secret.clone()));
        services = services.with(upstream);
    }
    let mut sinks = sinks(executing, &directory, &redactor)?;
    if let Some(reports) = &executing.reports {
        sinks.push(Box::new(Reports::new(reports, &directory, &context, &redactor)));
    }
    let setting = Setting { directory, context, services, supervisor, cancel, redactor, sinks };
    let ended = run::execute(lowered, &options, setting)?;
    Ok(Exit::from(&ended))
}

/// What the pipeline's machines share, for a command that only looks.
///
/// # Errors
/// When this machine cannot run the commands that give the keys.
pub(super) fn shared_to_read(session: &Session, context: &Context) -> Result<Option<SharedState>, Error> {
    if session.offline || session.shared.is_none() {
        return Ok(None);
    }
    let supervisor =
        Supervisor::start().map_err(|error| Error::lacking(format!("cannot supervise processes: {error}")))?;
    let secrets = Arc::new(session.secrets(Redactor::default()));
    let shared = shared(session, context, &secrets, &Arc::new(supervisor), &Cancel::new());
    Ok(shared.map(SharedState::read_only))
}

/// What the pipeline's machines share. What a stranger built is never read by anybody, and a stranger gets no keys.
fn shared(
    session: &Session,
    context: &Context,
    secrets: &Arc<Secrets>,
    supervisor: &Arc<Supervisor>,
    cancel: &Cancel,
) -> Option<SharedState> {
    let place = session.shared.clone().filter(|_| !session.offline)?;
    let (name, root) = (&session.pipeline.name, &session.place.root);
    if let Some(stranger) = distrust(context) {
        let nothing = move |_: &SecretFrom| {
            let message = format!("{stranger}, gets no secrets");
            Err(SecretError { message, hint: None, is_passing: false })
        };
        return Some(SharedState::new(place, name, root, nothing).read_only());
    }
    let (secrets, supervisor, cancel) = (secrets.clone(), supervisor.clone(), cancel.clone());
    Some(SharedState::new(place, name, root, move |from| secrets.get(from, &supervisor, &cancel)))
}

/// A step that panics fails, with the panic's words; what is printed of it meanwhile holds no secret either.
fn redact_panics(redactor: &Redactor) {
    let redactor = redactor.clone();
    panic::set_hook(Box::new(move |panic| {
        print::note(redactor.redact(&panic.to_string()));
    }));
}

/// The upstream index, if a Python is there to be asked for it.
///
/// # Errors
/// When it cannot be found out.
pub(super) fn upstream(session: &Session, context: &Context) -> Result<Option<Arc<Upstream>>, Error> {
    let Some(python) = context.pythons.first() else { return Ok(None) };
    let upstream = Upstream::discover(&python.path, &session.place.cache, session.offline)?;
    Ok(Some(Arc::new(upstream)))
}

/// The runner's options.
pub(super) fn options(executing: &Executing) -> Options {
    let options = Options { keep_going: executing.keep_going, ..Options::default() };
    match executing.jobs {
        Some(jobs) => Options { jobs, ..options },
        None => options,
    }
}
