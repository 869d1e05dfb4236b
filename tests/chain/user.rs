//! An ordinary user on a machine that has never seen this program.

use tests::{Example, Ordinary, building};

#[test]
fn a_user_without_caches_builds_the_storefront_from_nothing() {
    let storefront = Example::storefront();
    let Some(user) = Ordinary::without_caches(&storefront) else {
        println!("left out: the suite runs as an ordinary user anyway");
        return;
    };
    let check = user.run(&["check"]).ends_with(0);
    assert!(check.stdout.contains("nothing is missing"), "{}", check.stdout);
    let first = user.run(&building(&["--json"])).ends_with(0);
    assert!(first.tests_passed() >= 170, "{}", first.tests_passed());
    let home = user.home().expect("a home");
    assert!(home.join(".cache/gopythongo").is_dir(), "tools and downloads are the user's own");
    assert_eq!(user.run(&building(&["--json"])).ends_with(0).executed(), Vec::<String>::new());
}
