//! Chains and their mistakes, as a team would write them.

use serde_json::json;

use super::*;
use crate::{
    context::{
        BuildKind::{self, Develop, Feature, Hotfix, Master, PullRequest, Release},
        Kinds,
    },
    python::{Flake8, Pytest, Tox},
    testing::plan,
    version::VersionFrom,
};

/// Where a step runs, by kind, with the options that win.
fn runs(job: impl Into<Job>, step: &str) -> Vec<(BuildKind, serde_json::Value)> {
    let job = job.into();
    let declared = |kind| Some((kind, job.declared(step, kind)?.step.options()));
    BuildKind::ALL.into_iter().filter_map(declared).collect()
}

fn kinds(job: impl Into<Job>, step: &str) -> Kinds {
    runs(job, step).into_iter().fold(Kinds::NONE, |kinds, (kind, _)| kinds.or(kind.into()))
}

/// The diagnostics, each line number replaced by its distance from the first line of the pipeline.
fn diagnostics(pipeline: &Pipeline) -> String {
    let first = pipeline.location.line;
    let lines: Vec<String> = pipeline.diagnostics().iter().map(ToString::to_string).collect();
    let text = lines.join("\n").replace(file!(), "pipeline.rs");
    let mut parts = text.split("pipeline.rs:");
    let head = parts.next().unwrap_or_default().to_owned();
    parts.fold(head, |text, part| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let line: u32 = part[..digits].parse().unwrap();
        format!("{text}+{}{}", line - first, &part[digits..])
    })
}

fn of(job: impl Into<Job>) -> String {
    let job = job.into();
    let mut pipeline = Pipeline::new("p").job(job);
    pipeline.location = pipeline.jobs[0].location.clone();
    diagnostics(&pipeline)
}

#[test]
fn checks_run_on_every_build_and_uploads_on_shared_ones() {
    let job = library("money").flake8().upload();
    assert_eq!(kinds(job.clone(), "flake8"), Kinds::ALL);
    assert_eq!(kinds(job, "upload"), Kinds::SHARED);
}

#[test]
fn on_replaces_the_default_kinds() {
    assert_eq!(kinds(library("money").on(Feature, |job| job.upload()), "upload"), Feature.into());
    assert_eq!(kinds(library("money").on(Release | Master, |job| job.flake8()), "flake8"), Release | Master);
}

#[test]
fn except_subtracts_and_never_adds() {
    let job = library("money").except(Feature | Hotfix, |job| job.upload());
    assert_eq!(kinds(job, "upload"), Develop | Release | Master);
}

#[test]
fn nested_conditions_intersect() {
    let nested = library("money").on(Develop | Release, |job| job.on(Release | Master, |job| job.mypy()));
    assert_eq!(kinds(nested, "mypy"), Release.into());
    let inside_on = library("money").on(Develop | Release, |job| job.except(Release, |job| job.mypy()));
    assert_eq!(kinds(inside_on, "mypy"), Develop.into());
    let inside_except = library("money").except(Develop, |job| job.on(Develop | Master, |job| job.mypy()));
    assert_eq!(kinds(inside_except, "mypy"), Master.into());
    let both = library("money").except(Develop, |job| job.except(Master, |job| job.mypy()));
    assert_eq!(kinds(both, "mypy"), Feature | PullRequest | Release | Hotfix);
}

#[test]
fn a_feature_is_no_pull_request() {
    assert_eq!(kinds(library("money").on(Feature, |job| job.mypy()), "mypy"), Feature.into());
}

#[test]
fn declarations_of_a_step_are_united_and_the_later_options_win() {
    let job = library("money").upload().on(Feature, |job| job.upload());
    assert_eq!(kinds(job, "upload"), Kinds::SHARED.or(Feature.into()));

    let job = library("money").pytest().on(Master, |job| job.step(Pytest::new().args(["-x"])));
    for (kind, options) in runs(job, "pytest") {
        let expected = if kind == Master { json!(["-x"]) } else { json!([]) };
        assert_eq!(options["args"], expected, "{kind}");
    }
}

#[test]
fn conditions_hold_only_within_their_closure() {
    let job = library("money").on(Master, |job| job.mypy()).flake8();
    assert_eq!(kinds(job, "flake8"), Kinds::ALL);
}

#[test]
fn when_goes_on_only_if_its_condition_holds() {
    assert_eq!(kinds(library("money").when(true, |job| job.mypy()), "mypy"), Kinds::ALL);
    assert_eq!(kinds(library("money").when(false, |job| job.mypy()), "mypy"), Kinds::NONE);
}

