//! An example that was copied into an empty repository, as the README says, works there.

use std::{fs, path::Path, process::Command};

use tests::{Outcome, root};

use crate::transcript::blocks;

#[test]
fn a_copy_of_the_storefront_works_in_a_repository_of_its_own() {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let [recipe] = blocks(&readme, "sh").try_into().expect("one recipe in the README");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let shell = |script: &str, place: &Path| Outcome::of(&sh(script, place).output().expect("sh"));

    let copied = shell(&recipe, directory.path()).ends_with(0);
    assert!(copied.stdout.contains("⇡ promote"), "the recipe ends with a plan:\n{}", copied.stdout);

    let shop = directory.path().join("shop");
    let check = shell("cargo run --quiet -- check", &shop).ends_with(0);
    assert!(check.stdout.contains("nothing is missing"), "{}", check.stdout);
    let run = shell("cargo run --quiet -- run money --quiet", &shop).ends_with(0);
    assert!(!run.stderr.contains("hashing"), "the profile was not copied:\n{}", run.stderr);
    assert!(shell("git status --porcelain", &shop).ends_with(0).stdout.is_empty(), "the copy ignores what it makes");
    shell("cargo test --quiet", &shop).ends_with(0);
}

#[test]
fn all_examples_bring_what_a_copy_needs() {
    let examples = root().join("examples");
    for file in [".gitignore", "rust-toolchain.toml", ".cargo/config.toml"] {
        let text = |example: &str| fs::read_to_string(examples.join(example).join(file)).expect(file);
        assert_eq!(text("storefront"), text("pallets"), "{file}");
    }
    let here = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let copied = fs::read_to_string(examples.join("storefront/.cargo/config.toml")).expect("a configuration");
    assert!(here.ends_with(&copied), "the profile of the examples is not the one that is measured here");
}

/// A shell that compiles only what this checkout's own build has not compiled, and leaves its programs alone.
fn sh(script: &str, directory: &Path) -> Command {
    let own = std::env::current_exe().expect("our own path");
    // target/debug/deps/chain-… -> target
    let target = own.ancestors().nth(3).expect("a target directory");
    let mut command = Command::new("sh");
    command.args(["-euc", script]).current_dir(directory);
    let cargos = |name: &str| name.starts_with("CARGO_") && name != "CARGO_HOME";
    std::env::vars().filter(|(name, _)| cargos(name) || name == "CI").for_each(|(name, _)| {
        command.env_remove(name);
    });
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@localhost");
    }
    command
        .env("GOPYTHONGO", root())
        .env("CARGO_BUILD_BUILD_DIR", target)
        .env("CARGO_TARGET_DIR", target.join("copied"));
    command
}
