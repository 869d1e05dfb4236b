//! `deployment(..)`: where an application's packages go when they are public.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

use super::{Declaration, Deployable, Diagnostic, Gate, Job, JobKind, Location, Mention, Source, Takes, finish};
use crate::{
    context::{BuildKind, Kinds},
    deploy::{Approval, BlueGreen, Environment, Host, Switch},
    run::Manner,
};

/// Builds whose versions users see: who lets them in has to be said.
const WATCHED: [BuildKind; 3] = [BuildKind::Release, BuildKind::Hotfix, BuildKind::Master];

/// A deployment of an application into environments. Each takes the newest version of the run's channel when everything is
/// promoted: a deployment that fails leaves it promoted, and the old version serving.
///
/// ```no_run
/// # use gopythongo::prelude::*;
/// let live = deployment("shop-live", "shop")
///     .blue_green(BlueGreen::new().health_check("/healthz"))
///     .environment(Environment::new("testing", Develop).host("local"))
///     .environment(Environment::new("production", Master).host("local").unattended("an example on one machine"));
/// ```
///
/// One that was given the application itself is a `Deployment<Application>`, or a `Deployment<Application<Gated>>`, which goes to
/// protected environments too.
#[derive(Debug, Clone)]
#[must_use = "a job does nothing until `Pipeline::job` takes it"]
pub struct Deployment<A = String> {
    name: String,
    gate: Option<Gate>,
    application: Mention,
    blue_green: Option<(BlueGreen, Location)>,
    environments: Vec<Environment>,
    diagnostics: Vec<Diagnostic>,
    location: Location,
    known: PhantomData<A>,
}

/// Declares a deployment of an application: of the one that is called so (`"shop"`), or of the one that it is given
/// (`&shop`), as protected environments want it.
#[track_caller]
pub fn deployment<D: Deployable>(name: impl Into<String>, application: D) -> Deployment<D::Known> {
    let location = Location::here();
    Deployment {
        name: name.into(),
        gate: application.gate(),
        application: Mention { name: application.job(), location: location.clone() },
        blue_green: None,
        environments: Vec::new(),
        diagnostics: Vec::new(),
        location,
        known: PhantomData,
    }
}

impl<A> Deployment<A> {
    /// Sets how one version takes over from another; [`BlueGreen::new`] by default.
    #[track_caller]
    pub fn blue_green(mut self, how: BlueGreen) -> Self {
        let location = Location::here();
        if let Some((_, first)) = &self.blue_green {
            let message = format!("`{}` has two `.blue_green(…)`", self.name);
            self.diagnostics.push(Diagnostic::error(message, &location).and("the first one", first));
        } else {
            self.blue_green = Some((how, location));
        }
        self
    }

    /// Adds an environment. Where one build goes to several, the later ones wait for the earlier ones.
    pub fn environment<E>(mut self, environment: Environment<E>) -> Self
    where
        E: Takes<A>,
    {
        self.environments.push(environment.plain());
        self
    }

    /// Goes on with the chain if `condition` holds.
    pub fn when(self, condition: bool, chain: impl FnOnce(Self) -> Self) -> Self {
        if condition { chain(self) } else { self }
    }

    fn check_how(&mut self) {
        let Some((how, location)) = &self.blue_green else { return };
        let path = &how.health_check;
        if !path.starts_with('/') || path.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let message = format!("`{path}` is not the path of a health check");
            self.diagnostics.push(Diagnostic::error(message, location).suggest("write `/healthz`"));
        }
        if how.timeout.is_zero() {
            let message = format!("nothing gets healthy in no time: the timeout of `{}` is 0", self.name);
            self.diagnostics
                .push(Diagnostic::error(message, location).suggest("`Duration::from_secs(60)` is the default"));
        }
    }

    fn check_environments(&mut self) {
        let mut found = Vec::new();
        let mut first: BTreeMap<&str, &Location> = BTreeMap::new();
        for environment in &self.environments {
            let (name, location) = (&environment.name, &environment.location);
            if !finish::is_name(name) {
                let message = match name.as_str() {
                    "" => "the name of an environment is empty".to_owned(),
                    _ => format!("`{name}` is not a name for an environment"),
                };
                found.push(Diagnostic::error(message, location).suggest(finish::NAMES));
            }
            match first.get(name.as_str()) {
                Some(first) => {
                    let message = format!("`{}` has two environments `{name}`", self.name);
                    found.push(Diagnostic::error(message, location).and("the first one", first));
                }
                None => {
                    first.insert(name, location);
                }
            }
            found.extend(hosts(environment));
            found.extend(approval(environment));
            if environment.kinds.is_empty() {
                let message = format!("environment `{name}` is for no build");
                found.push(Diagnostic::warning(message, location).suggest("`Environment::new(\"testing\", Develop)`"));
            }
        }
        self.diagnostics.append(&mut found);
    }
}