#[test]
fn a_good_pipeline_has_no_diagnostics() {
    let money = library("money").upload().coverage_ratchet().pytest().downstream(["catalog", "shop"]);
    let catalog = library("catalog").tox_envs(["py311"]).tox().ratchet_required().coverage_ratchet();
    let catalog = catalog.upload().downstream(["shop"]).pythons(["3.11", "3.12"]).version("1.5.0");
    let shop = application("shop").source("../apps/shop").integration_tests("tests").coverage_ratchet();
    let other = library("markupsafe").sdist("markupsafe==3.0.2").subdirectory("src").command("docs", ["make", "docs"]);
    let pipeline = Pipeline::new("storefront").job(shop).job(money).job(catalog).job(other);
    assert_eq!(diagnostics(&pipeline), "");
    assert!(pipeline.is_valid());
}

#[test]
fn required_environments_and_the_required_ratchet_reach_their_steps_from_anywhere() {
    let job = library("money").tox_envs(["py311"]).ratchet_required().coverage_ratchet().step(Tox::new().args(["-q"]));
    let (_, tox) = runs(job.clone(), "tox").remove(0);
    assert_eq!((&tox["required"], &tox["args"]), (&json!(["py311"]), &json!(["-q"])));
    assert_eq!(runs(job, "coverage-ratchet").remove(0).1["required"], true);
}

#[test]
fn unknown_jobs_get_a_suggestion() {
    let pipeline = Pipeline::new("p")
        .job(library("money").upload().downstream(["catalgo", "billing", "money"]))
        .job(library("catalog").pytest());
    assert_eq!(
        diagnostics(&pipeline),
        "\
+1: error: unknown job `catalgo` in `.downstream` of `money`
  help: did you mean `catalog`?
+1: error: unknown job `billing` in `.downstream` of `money`
+1: error: `money` is downstream of itself"
    );
}

#[test]
fn a_cycle_is_named_with_the_line_of_each_edge() {
    let pipeline = Pipeline::new("p")
        .job(library("a").upload().downstream(["b"]))
        .job(library("b").upload().downstream(["c"]))
        .job(library("c").upload().downstream(["a"]))
        .job(library("d").upload().downstream(["a"]));
    assert_eq!(
        diagnostics(&pipeline),
        "\
+3: error: jobs are downstream of each other in a cycle: a → b → c → a
  +1: `b` is downstream of `a`
  +2: `c` is downstream of `b`
  +3: `a` is downstream of `c`
  help: take one of them out; where only tests need each other, `.bootstrap([..])` lets tools see the other's wheel"
    );
}

#[test]
fn mistakes_of_all_jobs_are_collected_in_the_order_of_their_lines() {
    let pipeline = Pipeline::new("Store Front")
        .job(library("money").mypy().source("a").source("b"))
        .job(library("money").coverage_ratchet().flake8())
        .job(library("").mypy().source("/srv/app"))
        .job(library("äpfel").mypy().version("one"))
        .job(application("shop").mypy().downstream(["money"]))
        .job(library("x").mypy().downstream(["money"]));
    assert_eq!(
        diagnostics(&pipeline),
        "\
+0: error: `Store Front` is not a name for a pipeline
  help: write `store-front`: a name begins with a lowercase letter or a digit; `.`, `_` and `-` may follow, too
+1: error: `money` has two sources
  +1: the first one
+2: error: `.coverage_ratchet()` of `money` has no figure: no step measures coverage
  help: add `.pytest()` or `.tox()`
+2: error: two jobs are called `money`
  +1: the first one
+3: error: `.source` of `` is absolute: `/srv/app` is not on every machine
  help: paths are relative to the pipeline's root
+3: error: the name of a job is empty
  help: a name begins with a lowercase letter or a digit; `.`, `_` and `-` may follow, too
+4: error: `one` is not a version (PEP 440): expected version to start with a number, but no leading ASCII digits were found
+4: error: `äpfel` is not a name for a job
  help: a name begins with a lowercase letter or a digit; `.`, `_` and `-` may follow, too
+5: error: `.downstream` of application `shop`: only libraries have downstream jobs
  help: make it `library(\"shop\")` if other jobs use its wheel
+6: error: `x` has downstream jobs but uploads nothing that they could use
  help: add `.upload()`"
    );
    assert!(!pipeline.is_valid());
}

