//! Checkouts as they are: no repository, no git, a detached or shallow one, odd names.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use tests::{Example, Outcome, building};

#[test]
fn a_copied_checkout_with_a_copied_state_executes_nothing() {
    // every test that begins with a promoted storefront relies on it, so it is said once
    let storefront = Example::promoted_storefront();
    assert_eq!(storefront.build(&["--json"]).ends_with(0).executed(), Vec::<String>::new());
}

#[test]
fn names_with_spaces_and_letters_beyond_ascii_are_no_matter() {
    let storefront = Example::storefront_at("Käse & Brot – shop 日本");
    // the state at its usual place, so that everything is below such a name
    let run = |arguments: &[&str]| {
        let output = storefront.command(arguments).env_remove("GOPYTHONGO_STATE").output().expect("the program starts");
        Outcome::of(&output)
    };
    let first = run(&building(&["--json"])).ends_with(0);
    assert!(first.tests_passed() >= 170, "{}", first.tests_passed());
    assert!(storefront.path().join(".gopythongo/storefront/store").is_dir());
    assert_eq!(storefront.git(&["status", "--porcelain"]), "", "version control leaves the state alone");
    assert_eq!(run(&building(&["--json"])).ends_with(0).executed(), Vec::<String>::new());
}

#[test]
fn a_detached_head_is_built_as_the_default_kind() {
    let storefront = Example::promoted_storefront();
    storefront.git(&["checkout", "--quiet", "--detach"]);
    let run = storefront.build(&["--json"]).ends_with(0);
    assert_eq!(run.executed(), Vec::<String>::new());
}

#[test]
fn a_tree_without_a_repository_is_built_as_the_default_kind() {
    let storefront = Example::promoted_storefront();
    fs::remove_dir_all(storefront.path().join(".git")).expect("removed");
    let run = storefront.build(&["--json"]).ends_with(0);
    let steps = run.steps();
    assert!(steps.values().all(|outcome| outcome != "failed"), "{steps:?}");
}

#[test]
fn a_repository_without_a_commit_is_built() {
    let storefront = Example::promoted_storefront();
    fs::remove_dir_all(storefront.path().join(".git")).expect("removed");
    storefront.git(&["init", "--quiet", "--initial-branch", "develop"]);
    let _ = storefront.build(&["--json"]).ends_with(0);
}

#[test]
fn without_git_on_the_path_the_default_kind_is_built_or_git_is_named() {
    let storefront = Example::promoted_storefront();
    let programs = storefront.directory().join("programs");
    link_programs(&programs, &["git"]);
    let output = storefront.command(&building(&[])).env("PATH", &programs).output().expect("the program starts");
    let run = Outcome::of(&output);
    assert!(
        run.code == 0 || run.code == 3 && run.stderr.contains("`git` is not on PATH"),
        "exit code {}:\n{}\n{}",
        run.code,
        run.stdout,
        run.stderr
    );
}

#[test]
fn a_shallow_clone_builds_what_needs_no_history_and_says_what_does() {
    let storefront = Example::promoted_storefront();
    storefront.edit("libs/money/src/money/rounding.py", "a unit is positive, not", "a unit must be positive, not");
    storefront.commit("Say it better");
    let clone = storefront.directory().join("clone");
    let url = format!("file://{}", storefront.path().display());
    let status = Command::new("git")
        .args(["clone", "--quiet", "--depth", "1", "--branch", "develop", &url])
        .arg(&clone)
        .status()
        .expect("git");
    assert!(status.success());
    let output = storefront.command(&building(&[])).current_dir(&clone).output().expect("the program starts");
    let run = Outcome::of(&output).ends_with(0);
    // a depth of one counts one commit: the number is taken already, and the store gives the next free one
    assert_eq!(storefront.promoted().develop("money"), Some("1.5.0.dev2"), "{}", run.stderr);
}

/// A directory of links to all programs on PATH but some.
fn link_programs(to: &Path, without: &[&str]) {
    fs::create_dir_all(to).expect("made");
    let path = std::env::var_os("PATH").unwrap_or_default();
    for directory in std::env::split_paths(&path) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if !without.iter().any(|without| name == *without) {
                // the first one on PATH wins, as it does in a shell
                let _ = symlink(entry.path(), to.join(name));
            }
        }
    }
}
