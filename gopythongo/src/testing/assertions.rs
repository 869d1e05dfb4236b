//! What a team claims of its pipeline's plans.

use std::collections::BTreeSet;

use super::context::{branch, context};
use crate::{
    context::{BuildKind, KindSet},
    deploy::Switch,
    pipeline::{Pipeline, Severity},
    plan::{self, Action, Plan, PlannedStep, Selection},
    run::Step,
    support::words,
};

/// A pipeline, the build that it is planned for, and claims about the plan. A claim that does not hold panics with the
/// plan's tree; each gives the test back, so that claims can be chained.
#[derive(Debug, Clone)]
pub struct PlanTest {
    pipeline: Pipeline,
    kind: BuildKind,
    branch: String,
    selection: Selection,
}

/// Plans a pipeline as if on a machine where all is well: sources are distributions of version 1.0.0 with the names of
/// their jobs, every Python is there. Nothing is read or run. The build is one of the pipeline's default kind, else of
/// develop, until [`on_branch`](PlanTest::on_branch) or [`kind`](PlanTest::kind) says otherwise.
#[must_use = "a plan is tested by its claims: `.has_no_effects()`, `.runs(..)`"]
pub fn plan(pipeline: Pipeline) -> PlanTest {
    let kind = pipeline.default_kind.unwrap_or(BuildKind::Develop);
    PlanTest { pipeline, kind, branch: branch(kind).to_owned(), selection: Selection::default() }
}

impl PlanTest {
    /// Plans a build of a branch; its name gives the kind.
    #[must_use = "a plan is tested by its claims: `.has_no_effects()`, `.runs(..)`"]
    pub fn on_branch(mut self, branch: &str) -> Self {
        self.kind = self.pipeline.branches.kind(branch);
        self.branch = branch.to_owned();
        self
    }

