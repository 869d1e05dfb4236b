//! The step in runs that have nothing to deploy, or may not.

use std::sync::Arc;

use crate::{
    context::{
        BuildKind::{self, Develop, Master},
        Context, Redactor,
    },
    deploy::{Environment, Environments, SigningKey},
    event::RunState,
    package::{Deb, Service},
    pipeline::{Pipeline, application, deployment},
    plan::{Selection, lower},
    run::{
        Ended, Failure, FailureKind, Options, RunDirectory, Services, Setting, execute,
        process::{Cancel, Supervisor},
    },
    store::Store,
};

/// What becomes of the deployment alone, on a machine where nothing was ever promoted.
fn deployed(kind: BuildKind) -> (RunState, Failure) {
    let shop = application("shop").virtualenv("/opt/shop").deb(Deb::new().service(Service::gunicorn("shop:app")));
    let key = SigningKey::fingerprint("0123456789ABCDEF0123456789ABCDEF01234567");
    let shop = shop.publish().gate("tests/integration", key);
    let live = deployment("shop-live", &shop)
        .environment(Environment::new("testing", Develop).host("local"))
        .environment(Environment::new("production", Master).host("local").protected());
    let pipeline = Pipeline::new("storefront").job(shop).job(live);
    let state = tempfile::tempdir().unwrap();
    let context = Context {
        branch: None,
        commit: None,
        kind,
        kind_reason: "`--kind`".to_owned(),
        server: None,
        doubts: Vec::new(),
        channel: kind.word().to_owned(),
        target: None,
        root: state.path().to_owned(),
        pythons: Vec::new(),
        jobs: [].into(),
    };
    let selection = Selection { jobs: vec!["shop-live".to_owned()], downstream: false };
    let lowered = lower(&pipeline, &context, &selection);
    let store = Store::open(&state.path().join("store")).unwrap();
    let setting = Setting {
        directory: RunDirectory::create(state.path()).unwrap(),
        context: Arc::new(context),
        services: Services::new().with(Arc::new(store)).with(Arc::new(Environments::new(state.path()))),
        supervisor: Arc::new(Supervisor::start().unwrap()),
        cancel: Cancel::new(),
        redactor: Redactor::default(),
        sinks: Vec::new(),
    };
    let Ended { state, mut failures } = execute(&lowered, &Options::default(), setting).unwrap();
    (state, failures.pop().unwrap().1)
}

#[test]
fn a_channel_without_the_package_is_refused_with_the_way_to_get_one() {
    let (state, failure) = deployed(Develop);
    assert_eq!(state, RunState::Failed);
    assert_eq!(failure.kind, FailureKind::Refused);
    assert_eq!(failure.message, "no version of `shop` is in `develop`");
    assert_eq!(failure.hint.as_deref(), Some("`run shop --downstream` builds and publishes one"));
}
