//! A small shop: two libraries, the application that uses both, and where it serves.

use gopythongo::prelude::*;

/// What happens on every push.
pub fn pipeline() -> Pipeline {
    let money = library("money")
        .source("libs/money")
        .flake8()
        .mypy()
        .pytest()
        .coverage_ratchet()
        .upload()
        .downstream(["catalog", "shop"]);

    let catalog =
        library("catalog").source("libs/catalog").flake8().tox().coverage_ratchet().upload().downstream(["shop"]);

    let shop = application("shop")
        .source("apps/shop")
        .integration_tests("tests/integration")
        .virtualenv("/opt/shop")
        .deb(Deb::new().depends("libc6").service(Service::gunicorn("shop:app")))
        .publish();

    let live = deployment("shop-live", "shop")
        .blue_green(BlueGreen::new().health_check("/healthz"))
        .environment(Environment::new("testing", Develop).host("local"))
        .environment(Environment::new("production", Master).host("local").unattended("an example on one machine"));

    Pipeline::new("storefront").default_kind(Develop).job(money).job(catalog).job(shop).job(live)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}

#[cfg(test)]
mod tests {
    use gopythongo::testing::*;

    use super::pipeline;

    #[test]
    fn a_feature_build_publishes_nothing() {
        plan(pipeline()).on_branch("feature/discounts").has_no_effects().runs("shop/integration-tests");
        plan(pipeline()).pull_request("feature/discounts", "develop").has_no_effects();
    }

    #[test]
    fn the_shop_is_tested_against_what_this_run_uploads() {
        plan(pipeline())
            .needs("catalog/tox", "money/upload")
            .needs("shop/integration-tests", "money/upload")
            .needs("shop/integration-tests", "catalog/upload");
    }

    #[test]
    fn what_is_packed_is_what_was_tested() {
        plan(pipeline()).needs("shop/publish", "shop/integration-tests").needs("shop/virtualenv", "money/upload");
    }

    #[test]
    fn nothing_is_promoted_before_everything_has_passed() {
        plan(pipeline()).each(Develop | Release | Hotfix | Master, |plan| plan.needs_everything("promote"));
    }

    #[test]
    fn develop_goes_to_testing_and_master_to_production() {
        plan(pipeline()).kind(Develop).deploys("shop", "testing").does_not_deploy("shop", "production");
        plan(pipeline()).kind(Master).deploys("shop", "production").does_not_deploy("shop", "testing");
        plan(pipeline()).needs("shop-live/switch:testing", "promote");
    }

    #[test]
    fn every_kind_of_build_runs_what_it_should() {
        let expected = "\
on which builds              feature  pull-request  develop  release  hotfix  master
money/flake8                 •        •             •        •        •       •
money/sdist                  •        •             •        •        •       •
money/wheel                  •        •             •        •        •       •
money/resolve                •        •             •        •        •       •
money/mypy                   •        •             •        •        •       •
money/pytest                 •        •             •        •        •       •
money/coverage-ratchet       •        •             •        •        •       •
money/upload                 –        –             ⇡        ⇡        ⇡       ⇡
catalog/flake8               •        •             •        •        •       •
catalog/sdist                •        •             •        •        •       •
catalog/wheel                •        •             •        •        •       •
catalog/tox                  •        •             •        •        •       •
catalog/coverage-ratchet     •        •             •        •        •       •
catalog/upload               –        –             ⇡        ⇡        ⇡       ⇡
shop/sdist                   •        •             •        •        •       •
shop/wheel                   •        •             •        •        •       •
shop/resolve                 •        •             •        •        •       •
shop/integration-tests       •        •             •        •        •       •
shop/virtualenv              –        –             •        •        •       •
shop/deb                     –        –             •        •        •       •
shop/publish                 –        –             ⇡        ⇡        ⇡       ⇡
shop-live/switch:testing     –        –             ⇡        –        –       –
shop-live/switch:production  –        –             –        –        –       ⇡
promote                      –        –             ⇡        ⇡        ⇡       ⇡

• runs, ⇡ is an effect, – is skipped
";
        assert_eq!(plan(pipeline()).is_valid().matrix(), expected);
    }

