//! Who needs whose distribution, by what the sources say of themselves: the edges of `.downstream_auto()`, and doubts about those
//! that are written down. Pure.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    context::{Context, Survey},
    pipeline::{Diagnostic, Job, JobKind, Mention, Pipeline},
    python::{Requirement, name::normalize},
    run::Step as _,
    store::Upload,
};

/// The pipeline with the edges that metadata adds to its `.downstream_auto()`s.
pub(crate) fn with_dependents<'a>(pipeline: &'a Pipeline, context: &Context) -> Cow<'a, Pipeline> {
    if pipeline.jobs.iter().all(|job| job.downstream_auto.is_none()) {
        return Cow::Borrowed(pipeline);
    }
    let known = Known::of(pipeline, context);
    let mut pipeline = pipeline.clone();
    for job in &mut pipeline.jobs {
        let Some(location) = job.downstream_auto.clone() else { continue };
        for name in known.dependents(&job.name) {
            if job.downstream.iter().all(|mention| mention.name != *name) {
                job.downstream.push(Mention { name: (*name).to_owned(), location: location.clone() });
            }
        }
    }
    Cow::Owned(pipeline)
}

/// What is doubtful in the edges between jobs: one that is declared and that no metadata supports, and one of the metadata that is
/// not declared.
#[must_use]
pub(crate) fn doubts(pipeline: &Pipeline, context: &Context) -> Vec<Diagnostic> {
    let known = Known::of(pipeline, context);
    let mut found = Vec::new();
    for job in pipeline.jobs.iter().filter(|job| job.kind == JobKind::Library) {
        let needed_by = known.dependents(&job.name);
        for mention in &job.downstream {
            let (name, user) = (&job.name, &mention.name);
            if known.is_silent(user) || needed_by.contains(&user.as_str()) {
                continue;
            }
            let message = format!(
                "`{user}` is downstream of `{name}`, and nothing in {} says that it needs `{}`",
                known.place(user),
                known.distribution(name)
            );
            found.push(
                Diagnostic::warning(message, &mention.location)
                    .suggest(format!("write the requirement there, or take `{user}` out: its tests run for nothing")),
            );
        }
        let uploads = job.steps.iter().any(|declaration| declaration.step.kind() == Upload::KIND);
        if job.downstream_auto.is_some() || !uploads {
            continue;
        }
        for user in needed_by.iter().filter(|user| job.downstream.iter().all(|mention| mention.name != **user)) {
            let message = format!(
                "`{user}` needs `{}`, as {} says, and is not downstream of `{}`",
                known.distribution(&job.name),
                known.place(user),
                job.name
            );
            found.push(
                Diagnostic::warning(message, &job.location)
                    .suggest(format!("add `.downstream([\"{user}\"])`, or `.downstream_auto()`")),
            );
        }
    }
    found
}

/// The cycles that `.downstream_auto()` closes.
#[must_use]
pub(crate) fn cycles(pipeline: &Pipeline, context: &Context) -> Vec<Diagnostic> {
    match with_dependents(pipeline, context) {
        Cow::Owned(closed) => closed.cycles(),
        Cow::Borrowed(_) => Vec::new(),
    }
}

/// What the sources of the jobs say.
struct Known<'a> {
    /// By job: the distribution's name, normalised.
    distributions: BTreeMap<&'a str, String>,
    /// By job: where its source is, and the names of what it needs.
    needs: BTreeMap<&'a str, (String, Vec<String>)>,
    /// By the name of a distribution: the jobs that need it, in the order of their names.
    users: BTreeMap<String, Vec<&'a str>>,
}

impl<'a> Known<'a> {
    fn of(pipeline: &'a Pipeline, context: &Context) -> Self {
        let mut known = Self { distributions: BTreeMap::new(), needs: BTreeMap::new(), users: BTreeMap::new() };
        for job in pipeline.jobs.iter().filter(|job| job.is_built()) {
            let Some(found) = context.jobs.get(&job.name) else { continue };
            let name = found.survey.distribution.as_ref().map(|distribution| distribution.name.clone());
            known.distributions.insert(&job.name, name.unwrap_or_else(|| normalize(&job.name)));
            let place = found.directory.strip_prefix(&context.root).unwrap_or(&found.directory);
            known.needs.insert(&job.name, (place.display().to_string(), needs(job, &found.survey)));
        }
        for (job, (_, needs)) in &known.needs {
            for name in needs {
                let users = known.users.entry(name.clone()).or_default();
                if users.last() != Some(job) && known.distributions.get(job) != Some(name) {
                    users.push(job);
                }
            }
        }
        known
    }

    /// The jobs that need what a job builds.
    fn dependents(&self, job: &str) -> &[&'a str] {
        let name = self.distributions.get(job);
        name.and_then(|name| self.users.get(name)).map_or(&[], Vec::as_slice)
    }