    /// Plans a build of a kind, on a branch that has it.
    #[must_use = "a plan is tested by its claims: `.has_no_effects()`, `.runs(..)`"]
    pub fn kind(mut self, kind: BuildKind) -> Self {
        self.kind = kind;
        self.branch = branch(kind).to_owned();
        self
    }

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
        let context = context(&self.pipeline, &self.branch, self.kind);
        plan::matrix(&self.pipeline, &context, &self.selection)
    }

    #[track_caller]
    pub(crate) fn plan(&self) -> std::sync::Arc<Plan> {
        assert!(
            self.pipeline.is_valid(),
            "pipeline `{}` is not valid, so it has no plan\n\n{}",
            self.pipeline.name,
            self.diagnostics()
        );
        if let Err(unknown) = self.selection.check(&self.pipeline) {
            panic!("{unknown}; {}", unknown.hint());
        }
        plan::lower(&self.pipeline, &context(&self.pipeline, &self.branch, self.kind), &self.selection).plan
    }

    pub(super) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    pub(super) fn branch(&self) -> &str {
        &self.branch
    }

    pub(super) fn build_kind(&self) -> BuildKind {
        self.kind
    }

    pub(super) fn selection(&self) -> &Selection {
        &self.selection
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
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::{
        context::{
            BuildKind::{Feature, Master, PullRequest},
            Context,
        },
        pipeline::{JobBuilder, application, library},
    };

    fn storefront() -> Pipeline {
        let money = library("money").source("libs/money").flake8().mypy().pytest().coverage_ratchet().upload();
        let catalog = library("catalog").source("libs/catalog").flake8().tox().coverage_ratchet().upload();
        let shop = application("shop").source("apps/shop").integration_tests("tests/integration");
        Pipeline::new("storefront")
            .default_kind(BuildKind::Develop)
            .job(money.downstream(["catalog", "shop"]))
            .job(catalog.downstream(["shop"]))
            .job(shop)
    }

    fn broken(claim: impl FnOnce() -> PlanTest) -> String {
        let panic = catch_unwind(AssertUnwindSafe(claim)).expect_err("the claim holds");
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    }

    #[test]
    fn claims_that_hold_are_silent() {
        plan(storefront())
            .is_valid()
            .runs("money/upload")
            .runs("promote")
            .needs("money/upload", "money/coverage-ratchet")
            .needs("catalog/tox", "money/upload")
            .needs("shop/resolve", "money/upload")
            .needs("shop/integration-tests", "catalog/upload")
            .needs("promote", "shop/integration-tests")
            .needs_everything("promote")
            .lacks("shop/upload")
            .each(Feature | PullRequest, |plan| plan.has_no_effects().skips("money/upload").runs("money/pytest"))
            .on_branch("feature/discounts")
            .has_no_effects();
    }

    #[test]
    fn a_run_of_some_jobs_promotes_nothing_unless_downstream_comes_along() {
        plan(storefront()).only(["money"]).runs("money/upload").skips("promote").lacks("catalog/tox");
        plan(storefront()).only(["money"]).with_downstream().runs("shop/integration-tests").runs("promote");
    }

    #[test]
    fn pythons_become_steps() {
        let job = library("money").pytest().pythons(["3.11", "3.13"]);
        plan(Pipeline::new("p").job(job)).runs("money/pytest:3.11").runs("money/pytest:3.13").lacks("money/pytest");
    }

    #[test]
    fn each_python_is_resolved_for_by_itself() {
        for job in [library("money").mypy().pytest(), library("money").pytest().mypy()] {
            let job = job.pythons(["3.11", "3.13"]).coverage_ratchet();
            let plan = plan(Pipeline::new("p").job(job)).needs("money/coverage-ratchet", "money/pytest:3.13").plan();
            let resolution = |id: &str| -> Vec<String> {
                let needs = find(&plan, id).needs.iter();
                needs.filter(|need| need.starts_with("money/resolve")).cloned().collect()
            };
            assert_eq!(resolution("money/mypy"), ["money/resolve"]);
            assert_eq!(resolution("money/pytest:3.11"), ["money/resolve:3.11"]);
            assert_eq!(resolution("money/pytest:3.13"), ["money/resolve:3.13"]);
        }
    }

    #[test]
    fn a_python_that_is_not_there_is_unknown_unless_the_figure_is_required() {
        let action = |job: crate::pipeline::Library| {
            let pipeline = Pipeline::new("p").job(job.pythons(["3.14"]));
            let context = Context { pythons: Vec::new(), ..context(&pipeline, "develop", BuildKind::Develop) };
            let plan = plan::lower(&pipeline, &context, &Selection::default()).plan;
            let step = find(&plan, "money/pytest:3.14");
            (step.action, step.is_unknown())
        };
        let job = library("money").pytest().coverage_ratchet();
        assert_eq!(action(job.clone()), (Action::Skip, true));
        assert_eq!(action(job.ratchet_required()), (Action::Run, false));
    }

    #[test]
    fn a_broken_claim_shows_the_tree() {
        let message = broken(|| plan(storefront()).kind(Master).has_no_effects());
        assert!(
            message.starts_with(
                "`money/upload`, `catalog/upload` and `promote` are effects that run\n\nstorefront: master build"
            ),
            "{message}"
        );
        assert!(message.contains("─ ⇡ upload"), "{message}");
        let message = broken(|| plan(storefront()).kind(Feature).runs("money/upload"));
        assert!(message.starts_with("`money/upload` is skipped: not on feature builds"), "{message}");
        let message = broken(|| plan(storefront()).skips("money/uplaod"));
        assert!(
            message.starts_with("the plan has no step `money/uplaod`; did you mean `money/upload`?\n\n"),
            "{message}"
        );
        let message = broken(|| plan(storefront()).needs("money/flake8", "catalog/upload"));
        assert!(message.starts_with("`money/flake8` does not need `catalog/upload`\n\n"), "{message}");
        let message = broken(|| plan(storefront()).needs_everything("shop/integration-tests"));
        assert!(message.starts_with("`shop/integration-tests` does not need `promote`\n\n"), "{message}");
    }

    #[test]
    fn a_pipeline_with_mistakes_has_no_plan() {
        let pipeline = || storefront().job(library("billing").coverage_ratchet());
        let test = plan(pipeline()).has_diagnostic("`.coverage_ratchet()` of `billing` has no figure");
        let message = broken(|| test.has_no_effects());
        assert!(message.starts_with("pipeline `storefront` is not valid, so it has no plan\n\n"), "{message}");
        assert!(message.contains("error: `.coverage_ratchet()` of `billing` has no figure"), "{message}");
        assert!(broken(|| plan(pipeline()).has_diagnostic("cycle")).starts_with("no diagnostic of `storefront`"));
    }

    #[test]
    fn a_broken_claim_blames_the_line_of_the_test() {
        let hook = std::panic::take_hook();
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let places = seen.clone();
        std::panic::set_hook(Box::new(move |info| {
            if let (Some(location), Ok(mut places)) = (info.location(), places.lock()) {
                places.push((location.file().to_owned(), location.line()));
            }
            hook(info);
        }));
        let line = line!() + 1;
        broken(|| plan(storefront()).kind(Feature).runs("money/upload"));
        assert!(seen.lock().unwrap().contains(&(file!().to_owned(), line)));
    }

    #[test]
    fn the_tree_of_the_storefront_reads_well() {
        let tree = plan(storefront()).tree();
        assert!(
            tree.starts_with("storefront: develop build of branch develop, into channel develop\n\nmoney\n"),
            "{tree}"
        );
    }
}
