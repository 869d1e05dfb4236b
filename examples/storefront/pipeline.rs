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
        plan(pipeline()).kind(PullRequest).has_no_effects();
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
    fn whatever_goes_wrong_nothing_is_lost_doubled_or_untested() {
        let explored = simulate(pipeline()).exhaustive(2);
        println!("{explored}");
    }
}
