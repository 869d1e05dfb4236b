//! Claims about plans that hold, and what those say that do not.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::{
    ci::{Origin, ServerBuild},
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
        let context = Context { pythons: Vec::new(), ..plan(pipeline.clone()).context() };
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
    assert!(message.starts_with("the plan has no step `money/uplaod`; did you mean `money/upload`?\n\n"), "{message}");
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
    assert!(tree.starts_with("storefront: develop build of branch develop, into channel develop\n\nmoney\n"), "{tree}");
}

#[test]
fn a_tag_is_built_as_master_is_if_it_names_a_release() {
    plan(storefront()).on_tag("v1.5.0").runs("promote").needs_everything("promote");
    plan(storefront()).on_tag("nightly").has_no_effects();
    let tree = plan(storefront()).on_tag("v1.5.0").tree();
    assert!(tree.starts_with("storefront: master build without a branch, into channel master\n"), "{tree}");
}

fn is_from_fork(server: &ServerBuild) -> bool {
    server.pull_request.as_ref().is_some_and(|request| request.origin == Origin::Fork)
}

#[test]
fn pull_requests_have_no_effects_wherever_they_come_from() {
    let request = plan(storefront()).pull_request("feature/discounts", "develop").has_no_effects();
    let context = request.context();
    assert_eq!((context.branch.as_deref(), context.target.as_deref()), (Some("feature/discounts"), Some("develop")));
    assert!(context.server.is_some_and(|server| !is_from_fork(&server)));
    let fork = plan(storefront()).pull_request("fix", "release/1.5.0").from_fork().has_no_effects().context();
    assert_eq!((fork.branch.as_deref(), fork.target.as_deref()), (Some("fix"), Some("release/1.5.0")));
    assert!(fork.server.is_some_and(|server| is_from_fork(&server)));
}

#[test]
fn a_survey_is_what_the_test_says() {
    let pipeline = || Pipeline::new("p").job(library("scripts").flake8().pytest()).job(library("money").pytest());
    let test = plan(pipeline()).survey("scripts", |survey| survey.distribution = None);
    test.on_branch("feature/x").lacks("scripts/wheel").runs("scripts/pytest").runs("money/wheel");
    let message = broken(|| plan(pipeline()).survey("script", |_| {}));
    assert_eq!(message, "`p` builds no job `script`");
}

#[test]
fn what_is_claimed_of_all_branches_is_claimed_of_tags_and_forks() {
    let kinds = std::cell::RefCell::new(Vec::new());
    crate::testing::for_all_branches(storefront(), |plan| {
        let context = plan.context();
        let from = context.server.map(|server| (server.tag.is_some(), is_from_fork(&server)));
        kinds.borrow_mut().push((context.kind, from));
        plan.runs("money/pytest")
    });
    let kinds = kinds.into_inner();
    assert!(BuildKind::ALL.iter().all(|kind| kinds.iter().any(|(known, _)| known == kind)), "{kinds:?}");
    assert!(kinds.contains(&(Master, Some((true, false)))) && kinds.contains(&(PullRequest, Some((false, true)))));
    let message = broken(|| plan(storefront()).for_all_branches(|plan| plan.runs("money/upload")));
    assert!(message.contains("`money/upload` is skipped: not on feature builds"), "{message}");
}