    /// Whether a job's source says nothing at all of what it needs: it may say so by a program, as a `setup.py` does.
    fn is_silent(&self, job: &str) -> bool {
        self.needs.get(job).is_none_or(|(_, needs)| needs.is_empty())
    }

    fn place(&self, job: &str) -> &str {
        self.needs.get(job).map_or("", |(place, _)| if place.is_empty() { "its source" } else { place })
    }

    fn distribution<'b>(&'b self, job: &'b str) -> &'b str {
        self.distributions.get(job).map_or(job, String::as_str)
    }
}

/// The normalised names of all that a source says that it needs: to run, to be built, to be tested.
fn needs(job: &Job, survey: &Survey) -> Vec<String> {
    let distribution =
        survey.distribution.iter().flat_map(|known| known.dependencies.iter().chain(&known.build_requires));
    let named = distribution.chain(&survey.tree_requirements).chain(&survey.test_requirements);
    let parsed = named.chain(&survey.typing_requirements).filter_map(|text| text.parse::<Requirement>().ok());
    let own = normalize(&job.name);
    let mut names: Vec<String> = parsed.map(|requirement| normalize(&requirement.name)).collect();
    names.retain(|name| *name != own);
    names
}

#[cfg(test)]
mod tests {
    use crate::{
        pipeline::{JobBuilder as _, Library, Pipeline, application, library},
        testing::plan,
    };

    fn needing(requirement: &'static str) -> impl Fn(&mut crate::context::Survey) + Send + Sync + 'static {
        move |survey| {
            let distribution = survey.distribution.as_mut().expect("a distribution");
            distribution.dependencies.push(requirement.to_owned());
        }
    }

    fn money() -> Library {
        library("money").pytest().upload()
    }

    fn doubts(pipeline: &Pipeline, needs: &[(&'static str, &'static str)]) -> Vec<String> {
        let planned = needs
            .iter()
            .fold(plan(pipeline.clone()), |plan, (job, requirement)| plan.survey(job, needing(requirement)));
        let context = planned.context();
        super::doubts(pipeline, &context)
            .iter()
            .chain(&super::cycles(pipeline, &context))
            .map(|doubt| {
                let text = doubt.to_string();
                text.split_once(": ")
                    .map_or(text.clone(), |(_, rest)| rest.lines().next().unwrap_or_default().to_owned())
            })
            .collect()
    }

    #[test]
    fn who_needs_the_distribution_is_tested_with_it() {
        let catalog = library("catalog").pytest().upload().downstream_auto();
        let shop = application("shop").integration_tests("tests");
        let pipeline =
            Pipeline::new("p").job(money().downstream_auto()).job(catalog).job(shop).job(library("other").pytest());
        plan(pipeline)
            .on_branch("develop")
            .survey("catalog", needing("Money >= 1.5"))
            .survey("shop", |survey| {
                survey.distribution = None;
                survey.tree_requirements = vec!["catalog==1.0".to_owned()];
            })
            .is_valid()
            .needs("catalog/pytest", "money/upload")
            .needs("shop/integration-tests", "catalog/upload")
            .only(["money"])
            .with_downstream()
            .runs("shop/integration-tests")
            .lacks("other/pytest");
    }

    #[test]
    fn without_it_only_what_is_declared_is_downstream() {
        let pipeline = Pipeline::new("p").job(money()).job(library("catalog").pytest());
        plan(pipeline.clone())
            .on_branch("develop")
            .survey("catalog", needing("money"))
            .only(["money"])
            .with_downstream()
            .lacks("catalog/pytest");
        assert_eq!(
            doubts(&pipeline, &[("catalog", "money")]),
            ["warning: `catalog` needs `money`, as its source says, and is not downstream of `money`"]
        );
        let auto = Pipeline::new("p").job(money().downstream_auto()).job(library("catalog").pytest());
        assert_eq!(doubts(&auto, &[("catalog", "money")]), [""; 0]);
    }

    #[test]
    fn an_edge_that_no_metadata_supports_is_a_doubt() {
        let pipeline = Pipeline::new("p").job(money().downstream(["catalog"])).job(library("catalog").pytest());
        assert_eq!(
            doubts(&pipeline, &[("catalog", "pricing>=2")]),
            ["warning: `catalog` is downstream of `money`, and nothing in its source says that it needs `money`"]
        );
        assert_eq!(doubts(&pipeline, &[("catalog", "money[fast]>=2; python_version>'3'")]), [""; 0]);
    }

    #[test]
    fn a_cycle_of_metadata_is_named() {
        let catalog = library("catalog").pytest().upload().downstream_auto();
        let pipeline = Pipeline::new("p").job(money().downstream_auto()).job(catalog);
        assert_eq!(
            doubts(&pipeline, &[("catalog", "money"), ("money", "catalog")]),
            ["error: jobs are downstream of each other in a cycle: money → catalog → money"]
        );
    }
}
