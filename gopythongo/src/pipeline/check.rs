//! What is wrong with a pipeline as a whole: names, and the edges between jobs.

use std::collections::{BTreeMap, HashSet};

use super::{
    Diagnostic, Job, JobKind, Location, Mention, Pipeline, check_deployments::check_deployments,
    check_secrets::check_secrets, finish,
};
use crate::package::Deb;

/// All mistakes and doubts, in the order of their lines.
pub(super) fn check(pipeline: &Pipeline) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = pipeline.jobs.iter().flat_map(|job| job.diagnostics.clone()).collect();
    check_names(pipeline, &mut found);
    check_downstream(pipeline, &mut found);
    check_packages(pipeline, &mut found);
    check_cycles(pipeline, &mut found);
    check_deployments(pipeline, &mut found);
    check_secrets(pipeline, &mut found);
    found.sort_by(|a, b| a.location.place().cmp(&b.location.place()));
    found
}

fn check_names(pipeline: &Pipeline, found: &mut Vec<Diagnostic>) {
    let mut check = |what: &str, name: &str, location| {
        if !finish::is_name(name) {
            let message = match name {
                "" => format!("the name of a {what} is empty"),
                _ => format!("`{name}` is not a name for a {what}"),
            };
            let suggestion = match corrected(name) {
                Some(name) => format!("write `{name}`: {}", finish::NAMES),
                None => finish::NAMES.to_owned(),
            };
            found.push(Diagnostic::error(message, location).suggest(suggestion));
        }
    };
    check("pipeline", &pipeline.name, &pipeline.location);
    for job in &pipeline.jobs {
        check("job", &job.name, &job.location);
    }
    for job in pipeline.jobs.iter().filter(|job| job.is_built() && job.steps.is_empty()) {
        let message = format!("`{}` declares no step: nothing is run for it", job.name);
        found.push(Diagnostic::warning(message, &job.location).suggest("add `.pytest()`"));
    }
    if pipeline.jobs.is_empty() {
        let message = format!("pipeline `{}` has no jobs", pipeline.name);
        let suggestion = "add one: `.job(library(\"money\").source(\"libs/money\").pytest())`";
        found.push(Diagnostic::warning(message, &pipeline.location).suggest(suggestion));
    }
    let mut first: BTreeMap<&str, &Job> = BTreeMap::new();
    for job in &pipeline.jobs {
        if let Some(first) = first.get(job.name.as_str()) {
            let message = format!("two jobs are called `{}`", job.name);
            found.push(Diagnostic::error(message, &job.location).and("the first one", &first.location));
        } else {
            first.insert(&job.name, job);
        }
    }
}

/// Two jobs that make one Debian package would take it from each other.
fn check_packages(pipeline: &Pipeline, found: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<String, (&Job, &Location)> = BTreeMap::new();
    for job in &pipeline.jobs {
        for declaration in &job.steps {
            let Some(name) = Deb::of(&declaration.step).map(|deb| deb.package_name(&job.name)) else { continue };
            match first.get(&name) {
                Some((other, location)) if other.name != job.name => {
                    let message = format!("`{}` and `{}` both make the Debian package `{name}`", other.name, job.name);
                    let diagnostic = Diagnostic::error(message, &declaration.location);
                    found
                        .push(diagnostic.and("the first one", location).suggest("name one of them: `.package(\"…\")`"));
                }
                Some(_) => {}
                None => drop(first.insert(name, (job, &declaration.location))),
            }
        }
    }
}

/// The name with its bad characters replaced, if that makes it good.
fn corrected(name: &str) -> Option<String> {
    if !name.is_ascii() {
        return None;
    }
    let name: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = name.trim_matches('-').to_owned();
    finish::is_name(&name).then_some(name)
}

fn uploads(job: &Job) -> bool {
    job.steps.iter().any(|declaration| declaration.step.kind() == "upload")
}

