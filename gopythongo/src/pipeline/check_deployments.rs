//! What is wrong with deployments as seen from the whole pipeline: their applications, and each other.

use std::collections::BTreeMap;

use super::{Declaration, Diagnostic, Job, JobKind, Location, Mention, Pipeline};
use crate::{context::Kinds, deploy::Switch, package::Deb};

/// The step that makes an application's package one that can be deployed.
const PUBLISH: &str = "publish";

/// All mistakes that have to do with deployments and other jobs.
pub(super) fn check_deployments(pipeline: &Pipeline, found: &mut Vec<Diagnostic>) {
    let deployments = || pipeline.jobs.iter().filter_map(|job| Some((job, job.deploys.as_ref()?)));
    for (job, mention) in deployments() {
        if job.steps.is_empty() {
            let message = format!("`{}` has no environment: nothing is deployed", job.name);
            let suggestion = "add `.environment(Environment::new(\"testing\", Develop).host(\"local\"))`";
            found.push(Diagnostic::warning(message, &job.location).suggest(suggestion));
        }
        match pipeline.jobs.iter().find(|other| other.name == mention.name) {
            None => found.push(unknown(pipeline, job, mention)),
            Some(other) if other.kind == JobKind::Application => {
                found.extend(unpublished(job, mention, other));
                found.extend(unguarded(job, mention, other));
            }
            Some(other) => {
                let message = format!("`{}` deploys `{}`, which is no application", job.name, other.name);
                found.push(Diagnostic::error(message, &mention.location).and("it begins here", &other.location));
            }
        }
    }
    check_places(deployments(), found);
}

fn unknown(pipeline: &Pipeline, job: &Job, mention: &Mention) -> Diagnostic {
    let message = format!("unknown application `{}` in deployment `{}`", mention.name, job.name);
    let applications = pipeline.jobs.iter().filter(|job| job.kind == JobKind::Application);
    Diagnostic::error(message, &mention.location)
        .did_you_mean(&mention.name, applications.map(|application| application.name.as_str()))
}

/// What an application lacks for being deployed.
fn unpublished(job: &Job, mention: &Mention, application: &Job) -> Vec<Diagnostic> {
    let name = &application.name;
    let publishing = application.steps.iter().filter(|declaration| declaration.step.kind() == PUBLISH);
    let kinds = publishing.clone().fold(Kinds::NONE, |kinds, declaration| kinds.or(declaration.kinds));
    if publishing.count() == 0 {
        let message = format!("`{}` deploys `{name}`, which publishes nothing", job.name);
        return vec![
            Diagnostic::error(message, &mention.location)
                .and(format!("`{name}` begins here"), &application.location)
                .suggest("give the application `.virtualenv(…)`, `.deb(…)` with a service, and `.publish()`"),
        ];
    }
    let packages = application.steps.iter().filter_map(|declaration| Some((Deb::of(&declaration.step)?, declaration)));
    let idle = packages.filter(|(deb, _)| !deb.has_service()).map(|(_, declaration)| {
        let message =
            format!("`{}` deploys `{name}`, whose package has no service: nothing could be started", job.name);
        Diagnostic::error(message, &mention.location)
            .and("the package", &declaration.location)
            .suggest("add `.service(Service::gunicorn(\"module:application\"))` to it")
    });
    let missing = |declaration: &Declaration| {
        let missing = declaration.kinds.without(kinds);
        (!missing.is_empty()).then(|| {
            let environment = declaration.step.label().unwrap_or_default();
            let message =
                format!("environment `{environment}` takes {missing} builds, in which `{name}` publishes nothing");
            Diagnostic::error(message, &declaration.location)
                .and(format!("`{name}` begins here"), &application.location)
                .suggest(format!("`{name}` publishes on {kinds} builds"))
        })
    };
    idle.chain(job.steps.iter().filter_map(missing)).collect()
}

/// The application that a deployment was given is the one that the pipeline builds: the compiler saw the gate of the former.
fn unguarded(job: &Job, mention: &Mention, application: &Job) -> Option<Diagnostic> {
    let protected =
        job.steps.iter().find(|declaration| Switch::of(&declaration.step).is_some_and(Switch::is_protected))?;
    (job.gate != application.gate).then(|| {
        let (name, environment) = (&application.name, protected.step.label().unwrap_or_default());
        let message = format!(
            "environment `{environment}` is protected, and `{}` was given another `{name}` than the pipeline builds",
            job.name
        );
        Diagnostic::error(message, &mention.location)
            .and(format!("the `{name}` that is built, with another gate or none"), &application.location)
            .suggest(format!("give both the same value: `deployment(\"{}\", &{name})`, then `.job({name})`", job.name))
    })
}

/// One application has one environment of a name; a port has one front.
fn check_places<'a>(deployments: impl Iterator<Item = (&'a Job, &'a Mention)>, found: &mut Vec<Diagnostic>) {
    let mut places: BTreeMap<(&str, String), (&str, &Location)> = BTreeMap::new();
    let mut ports: BTreeMap<u16, (String, &Location)> = BTreeMap::new();
    for (job, mention) in deployments {
        for declaration in &job.steps {
            let (environment, location) = (declaration.step.label().unwrap_or_default(), &declaration.location);
            let place = (mention.name.as_str(), environment.clone());
            match places.get(&place) {
                // two in one deployment are its own mistake
                Some((other, first)) if *other != job.name => {
                    let message =
                        format!("`{}` and `{other}` both deploy `{}` to `{environment}`", job.name, mention.name);
                    found.push(Diagnostic::error(message, location).and("the first one", first));
                }
                Some(_) => {}
                None => {
                    places.insert(place, (&job.name, location));
                }
            }
            let Some(port) = Switch::of(&declaration.step).and_then(Switch::port) else { continue };
            match ports.get(&port) {
                Some((other, first)) => {
                    let message = format!("port {port} belongs to two environments: `{other}` and `{environment}`");
                    found.push(Diagnostic::error(message, location).and("the first one", first));
                }
                None => {
                    ports.insert(port, (environment, location));
                }
            }
        }
    }
}