/// What is wrong with the hosts of an environment.
fn hosts(environment: &Environment) -> Option<Diagnostic> {
    let (name, location) = (&environment.name, &environment.location);
    let diagnostic = match environment.hosts.as_slice() {
        [] => Diagnostic::error(format!("environment `{name}` has no host"), location)
            .suggest("add `.host(\"local\")`: this machine"),
        [host] if Host::of(host).is_some() => return None,
        [host] => Diagnostic::error(
            format!("environment `{name}` has the host `{host}`, which cannot be deployed to"),
            location,
        )
        .suggest("`.host(\"local\")`, this machine, is the one host that there is"),
        several => {
            let message = format!("environment `{name}` has {} hosts: one can be deployed to", several.len());
            Diagnostic::error(message, location).suggest("leave one `.host(\"local\")`, this machine")
        }
    };
    Some(diagnostic)
}

/// What is wrong with who lets versions into an environment.
fn approval(environment: &Environment) -> Option<Diagnostic> {
    let (name, location) = (&environment.name, &environment.location);
    let watched = WATCHED.into_iter().filter(|kind| environment.kinds.contains(*kind));
    let watched = watched.fold(Kinds::NONE, |kinds, kind| kinds.or(kind.into()));
    match &environment.approval {
        Approval::Unsaid if !watched.is_empty() => {
            let message = format!("environment `{name}` takes {watched} builds, and nothing says who lets them in");
            let suggestion = "add `.unattended(\"why every tested version may go there\")`, or `.protected()`";
            Some(Diagnostic::error(message, location).suggest(suggestion))
        }
        Approval::Unattended(reason) if reason.trim().is_empty() => {
            let message = format!("`.unattended(…)` of environment `{name}` gives no reason");
            Some(Diagnostic::error(message, location).suggest("say why every tested version may go there"))
        }
        _ => None,
    }
}

