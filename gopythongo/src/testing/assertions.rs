//! What a team claims of its pipeline's plans.

use std::collections::BTreeSet;

use super::build::Build;
use crate::{
    context::{BuildKind, KindSet},
    deploy::Switch,
    pipeline::{Pipeline, Severity},
    plan::{self, Action, Plan, PlannedStep, Selection},
    run::Step,
    support::{Written, words},
};

/// A pipeline, the build that it is planned for, and claims about the plan. A claim that does not hold panics with the
/// plan's tree; each gives the test back, so that claims can be chained.
#[derive(Debug, Clone)]
pub struct PlanTest {
    pub(super) pipeline: Pipeline,
    pub(super) build: Build,
    pub(super) selection: Selection,
}

/// Plans a pipeline as if on a machine where all is well: sources are distributions of version 1.0.0 with the names of
/// their jobs, every Python is there. Nothing is read or run. The build is one of the pipeline's default kind, else of
/// develop, until [`on_branch`](PlanTest::on_branch) or [`kind`](PlanTest::kind) says otherwise.
#[must_use = "a plan is tested by its claims: `.has_no_effects()`, `.runs(..)`"]
pub fn plan(pipeline: Pipeline) -> PlanTest {
    let kind = pipeline.default_kind.unwrap_or(BuildKind::Develop);
    PlanTest { pipeline, build: Build::of_kind(kind), selection: Selection::default() }
}

impl PlanTest {
    /// Plans these jobs alone, as `run JOB…` does; all of them by default.
    #[must_use = "a plan is tested by its claims: `.has_no_effects()`, `.runs(..)`"]
    pub fn only<J: Into<String>>(mut self, jobs: impl IntoIterator<Item = J>) -> Self {
        self.selection.jobs = jobs.into_iter().map(Into::into).collect();
        self
    }

    /// Plans the jobs downstream of those of [`only`](Self::only), too, as `run JOB… --downstream` does.
    #[must_use = "a plan is tested by its claims: `.has_no_effects()`, `.runs(..)`"]
    pub fn with_downstream(mut self) -> Self {
        self.selection.downstream = true;
        self
    }

    /// Claims that the pipeline has no mistakes; doubts (warnings) may be.
    ///
    /// # Panics
    /// When it has.
    #[track_caller]
    pub fn is_valid(self) -> Self {
        assert!(self.pipeline.is_valid(), "pipeline `{}` is not valid\n\n{}", self.pipeline.name, self.diagnostics());
        self
    }

    /// Claims that the pipeline has a mistake or a doubt whose text, with its help and its other lines, contains `text`.
    ///
    /// # Panics
    /// When it has none.
    #[track_caller]
    pub fn has_diagnostic(self, text: &str) -> Self {
        let found = self.pipeline.diagnostics().iter().any(|diagnostic| diagnostic.to_string().contains(text));
        assert!(found, "no diagnostic of `{}` contains `{text}`\n\n{}", self.pipeline.name, self.diagnostics());
        self
    }

    /// Claims that no effect runs: nothing is uploaded or promoted.
    ///
    /// # Panics
    /// When one does, or the pipeline is not valid.
    #[track_caller]
    pub fn has_no_effects(self) -> Self {
        let plan = self.plan();
        let effects: Vec<String> =
            running(&plan).filter(|step| step.effect.is_some()).map(|step| format!("`{}`", step.id)).collect();
        let verb = if effects.len() == 1 { "is an effect that runs" } else { "are effects that run" };
        assert!(effects.is_empty(), "{} {verb}\n\n{}", words::list(&effects), plan::tree(&plan, true));
        self
    }

    /// Claims that a step runs, named as plans do: `money/pytest`, `money/pytest:3.12`, `promote`.
    ///
    /// # Panics
    /// When it is skipped or is no step of the plan, or the pipeline is not valid.
    #[track_caller]
    pub fn runs(self, step: &str) -> Self {
        let plan = self.plan();
        let found = find(&plan, step);
        assert!(found.action == Action::Run, "`{step}` is skipped: {}\n\n{}", found.reason, plan::tree(&plan, true));
        self
    }

    /// Claims that a step which the pipeline declares is skipped.
    ///
    /// # Panics
    /// When it runs or is no step of the plan (so that a wrong name is noticed), or the pipeline is not valid.
    #[track_caller]
    pub fn skips(self, step: &str) -> Self {
        let plan = self.plan();
        let found = find(&plan, step);
        assert!(found.action == Action::Skip, "`{step}` runs: {}\n\n{}", found.reason, plan::tree(&plan, true));
        self
    }

    /// Claims that the plan has no such step, neither running nor skipped.
    ///
    /// # Panics
    /// When it has, or the pipeline is not valid.
    #[track_caller]
    pub fn lacks(self, step: &str) -> Self {
        let plan = self.plan();
        assert!(plan.step(step).is_none(), "`{step}` is a step\n\n{}", plan::tree(&plan, true));
        self
    }

    /// Claims that a step runs only when another has passed, be it through others.
    ///
    /// # Panics
    /// When it does not wait for it, one of them is no step of the plan, or the pipeline is not valid.
    #[track_caller]
    pub fn needs(self, step: &str, needed: &str) -> Self {
        let plan = self.plan();
        let (found, needed) = (find(&plan, step), &find(&plan, needed).id);
        assert!(
            all_needed(&plan, found).contains(needed.as_str()),
            "`{step}` does not need `{needed}`\n\n{}",
            plan::tree(&plan, true)
        );
        self
    }