#[test]
fn only_steps_stand_inside_a_condition() {
    let job = library("money")
        .on(Develop, |job| job.mypy().source("elsewhere"))
        .except(Feature, |job| job.flake8().downstream(["shop"]));
    assert_eq!(
        of(job),
        "\
+1: error: `.source(…)` stands inside `.on(Develop, …)`, where only steps may stand
  +1: `.on(Develop, …)` begins here
  help: write `.source(…)` outside of it: it holds for every build
+2: error: `.downstream(…)` stands inside `.except(Feature, …)`, where only steps may stand
  +2: `.except(Feature, …)` begins here
  help: write `.downstream(…)` outside of it: it holds for every build"
    );
}

#[test]
fn a_closure_must_give_the_same_job_back() {
    let other = library("catalog").flake8();
    let job = library("money").pytest().on(Develop, |_| other.clone()).when(true, |_| library("money"));
    let plain: Job = job.clone().into();
    assert_eq!(plain.name, "money");
    assert_eq!(plain.steps.len(), 1);
    let messages: Vec<String> = plain.diagnostics.iter().map(|diagnostic| diagnostic.message.clone()).collect();
    assert_eq!(
        messages,
        [
            "the closure of `.on` of `money` gives another job back: `catalog`",
            "the closure of `.when` of `money` gives another job back: `money`",
        ]
    );
}

#[test]
fn a_condition_that_changes_nothing_is_a_doubt_with_both_lines() {
    let job = library("money")
        .flake8()
        .on(Feature, |job| job.flake8())
        .on(Develop | Release | Hotfix | Master, |job| job.upload())
        .except(Feature, |job| job)
        .on(Develop, |job| job.on(Master, |job| job.mypy()));
    assert_eq!(
        of(job),
        "\
+2: warning: `.on(Feature, …)` changes nothing: `flake8` runs there already, with the same options
  +1: the first one
+3: warning: `.on(Develop | Release | Hotfix | Master, …)` changes nothing: the steps inside run in the same builds without it
  +3: the first of them
+4: warning: `.except(Feature, …)` contains no step
+5: warning: `mypy` runs in no build: `.on(Master, …)` within `.on(Develop, …)` leaves it no kind"
    );
}

#[test]
fn an_apt_repository_that_anybody_can_stand_in_for_is_a_doubt() {
    let from = VersionFrom::apt("https://apt.example", "stable");
    let doubt = of(library("money").pytest().version_from(from.clone()));
    assert!(doubt.contains("warning: the signature of `https://apt.example`, which decides the version of `money`"));
    assert_eq!(of(library("money").pytest().version_from(from.signed_by("keys/apt.asc"))), "");
}

#[test]
fn builds_in_which_nothing_is_done_are_doubts() {
    assert_eq!(
        of(library("money")),
        "+0: warning: `money` declares no step: nothing is run for it\n  help: add `.pytest()`"
    );
    assert_eq!(
        of(library("money").coverage_ratchet().on(Develop | Master, |job| job.pytest())),
        "+0: warning: `.coverage_ratchet()` of `money` has no figure on feature, pull-request, release and hotfix builds: \
         no step measures coverage there"
    );
}

#[test]
fn declarations_that_are_never_used_are_doubts() {
    let checks = library("money").flake8().pytest();
    let job = checks.flake8().step(Pytest::new().args(["-x"]));
    assert_eq!(
        of(job),
        "\
+0: warning: this `pytest` is never used: a later one covers the same builds
  +1: the later one
+1: warning: `flake8` is declared twice, with the same options
  +0: the first one"
    );
}

#[test]
fn options_without_their_step_are_mistakes() {
    let job = library("money")
        .tox_envs(["py311"])
        .ratchet_required()
        .subdirectory("examples/tutorial")
        .pythons(["3", "3.11", "3.11"])
        .command("Docs!", ["make"])
        .command("empty", Vec::<String>::new())
        .sdist("flask>=3")
        .constraints("/etc/constraints.txt");
    assert_eq!(
        of(job),
        "\
+1: error: `.tox_envs` of `money` is without a `.tox()`
  help: add `.tox()`
+2: error: `.ratchet_required` of `money` is without a `.coverage_ratchet()`
  help: add `.coverage_ratchet()`
+4: error: `3` is not a Python version
  help: write `3.12`
+4: warning: Python 3.11 is named twice
+5: error: `Docs!` is not a name for a `command`
  help: a name begins with a lowercase letter or a digit; `.`, `_` and `-` may follow, too
+6: error: `command:empty` of `money` has no program
+7: error: `.sdist` of `money` takes one exact version, not `flask>=3`
  help: write `markupsafe==3.0.2`
+8: error: `.constraints` of `money` is absolute: `/etc/constraints.txt` is not on every machine
  help: paths are relative to the pipeline's root"
    );
}

