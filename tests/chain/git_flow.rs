//! The kinds of builds in one repository: what each is called, on a laptop and by a build server, and its versions.

use std::path::Path;

use gopythongo::{
    ci::Variables,
    context::{BuildKind, Context, KindSet as _, Kinds, Request, gather},
    deploy::Environment,
    package::{Deb, Service},
    pipeline::{JobBuilder as _, Pipeline, application, deployment, library},
    plan::{Action, Selection, lower},
    version::{DebianVersion, RpmVersion, Version},
};
use tests::Example;

use crate::tags::{self, SETUPTOOLS_SCM};

/// A library, an application that is packed, and where that goes.
fn pipeline() -> Pipeline {
    let demo = library("demo").source(".").flake8().pytest().coverage_ratchet().upload().downstream(["shop"]);
    let shop = application("shop").source(".").integration_tests("tests").virtualenv("/opt/shop");
    let shop = shop.deb(Deb::new().service(Service::gunicorn("shop:app"))).publish();
    let environment = |name: &str, kinds: Kinds| Environment::new(name, kinds).host("local").unattended("a test");
    let live = deployment("live", "shop")
        .environment(environment("testing", BuildKind::Develop.kinds()))
        .environment(environment("candidate", BuildKind::Release | BuildKind::Hotfix))
        .environment(environment("production", BuildKind::Master.kinds()));
    Pipeline::new("demo").default_kind(BuildKind::Develop).job(demo).job(shop).job(live)
}

/// What a build server says, in a checkout whose `HEAD` is detached.
fn on_server(repository: &Path, variables: &str) -> Context {
    let variables: Variables = variables.split_whitespace().filter_map(|pair| pair.split_once('=')).collect();
    let request = Request { root: repository.to_owned(), variables, ..Request::default() };
    gather(&pipeline(), &request).expect("a context")
}

/// The steps of the table of defaults that run, in the order of the plan; checks first, which every build has.
fn runs(context: &Context) -> String {
    let plan = lower(&pipeline(), context, &Selection::default()).plan;
    let running = plan.steps.iter().filter(|step| step.action == Action::Run);
    let ids: Vec<&str> = running.map(|step| step.id.as_str()).collect();
    for check in ["demo/flake8", "demo/pytest", "demo/coverage-ratchet", "shop/integration-tests"] {
        assert!(ids.contains(&check), "{check} is not in {ids:?}");
    }
    const SOME: [&str; 3] = ["demo/upload", "shop/deb", "shop/publish"];
    let told = |id: &&str| SOME.contains(id) || *id == "promote" || id.starts_with("live/");
    ids.into_iter().filter(told).collect::<Vec<_>>().join(" ")
}

fn version(context: &Context) -> Version {
    let plan = context.jobs["demo"].version.as_ref().expect("a version");
    plan.version(plan.number)
}

