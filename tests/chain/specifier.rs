//! Consumers whose requirements exclude what is staged for them.

use tests::Example;

#[test]
fn a_consumer_that_excludes_the_staged_version_is_told_what_would_work() {
    let storefront = Example::promoted_storefront();
    let before = storefront.promoted();
    storefront.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    storefront.edit("apps/shop/pyproject.toml", "money>=1.5.0.dev0", "money>=1.5");
    storefront.commit("Ask for a release that is not there yet");
    let run = storefront.build(&[]).ends_with(1);
    for text in ["money>=1.5", "1.5.0.dev2", "money>=1.5.0.dev0"] {
        assert!(run.stderr.contains(text), "`{text}` is not in\n{}", run.stderr);
    }
    assert_eq!(storefront.promoted(), before);
}