    /// Claims that a step runs only when every other step that runs has passed: `.needs_everything("promote")`. Deployments
    /// do not count: they follow the promotion.
    ///
    /// # Panics
    /// When it does not wait for one of them, it is no step of the plan, or the pipeline is not valid.
    #[track_caller]
    pub fn needs_everything(self, step: &str) -> Self {
        let plan = self.plan();
        let all = all_needed(&plan, find(&plan, step));
        let others = running(&plan).filter(|other| other.id != step && !all.contains(other.id.as_str()));
        let others = others.filter(|other| other.kind != Switch::KIND);
        let others: Vec<String> = others.map(|other| format!("`{}`", other.id)).collect();
        assert!(others.is_empty(), "`{step}` does not need {}\n\n{}", words::list(&others), plan::tree(&plan, true));
        self
    }

    /// Claims that the build sends an application to an environment, when everything is promoted:
    /// `.deploys("shop", "testing")`.
    ///
    /// # Panics
    /// When it does not, no deployment of the application has such an environment, or the pipeline is not valid.
    #[track_caller]
    pub fn deploys(self, application: &str, environment: &str) -> Self {
        let step = self.switch(application, environment);
        self.runs(&step)
    }

    /// Claims that the build does not send an application to an environment that the pipeline declares.
    ///
    /// # Panics
    /// When it does, no deployment of the application has such an environment, or the pipeline is not valid.
    #[track_caller]
    pub fn does_not_deploy(self, application: &str, environment: &str) -> Self {
        let step = self.switch(application, environment);
        self.skips(&step)
    }

    /// The step that sends an application to an environment.
    #[track_caller]
    fn switch(&self, application: &str, environment: &str) -> String {
        let deployments = self.pipeline.jobs.iter();
        let deployments = deployments.filter(|job| job.deploys.as_ref().is_some_and(|own| own.name == application));
        let mut declared = Vec::new();
        for declaration in deployments.clone().flat_map(|job| &job.steps) {
            declared.extend(declaration.step.label().map(|environment| format!("`{environment}`")));
        }
        let name = format!("{}:{environment}", Switch::KIND);
        let found = deployments.filter_map(|job| job.steps.iter().find(|step| step.name() == name).map(|_| &job.name));
        let found = found.map(|job| format!("{job}/{name}")).next();
        let known = if declared.is_empty() { "nothing".to_owned() } else { words::list(&declared) };
        found.unwrap_or_else(|| {
            panic!("no deployment of `{application}` has an environment `{environment}`: there is {known}")
        })
    }

    /// Claims the same of several kinds: `.each(Feature | PullRequest, |plan| plan.has_no_effects())`.
    ///
    /// # Panics
    /// When a claim does not hold for one of them.
    #[track_caller]
    pub fn each(self, kinds: impl KindSet, claims: impl Fn(Self) -> Self) -> Self {
        for kind in kinds.kinds().iter() {
            let _ = claims(self.clone().kind(kind));
        }
        self
    }

    /// The plan as `plan --all` prints it, for comparing with an expected text.
    ///
    /// # Panics
    /// When the pipeline is not valid.
    #[must_use]
    #[track_caller]
    pub fn tree(&self) -> String {
        plan::tree(&self.plan(), true)
    }

    /// Which steps run in which kinds of builds, as `plan --all` prints it, for comparing with an expected text.
    ///
    /// # Panics
    /// When the pipeline is not valid.
    #[must_use]
    #[track_caller]
    pub fn matrix(&self) -> String {
        let _ = self.plan();
        let context = self.context();
        plan::matrix(&self.pipeline, &context, &self.selection)
    }

    #[track_caller]
    pub(crate) fn plan(&self) -> Written<Plan> {
        assert!(
            self.pipeline.is_valid(),
            "pipeline `{}` is not valid, so it has no plan\n\n{}",
            self.pipeline.name,
            self.diagnostics()
        );
        if let Err(unknown) = self.selection.check(&self.pipeline) {
            panic!("{unknown}; {}", unknown.hint());
        }
        plan::lower(&self.pipeline, &self.context(), &self.selection).plan
    }

    /// Refuses a name that is no step's of the plan.
    #[track_caller]
    pub(super) fn find_step(&self, step: &str) {
        let _ = find(&self.plan(), step);
    }

    /// Refuses a name that is no effect's of the plan.
    #[track_caller]
    pub(super) fn find_effect(&self, step: &str) {
        let plan = self.plan();
        assert!(find(&plan, step).effect.is_some(), "`{step}` is no effect\n\n{}", plan::tree(&plan, true));
    }

    fn diagnostics(&self) -> String {
        let mut found = self.pipeline.diagnostics();
        found.sort_by_key(|diagnostic| diagnostic.severity != Severity::Error);
        match found.as_slice() {
            [] => "it has no diagnostics".to_owned(),
            found => found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        }
    }
}

/// What must have passed before a step runs, be it through others.
fn all_needed<'a>(plan: &'a Plan, step: &'a PlannedStep) -> BTreeSet<&'a str> {
    let mut all = BTreeSet::new();
    let mut next: Vec<&str> = step.needs.iter().map(String::as_str).collect();
    while let Some(id) = next.pop() {
        if all.insert(id) {
            next.extend(plan.step(id).iter().flat_map(|step| step.needs.iter().map(String::as_str)));
        }
    }
    all
}

fn running(plan: &Plan) -> impl Iterator<Item = &PlannedStep> {
    plan.steps.iter().filter(|step| step.action == Action::Run)
}

#[track_caller]
fn find<'a>(plan: &'a Plan, id: &str) -> &'a PlannedStep {
    let Some(step) = plan.step(id) else {
        let meant = words::nearest(id, plan.steps.iter().map(|step| step.id.as_str()));
        let meant = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        panic!("the plan has no step `{id}`{meant}\n\n{}", plan::tree(plan, true));
    };
    step
}

#[cfg(test)]
#[path = "assertions_tests.rs"]
mod tests;