#[test]
fn each_kind_of_build_has_its_place_in_the_order_of_every_packaging_system() {
    let repository = tags::repository(SETUPTOOLS_SCM, "commit\ntag v1.4.0\nbranch master");
    let git = |arguments: &str| tags::git(repository.path(), arguments);
    let commit = |message: &str| git(&format!("commit -q --allow-empty -m {message}"));
    commit("a");
    git("switch -q -c feature/x");
    commit("b");
    git("switch -q -c release/1.5.0 develop");
    commit("c");
    git("switch -q -c hotfix/1.4.1 master");
    commit("d");
    // what a server has: the commit alone
    let at = |branch: &str, variables: &str| {
        git(&format!("checkout -q --detach {branch}"));
        on_server(repository.path(), variables)
    };
    let hotfix = at("hotfix/1.4.1", "DRONE=true DRONE_BRANCH=hotfix/1.4.1");
    let develop = at("develop", "DRONE=true DRONE_BRANCH=develop");
    let feature = at("feature/x", "DRONE=true DRONE_BRANCH=feature/x");
    let fork = at(
        "feature/x",
        "TRAVIS=true TRAVIS_BRANCH=develop TRAVIS_PULL_REQUEST=42 TRAVIS_PULL_REQUEST_BRANCH=feature/x \
         TRAVIS_REPO_SLUG=acme/demo TRAVIS_PULL_REQUEST_SLUG=eve/demo",
    );
    let release = at("release/1.5.0", "DRONE=true DRONE_BRANCH=release/1.5.0");
    git("switch -q master");
    git("merge -q --no-ff -m merge release/1.5.0");
    git("tag v1.5.0");
    let tagged = at("master", "DRONE=true DRONE_TAG=v1.5.0");
    let master = at("master", "DRONE=true DRONE_BRANCH=master");

    let said = |context: &Context| format!("{} {} {}", context.kind, context.channel, version(context));
    assert_eq!(said(&hotfix), "hotfix hotfix/1.4.1 1.4.1rc1");
    assert_eq!(said(&develop), "develop develop 1.4.1.dev1");
    assert_eq!(said(&feature), "feature feature/x 1.4.1.dev2+x");
    assert_eq!(said(&fork), "pull-request pull-request/x 1.4.1.dev2+x");
    assert_eq!(said(&release), "release release/1.5.0 1.5.0rc2");
    assert_eq!(said(&tagged), "master master 1.5.0");
    assert_eq!(said(&master), "master master 1.5.0");
    assert!(pipeline().is_valid(), "{:#?}", pipeline().diagnostics());
    const PUBLIC: &str = "demo/upload shop/deb shop/publish promote";
    assert_eq!((runs(&feature), runs(&fork)), (String::new(), String::new()));
    assert_eq!(runs(&develop), format!("{PUBLIC} live/switch:testing"));
    assert_eq!(runs(&release), format!("{PUBLIC} live/switch:candidate"));
    assert_eq!(runs(&hotfix), format!("{PUBLIC} live/switch:candidate"));
    assert_eq!(runs(&tagged), format!("{PUBLIC} live/switch:production"));
    assert_eq!(runs(&master), format!("{PUBLIC} live/switch:production"));
    assert!(feature.is_trusted() && !fork.is_trusted());
    assert_eq!(fork.target.as_deref(), Some("develop"));

    let in_order = [&develop, &feature, &hotfix, &release, &master].map(version);
    let debian = in_order.clone().map(|version| DebianVersion::of(&version));
    let rpm = in_order.clone().map(|version| RpmVersion::of(&version));
    let texts = debian.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts, ["1.4.1~dev1", "1.4.1~dev2+x", "1.4.1~rc1", "1.5.0~rc2", "1.5.0"]);
    let texts = rpm.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts, ["1.4.1~dev1", "1.4.1~dev2+local.x", "1.4.1~rc1", "1.5.0~rc2", "1.5.0"]);
    assert!(in_order.is_sorted() && debian.is_sorted() && rpm.is_sorted());
}

#[test]
fn a_build_server_says_the_branch_of_a_detached_checkout_to_the_program() {
    let storefront = Example::storefront();
    let _ = storefront.git(&["checkout", "--quiet", "--detach"]);
    let plan = |variables: &[(&str, &str)]| {
        let mut command = storefront.command(&["plan", "--json"]);
        let output = command.envs(variables.iter().copied()).output().expect("the program starts");
        let plan = tests::Outcome::of(&output).ends_with(0);
        serde_json::from_str::<serde_json::Value>(&plan.stdout).expect("JSON")
    };
    const ACTIONS: (&str, &str) = ("GITHUB_ACTIONS", "true");
    let branch = ("GITHUB_REF", "refs/heads/release/9.0");
    assert_eq!(plan(&[ACTIONS, branch])["context"]["kind"], "release");
    let request =
        [ACTIONS, ("GITHUB_REF", "refs/pull/42/merge"), ("GITHUB_HEAD_REF", "fix"), ("GITHUB_BASE_REF", "develop")];
    let plan = plan(&request);
    assert_eq!(plan["context"]["kind"], "pull-request");
    let effects = plan["steps"].as_array().expect("steps").iter().filter(|step| step["effect"] == true);
    assert!(effects.into_iter().all(|step| step["action"] == "skip"), "{plan}");
}
