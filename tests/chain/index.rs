//! The served index, asked by real clients: what they get, and what they cannot be made to take.

use tests::{Example, Outcome, Python, Served};

/// What both clients must end with.
fn has_our_packages(python: &Python) {
    assert_eq!(python.version("money").as_deref(), Some("1.5.0.dev1"));
    assert_eq!(python.version("catalog").as_deref(), Some("0.3.0.dev1"));
    assert!(
        python.version("attrs").is_some() && python.version("sortedcontainers").is_some(),
        "the rest is upstream's"
    );
    let _ = python.run("python", &["-c", "import catalog, money; print(money.Money(1, 'EUR'))"]).ends_with(0);
}

#[test]
fn pip_installs_our_packages_and_the_rest_from_upstream() {
    let storefront = Example::promoted_storefront();
    let served = Served::of(&storefront);
    let python = Python::new();
    let _ = python.pip(&served.index, &["--pre", "catalog"]).ends_with(0);
    has_our_packages(&python);
}

#[test]
fn uv_installs_our_packages_and_the_rest_from_upstream() {
    let storefront = Example::promoted_storefront();
    let served = Served::of(&storefront);
    let python = Python::with(&["uv"]);
    let arguments =
        ["pip", "install", "--no-config", "--default-index", &served.index, "--prerelease", "allow", "catalog"];
    let mut command = python.command("uv");
    command.args(arguments).env("VIRTUAL_ENV", python.path("env")).env("UV_CACHE_DIR", python.path("cache"));
    let _ = Outcome::of(&command.output().expect("uv starts")).ends_with(0);
    has_our_packages(&python);
}

#[test]
fn a_public_package_cannot_stand_in_for_one_that_the_pipeline_declares() {
    let storefront = Example::promoted_storefront();
    let served = Served::of(&storefront);
    let python = Python::new();
    // names that strangers have taken on the public index: otherwise this test would show nothing
    for (name, job) in [("money", "a library"), ("shop", "an application, which is never uploaded")] {
        let public = python.run("pip", &["index", "versions", name]).ends_with(0);
        let version = public.stdout.split(['(', ')']).nth(1).expect("`name (version)`").to_owned();
        let wanted = format!("{name}=={version}");
        for arguments in [[wanted.as_str(), "--no-deps"], [name, "--no-deps"]] {
            let before = python.version(name);
            let _ = python.pip(&served.index, &arguments);
            let installed = python.version(name);
            assert_ne!(installed.as_deref(), Some(version.as_str()), "{job}: pip took the public `{wanted}`");
            assert!(installed == before || installed.as_deref() == Some("1.5.0.dev1"), "{job}: {installed:?}");
        }
    }
}

#[test]
fn a_run_is_not_misled_by_the_public_package_either() {
    let storefront = Example::promoted_storefront();
    // no version of ours satisfies this; a public one does
    storefront.edit("apps/shop/pyproject.toml", "money>=1.5.0.dev0", "money<1.5.0.dev0");
    storefront.commit("Ask for what strangers have published");
    let run = storefront.build(&["--json"]).ends_with(1);
    assert_eq!(run.steps().get("shop/resolve").map(String::as_str), Some("failed"), "{:?}", run.steps());
}

#[test]
fn a_port_that_is_taken_is_named() {
    let storefront = Example::promoted_storefront();
    let served = Served::of(&storefront);
    let second = storefront.run(&["serve", "--port", served.port()]).ends_with(3);
    assert!(second.stderr.contains(served.port()), "{}", second.stderr);
}
