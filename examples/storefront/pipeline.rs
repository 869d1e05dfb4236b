//! A small shop: two libraries, and the application that uses both.

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

    let shop = application("shop").source("apps/shop").integration_tests("tests/integration");

    Pipeline::new("storefront").default_kind(Develop).job(money).job(catalog).job(shop)
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
    fn nothing_is_promoted_before_everything_has_passed() {
        plan(pipeline()).each(Develop | Release | Hotfix | Master, |plan| plan.needs_everything("promote"));
    }
}