impl<A> From<Deployment<A>> for Job {
    fn from(mut deployment: Deployment<A>) -> Self {
        deployment.check_how();
        deployment.check_environments();
        let how = deployment.blue_green.map(|(how, _)| how).unwrap_or_default();
        let application = &deployment.application.name;
        let key = deployment.gate.as_ref().map(|gate| &gate.key);
        let steps = deployment.environments.into_iter().map(|environment| Declaration {
            manner: Manner::default(),
            kinds: environment.kinds,
            condition: None,
            location: environment.location.clone(),
            step: Arc::new(Switch::new(application, &environment, &how, key)),
        });
        Self {
            name: deployment.name,
            kind: JobKind::Deployment,
            source: Source::Directory(".".into()),
            steps: steps.collect(),
            manner: Manner::default(),
            downstream: Vec::new(),
            downstream_auto: None,
            deploys: Some(deployment.application),
            pythons: Vec::new(),
            bootstrap: Vec::new(),
            version: None,
            version_from: None,
            constraints: None,
            gate: deployment.gate,
            diagnostics: deployment.diagnostics,
            location: deployment.location,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        context::{
            BuildKind::{Develop, Feature, Hotfix, Master, Release},
            Kinds,
        },
        deploy::{BlueGreen, Environment, Protected, SigningKey},
        package::{Deb, Service},
        pipeline::{Application, Deployment, Gated, JobBuilder, Pipeline, application, deployment, library},
        testing::plan,
    };

    fn shop() -> Application {
        let deb = Deb::new().service(Service::gunicorn("shop:app"));
        application("shop").integration_tests("tests").virtualenv("/opt/shop").deb(deb).publish()
    }

    fn live() -> Deployment {
        deployment("shop-live", "shop")
            .blue_green(BlueGreen::new().health_check("/healthz"))
            .environment(Environment::new("testing", Develop).host("local"))
            .environment(Environment::new("production", Master).host("local").unattended("an example"))
    }

    fn storefront() -> Pipeline {
        let money = library("money").pytest().upload().downstream(["shop"]);
        Pipeline::new("storefront").default_kind(Develop).job(money).job(shop()).job(live())
    }

    #[track_caller]
    fn mistake(live: Deployment, text: &str) {
        let _ = plan(Pipeline::new("storefront").job(shop()).job(live)).has_diagnostic(text);
    }

    #[test]
    fn each_environment_has_its_builds_and_follows_the_promotion() {
        plan(storefront())
            .is_valid()
            .deploys("shop", "testing")
            .does_not_deploy("shop", "production")
            .needs("shop-live/switch:testing", "promote")
            .needs_everything("promote")
            .kind(Master)
            .deploys("shop", "production")
            .does_not_deploy("shop", "testing")
            .each(Feature | Release | Hotfix, |plan| {
                plan.does_not_deploy("shop", "testing").does_not_deploy("shop", "production")
            });
    }

    #[test]
    fn a_plan_shows_deployments_below_the_promotion() {
        let tree = plan(storefront()).tree();
        let (_, after) = tree.split_once("⇡ promote").unwrap();
        assert!(after.contains("shop-live\n├─ ⇡ switch:testing"), "{tree}");
        assert!(after.contains("on develop builds, after the promotion; needs promote\n"), "{tree}");
        assert!(after.contains("└─ – switch:production") && after.contains("only on master ones"), "{tree}");
    }

    #[test]
    fn a_selection_takes_a_deployment_along_or_leaves_it_and_is_complete_without() {
        plan(storefront()).only(["shop"]).runs("promote").lacks("shop-live/switch:testing");
        plan(storefront()).only(["money"]).with_downstream().needs("shop-live/switch:testing", "promote");
        plan(storefront()).only(["shop-live"]).deploys("shop", "testing").lacks("promote");
        let staged =
            plan(storefront()).only(["money", "shop-live"]).skips("promote").does_not_deploy("shop", "testing");
        assert!(staged.tree().contains("skipped: as nothing is promoted: the set stays staged"), "{}", staged.tree());
    }

    #[test]
    fn a_package_of_another_name_is_the_one_that_is_deployed() {
        let renamed = shop().deb(Deb::new().package("the-shop").service(Service::gunicorn("shop:app")));
        let package = |shop: Application| {
            let plan = plan(Pipeline::new("p").job(shop).job(live())).plan();
            plan.step("shop-live/switch:testing").unwrap().options.value()["package"].clone()
        };
        assert_eq!(package(shop()), "shop");
        assert_eq!(package(renamed), "the-shop");
    }

    #[test]
    fn several_environments_of_one_build_are_filled_one_after_the_other() {
        let live = live()
            .environment(Environment::new("staging", Develop | Release).host("local").unattended("it is internal"));
        plan(Pipeline::new("storefront").job(shop()).job(live))
            .kind(Develop)
            .needs("shop-live/switch:staging", "shop-live/switch:testing")
            .kind(Release)
            .deploys("shop", "staging");
    }

    #[test]
    fn mistakes_are_found_and_say_what_to_write() {
        let bare = || deployment("shop-live", "shop");
        mistake(bare(), "`shop-live` has no environment");
        mistake(live().environment(Environment::new("testing", Develop).host("local")), "two environments `testing`");
        mistake(bare().environment(Environment::new("testing", Develop)), "environment `testing` has no host");
        mistake(bare().environment(Environment::new("testing", Develop).host("web1")), "the host `web1`");
        let production = || Environment::new("production", Develop | Release | Master).host("local");
        mistake(bare().environment(production()), "takes release and master builds, and nothing says who lets them in");
        mistake(bare().environment(production().unattended(" ")), "gives no reason");
        mistake(bare().environment(Environment::new("Test ing", Develop).host("local")), "`Test ing` is not a name");
        mistake(live().blue_green(BlueGreen::new()), "two `.blue_green(…)`");
        mistake(bare().blue_green(BlueGreen::new().health_check("healthz")), "not the path of a health check");
        mistake(deployment("shop-live", "shpo"), "did you mean `shop`?");
        mistake(
            bare().environment(Environment::new("demo", Feature).host("local")),
            "environment `demo` takes feature builds, in which `shop` publishes nothing",
        );
    }

    fn production() -> Environment<Protected> {
        Environment::new("production", Master).host("local").protected()
    }

    fn key() -> SigningKey {
        SigningKey::fingerprint("0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567")
    }

    #[test]
    fn a_protected_environment_takes_an_application_whose_gate_is_tested_in_every_build() {
        let shop = shop().gate("tests/integration", key());
        let live = deployment("shop-live", &shop).when(true, |live| live.environment(production()));
        let pipeline = Pipeline::new("p").job(shop.flake8().on(Master, |shop| shop.pytest())).job(live);
        plan(pipeline)
            .is_valid()
            .each(Kinds::ALL, |plan| plan.runs("shop/integration-tests"))
            .kind(Master)
            .deploys("shop", "production");
    }

    #[test]
    fn what_the_types_do_not_see_of_a_gate_is_a_mistake() {
        let gated = || shop().gate("tests/integration", key());
        let planned = |given: &Application<Gated>, built: Application<Gated>| {
            let live = deployment("shop-live", given).environment(production());
            plan(Pipeline::new("p").job(built).job(live))
        };
        planned(&gated(), gated().integration_tests("tests/quick"))
            .has_diagnostic("stand in place of those of its gate");
        planned(&gated(), gated().on(Master, |shop| shop.integration_tests("tests/quick")))
            .has_diagnostic("stand in place of those of its gate");
        let other = shop().gate("tests/integration", SigningKey::fingerprint("f".repeat(40)));
        planned(&gated(), other).has_diagnostic("was given another `shop` than the pipeline builds");
        let live = deployment("shop-live", &gated()).environment(production());
        plan(Pipeline::new("p").job(shop()).job(live)).has_diagnostic("was given another `shop`");
        let short = || shop().gate("tests/integration", SigningKey::fingerprint("3E2F6A80"));
        planned(&short(), short()).has_diagnostic("`3E2F6A80` is not the fingerprint of an OpenPGP key");
        let mut within = None;
        let _ = shop().on(Master, |shop| {
            within = Some(shop.clone().gate("tests/integration", key()));
            shop
        });
        planned(&gated(), within.unwrap()).has_diagnostic("`.gate(…)` stands inside `.on(Master, …)`");
    }

    #[test]
    fn mistakes_between_jobs_are_found() {
        let pipeline = Pipeline::new("p").job(library("money").pytest().upload()).job(deployment("live", "money"));
        plan(pipeline).has_diagnostic("`live` deploys `money`, which is no application");
        let unpublished = application("shop").integration_tests("tests");
        plan(Pipeline::new("p").job(unpublished).job(live())).has_diagnostic("`shop`, which publishes nothing");
        let idle = shop().deb(Deb::new());
        plan(Pipeline::new("p").job(idle).job(live())).has_diagnostic("`shop`, whose package has no service");
        let money = library("money").pytest().upload().downstream(["shop-live"]);
        plan(Pipeline::new("p").job(money).job(shop()).job(live()))
            .has_diagnostic("a deployment follows the promotion");
        let testing = || Environment::new("testing", Develop).host("local").port(8000);
        let again = deployment("again", "shop").environment(testing());
        plan(Pipeline::new("p").job(shop()).job(live()).job(again.clone()))
            .has_diagnostic("`again` and `shop-live` both deploy `shop` to `testing`");
        let other = deployment("other", "shop").environment(Environment::new("demo", Develop).host("local").port(8000));
        plan(Pipeline::new("p").job(shop()).job(again).job(other))
            .has_diagnostic("port 8000 belongs to two environments: `testing` and `demo`");
    }
}