    #[test]
    fn on_every_branch_what_is_uploaded_was_tested() {
        for_all_branches(pipeline(), |plan| {
            plan.needs("money/coverage-ratchet", "money/pytest").runs("catalog/tox").runs("shop/integration-tests")
        });
    }

    #[test]
    fn a_stranger_changes_nothing() {
        plan(pipeline()).from_fork().has_no_effects().simulate().run().promotes_nothing();
    }

    #[test]
    fn a_release_is_a_tag_or_a_push_to_master() {
        for build in [plan(pipeline()).on_tag("v1.0.0"), plan(pipeline()).kind(Master)] {
            build.simulate().run().shows("money", "1.0.0").is_live("shop", "production", "1.0.0-1");
        }
        let candidate = simulate(pipeline()).on_branch("release/1.0.0").run();
        candidate.shows("money", "1.0.0rc1").is_not_live("shop", "testing").is_not_live("shop", "production");
    }

    #[test]
    fn a_push_to_develop_goes_live_in_testing_at_once() {
        simulate(pipeline())
            .run()
            .promotes(["money", "catalog", "shop"])
            .shows("shop", "1.0.0~dev1")
            .is_live("shop", "testing", "1.0.0~dev1")
            .is_not_live("shop", "production");
    }

    #[test]
    fn a_run_that_finds_everything_done_does_nothing() {
        let again = simulate(pipeline()).run().run();
        again
            .finds_done("catalog/tox")
            .finds_done("promote")
            .finds_done("shop-live/switch:testing")
            .holds(|seen| seen.promotions() == 1);
    }

    #[test]
    fn a_library_that_breaks_another_reaches_nobody() {
        let broken = simulate(pipeline()).run().changes("money").fails("catalog/tox").run();
        broken
            .stages("money")
            .promotes_nothing()
            .does_not_begin("shop/integration-tests")
            .is_live("shop", "testing", "1.0.0~dev1")
            .resume()
            .finds_done("money/pytest")
            .promotes(["money", "shop"])
            .is_live("shop", "testing", "1.0.0~dev2");
    }

    #[test]
    fn what_serves_is_what_was_tested_and_promoted() {
        let twice = simulate(pipeline()).run().changes("money").run().promotes(["money", "shop"]);
        twice.holds(|seen| seen.live("shop", "testing") == seen.promoted("shop"));
    }

    #[test]
    fn nobody_sees_a_part_of_a_set() {
        let whole = |seen: &Seen<'_>| {
            let versions =
                ["money", "catalog", "shop"].map(|package| seen.promoted(package).map(|found| found.replace('~', ".")));
            versions[0] == versions[1] && versions[1] == versions[2]
        };
        let all_changed = simulate(pipeline()).run().changes("money").changes("catalog").changes("shop");
        all_changed.always("the packages change together", whole).dies_after("catalog/upload").run().resume();
    }

    #[test]
    fn what_runs_again_says_why() {
        simulate(pipeline())
            .run()
            .changes("money")
            .run()
            .because("money/flake8", "the source changed")
            .because("catalog/tox", "money")
            .because("catalog/flake8", "nothing that it reads has changed")
            .because("shop-live/switch:production", "not on develop builds");
    }

    #[test]
    fn coverage_does_not_fall() {
        simulate(pipeline())
            .run()
            .coverage("money", 81.0)
            .changes("money")
            .run()
            .has_failed("money/coverage-ratchet")
            .promotes_nothing();
    }

    #[test]
    fn a_version_that_does_not_get_healthy_serves_nobody() {
        let ill = simulate(pipeline()).run().changes("shop").fails("shop-live/switch:testing").run();
        ill.promotes(["shop"]).is_live("shop", "testing", "1.0.0~dev1").resume().is_live(
            "shop",
            "testing",
            "1.0.0~dev2",
        );
    }

    #[test]
    fn a_run_that_is_killed_goes_on_and_does_nothing_twice() {
        for step in ["money/upload", "shop/publish", "promote", "shop-live/switch:testing"] {
            for killed in [simulate(pipeline()).dies_after(step), simulate(pipeline()).loses_answer(step)] {
                killed.run().resume().finds_done(step).holds(|seen| {
                    seen.promotions() == 1 && seen.live("shop", "testing").as_deref() == Some("1.0.0~dev1")
                });
            }
        }
    }
}
