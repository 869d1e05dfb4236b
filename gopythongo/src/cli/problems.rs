//! What is wrong with the sources of planned jobs, before anything is run.

use std::{collections::HashMap, fmt};

use crate::{
    context::{Context, JobContext},
    plan::{Action, Plan, PlannedStep},
};

/// Something that is wrong with a job's source, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    job: String,
    what: String,
    pub(super) todo: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.job, self.what)
    }
}

/// The problems of all jobs of a plan: sources that cannot be read, versions that a build needs and nothing says, uploads
/// of what is no distribution.
pub(super) fn problems(context: &Context, plan: &Plan) -> Vec<Problem> {
    let mut steps: HashMap<&str, Vec<&PlannedStep>> = HashMap::new();
    for step in &plan.steps {
        steps.entry(&step.job).or_default().push(step);
    }
    let planned = context.jobs.iter().filter_map(|(job, found)| Some((job, found, steps.get(job.as_str())?)));
    planned.flat_map(|(job, found, steps)| of_job(job, found, steps)).collect()
}

fn of_job(job: &str, found: &JobContext, steps: &[&PlannedStep]) -> Vec<Problem> {
    let problem = |what: String, todo: String| Problem { job: job.to_owned(), what, todo };
    let runs = |kind: &str| {
        let id = format!("{job}/{kind}");
        steps.iter().any(|step| step.action == Action::Run && step.id == id)
    };
    let survey = &found.survey;
    let unreadable = survey.problems.iter().map(|what| {
        let todo = format!("put it right, or `.source(…)` of `{job}` in pipeline.rs");
        problem(what.clone(), todo)
    });
    let is_built = || runs("sdist") || runs("virtualenv");
    let unversioned = survey.version_problem.iter().filter(|_| is_built()).map(|what| {
        let todo = "put that right, or say it by `.version(\"…\")` in pipeline.rs".to_owned();
        problem(what.clone(), todo)
    });
    let no_distribution = survey.problems.is_empty() && survey.distribution.is_none() && runs("upload");
    let undistributed = no_distribution.then(|| {
        let directory = found.directory.display();
        let what = format!(
            "nothing can be uploaded: {directory} has no setup.py, and no pyproject.toml that says how it is built"
        );
        problem(what, "add a pyproject.toml with `[project]` and `[build-system]`, or leave `.upload()` out".to_owned())
    });
    unreadable.chain(unversioned).chain(undistributed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        context::{BuildKind, Distribution, Layout, Survey},
        pipeline::{JobBuilder as _, Pipeline, application, library},
        plan::{Selection, lower},
    };

    fn found(pipeline: Pipeline, survey: Survey) -> Vec<String> {
        let jobs = [("money".to_owned(), JobContext { directory: "/m".into(), survey, version: None })];
        let context = Context {
            branch: None,
            commit: None,
            kind: BuildKind::Develop,
            kind_reason: "`--kind`".to_owned(),
            server: None,
            target: None,
            doubts: Vec::new(),
            channel: "develop".to_owned(),
            root: "/".into(),
            pythons: Vec::new(),
            jobs: jobs.into(),
        };
        let plan = lower(&pipeline, &context, &Selection::default()).plan;
        problems(&context, &plan).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_upload_needs_a_distribution_and_lint_does_not() {
        let job = || library("money").flake8();
        let upload = || Pipeline::new("p").job(job().upload());
        assert_eq!(found(Pipeline::new("p").job(job()), Survey::default()), [""; 0]);
        let [problem] = &found(upload(), Survey::default())[..] else { panic!("one problem") };
        assert!(problem.starts_with("money: nothing can be uploaded: /m has no setup.py"), "{problem}");
        let missing = Survey { problems: vec!["/m is missing".to_owned()], ..Survey::default() };
        assert_eq!(found(upload(), missing), ["money: /m is missing"]);
    }

    #[test]
    fn a_version_is_a_matter_of_builds() {
        let survey = || Survey {
            distribution: Some(Distribution {
                name: "money".to_owned(),
                build_requires: Vec::new(),
                build_backend: "setuptools.build_meta".to_owned(),
                requires_python: None,
                dependencies: Vec::new(),
                extras: Vec::new(),
                packages: Vec::new(),
                layout: Layout::Src,
            }),
            version_problem: Some("no version".to_owned()),
            ..Survey::default()
        };
        assert_eq!(found(Pipeline::new("p").job(library("money").flake8()), survey()), [""; 0]);
        assert_eq!(found(Pipeline::new("p").job(library("money").pytest()), survey()), ["money: no version"]);
    }

    #[test]
    fn a_tree_that_is_packed_needs_a_version_too() {
        let survey = Survey { version_problem: Some("no version".to_owned()), ..Survey::default() };
        let shop = application("money").virtualenv("/opt/money");
        assert_eq!(found(Pipeline::new("p").job(shop), survey), ["money: no version"]);
    }
}