fn check_downstream(pipeline: &Pipeline, found: &mut Vec<Diagnostic>) {
    let jobs: HashSet<&str> = pipeline.jobs.iter().map(|job| job.name.as_str()).collect();
    let deployments: HashSet<&str> =
        pipeline.jobs.iter().filter(|job| !job.is_built()).map(|job| job.name.as_str()).collect();
    for job in &pipeline.jobs {
        let name = &job.name;
        if let Some(first) = job.downstream.first() {
            if job.kind == JobKind::Application {
                let message = format!("`.downstream` of application `{name}`: only libraries have downstream jobs");
                let suggestion = format!("make it `library(\"{name}\")` if other jobs use its wheel");
                found.push(Diagnostic::error(message, &first.location).suggest(suggestion));
            } else if !uploads(job) {
                let message = format!("`{name}` has downstream jobs but uploads nothing that they could use");
                found.push(Diagnostic::error(message, &first.location).suggest("add `.upload()`"));
            }
        }
        if let Some(location) = job.downstream_auto.as_ref().filter(|_| !uploads(job)) {
            let message = format!("`.downstream_auto()` of `{name}`, which uploads nothing that others could use");
            found.push(Diagnostic::error(message, location).suggest("add `.upload()`"));
        }
        for (at, mention) in job.downstream.iter().enumerate() {
            let wanted = &mention.name;
            if wanted == name {
                found.push(Diagnostic::error(format!("`{name}` is downstream of itself"), &mention.location));
            } else if !jobs.contains(wanted.as_str()) {
                let others = pipeline.jobs.iter().map(|job| job.name.as_str()).filter(|other| other != name);
                let message = format!("unknown job `{wanted}` in `.downstream` of `{name}`");
                found.push(Diagnostic::error(message, &mention.location).did_you_mean(wanted, others));
            } else if deployments.contains(wanted.as_str()) {
                let message = format!("deployment `{wanted}` stands in `.downstream` of `{name}`");
                let suggestion = "leave it out: a deployment follows the promotion of its application";
                found.push(Diagnostic::error(message, &mention.location).suggest(suggestion));
            } else if let Some(first) = job.downstream[..at].iter().find(|earlier| earlier.name == *wanted) {
                let message = format!("`{wanted}` is named twice downstream of `{name}`");
                found.push(Diagnostic::warning(message, &mention.location).and("the first time", &first.location));
            }
        }
    }
}

/// Finds a cycle for every edge that closes one, each with the line of every edge.
pub(super) fn check_cycles(pipeline: &Pipeline, found: &mut Vec<Diagnostic>) {
    let mut jobs = BTreeMap::new();
    for job in &pipeline.jobs {
        jobs.entry(job.name.as_str()).or_insert(job);
    }
    let mut search = Search { jobs, path: Vec::new(), done: HashSet::new(), found };
    for job in &pipeline.jobs {
        search.visit(job);
    }
}

struct Search<'a> {
    jobs: BTreeMap<&'a str, &'a Job>,
    /// From where the search began to where it is: each job, and the edge that leaves it.
    path: Vec<(&'a Job, &'a Mention)>,
    done: HashSet<&'a str>,
    found: &'a mut Vec<Diagnostic>,
}

impl<'a> Search<'a> {
    fn visit(&mut self, job: &'a Job) {
        if self.done.contains(job.name.as_str()) {
            return;
        }
        for mention in job.downstream.iter().filter(|mention| mention.name != job.name) {
            let Some(&next) = self.jobs.get(mention.name.as_str()) else {
                continue;
            };
            self.path.push((job, mention));
            match self.path.iter().position(|(job, _)| job.name == next.name) {
                Some(start) => self.found.push(cycle(&self.path[start..])),
                None => self.visit(next),
            }
            self.path.pop();
        }
        self.done.insert(&job.name);
    }
}

fn cycle(edges: &[(&Job, &Mention)]) -> Diagnostic {
    let names: Vec<String> =
        edges.iter().map(|(job, _)| job).chain(edges.first().map(|(job, _)| job)).map(|job| job.name.clone()).collect();
    let closing = edges.last().map(|(_, mention)| mention.location.clone()).unwrap_or_default();
    let message = format!("jobs are downstream of each other in a cycle: {}", names.join(" → "));
    let diagnostic = Diagnostic::error(message, &closing).suggest(
        "take one of them out; where only tests need each other, `.bootstrap([..])` lets tools see the other's wheel",
    );
    edges.iter().fold(diagnostic, |diagnostic, (job, mention)| {
        diagnostic.and(format!("`{}` is downstream of `{}`", mention.name, job.name), &mention.location)
    })
}
