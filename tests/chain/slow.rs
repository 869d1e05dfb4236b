//! What takes minutes: left out of a usual run of the suite, part of `cargo xtask test --all`.

use tests::{Example, building};

use crate::{
    history::replayed,
    kill::{MOMENTS, consistent, finish, killed},
    versions::orders_agree,
};

#[test]
fn each_of_twenty_moments_alone_is_a_moment_at_which_a_run_may_be_killed() {
    let expected = Example::promoted_storefront().promoted();
    // a whole run says about two hundred new things: the moments of all of it, one run for each
    for lines in MOMENTS.map(|moment| moment * 3 / 2) {
        let storefront = Example::storefront();
        let _ = killed(&storefront, &building(&["--json"]), lines);
        consistent(&storefront, &expected);
        finish(&storefront, &expected, 1);
    }
}

#[test]
fn a_hundred_thousand_pairs_have_the_order_of_packaging_dpkg_and_rpm() {
    orders_agree(100_000, 2);
}

#[test]
fn a_hundred_changes_of_click_are_tested_downstream_when_its_wheel_changes_and_only_then() {
    let seen = replayed(100);
    assert!(seen.skipped >= 50 && seen.tested >= 10, "{seen:?}");
}