#[test]
fn lines_are_those_of_the_team_also_in_house_rules() {
    fn checked<J: JobBuilder>(job: J) -> J {
        job.step(Flake8::new())
    }
    let line = line!() - 2;
    let job: Job = checked(library("money")).into();
    assert_eq!((&*job.steps[0].location.file, job.steps[0].location.line), (file!(), line));
}

#[test]
fn a_pipeline_serialises_without_locations() {
    let make = || {
        let money = library("money").source("libs/money").on(Master, |job| job.command("docs", ["make", "docs"]));
        Pipeline::new("storefront").default_kind(Develop).job(money.upload())
    };
    let expected = json!({
        "name": "storefront",
        "default_kind": "develop",
        "jobs": [{
            "name": "money",
            "kind": "library",
            "source": {"directory": "libs/money"},
            "steps": [
                {"kind": "command", "version": 1, "label": "docs",
                 "options": {"name": "docs", "argv": ["make", "docs"]}, "on": ["master"]},
                {"kind": "upload", "version": 1, "label": null, "options": {},
                 "on": ["develop", "release", "hotfix", "master"]},
            ],
            "downstream": [],
            "pythons": [],
            "bootstrap": [],
            "version": null,
            "constraints": null,
        }],
    });
    assert_eq!(serde_json::to_value(make()).unwrap(), expected);
    let (one, other) = (make(), make());
    assert_eq!(one, other);
    assert_ne!(one, other.job(library("catalog")));
}

#[test]
fn a_package_is_made_of_a_virtual_environment() {
    use crate::package::Deb;
    assert_eq!(of(application("shop").virtualenv("/opt/shop").deb(Deb::new())), "");
    assert_eq!(
        of(application("shop").deb(Deb::new())),
        "+0: error: `.deb(…)` of `shop` has nothing to pack: the job builds no virtual environment\n  \
         help: add `.virtualenv(\"/opt/shop\")`"
    );
    let everywhere = application("shop").virtualenv("/opt/shop").on(Feature | Develop, |job| job.deb(Deb::new()));
    assert_eq!(
        of(everywhere),
        "+0: error: `.deb(…)` of `shop` has nothing to pack on feature builds: no virtual environment is built there"
    );
    assert_eq!(
        of(application("shop").virtualenv("/opt/shop").deb(Deb::new().depends("libc6 > 2"))).lines().next(),
        Some(
            "+0: error: the `deb` of `shop` cannot be: `libc6 > 2` is not a relation to a package (Policy 7.1): \
             `libc6 > 2` is not a name of a package"
        )
    );
}

#[test]
fn two_jobs_do_not_make_one_package() {
    use crate::package::Deb;
    let job = |name: &str| application(name).virtualenv("/opt/shop").deb(Deb::new().package("shop"));
    let pipeline = Pipeline::new("p").job(job("shop")).job(job("web"));
    let messages: Vec<String> = pipeline.diagnostics().into_iter().map(|found| found.message).collect();
    assert_eq!(messages, ["`shop` and `web` both make the Debian package `shop`"]);
}

#[test]
fn another_repository_is_named_without_credentials() {
    let git = |change: fn(Library) -> Library| plan(Pipeline::new("p").job(change(library("money").pytest())));
    git(|money| money.git("https://git.example.com/money.git").revision("v1.4.2").subdirectory("python")).is_valid();
    git(|money| money.git("ssh://git@git.example.com/money.git")).is_valid();
    git(|money| money.git("git@git.example.com:money.git")).is_valid();
    git(|money| money.git("https://ana:s3cret@git.example.com/money.git")).has_diagnostic("holds credentials");
    git(|money| money.git("https://s3cret@git.example.com/money.git")).has_diagnostic("holds credentials");
    git(|money| money.git("--upload-pack=evil")).has_diagnostic("is no URL of a repository");
    git(|money| money.git("ext::sh -c evil")).has_diagnostic("is no URL of a repository");
    git(|money| money.git("https://x/y").revision("-x")).has_diagnostic("`-x` is not a revision");
    git(|money| money.revision("v1.4.2")).has_diagnostic("`.revision` of `money` is without a `.git`");
    git(|money| money.git("https://x/y").source("libs/money")).has_diagnostic("`money` has two sources");
    git(|money| money.git("https://x/y").on(Master, |money| money.revision("v1")))
        .has_diagnostic("`.revision(…)` stands inside");
}
