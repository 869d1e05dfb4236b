//! Seeded bugs: each patch of `tests/mutants` is one that somebody could write, and its first line says which. Simulation has to
//! find them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tests::root;

/// What is copied of the repository: the library, and the pipeline that is simulated.
const COPIED: [&str; 2] = ["gopythongo", "examples/storefront"];

/// A package beside the copies with nothing but the search.
const MANIFEST: &str = "[package]
name = \"mutated\"
version = \"0.1.0\"
edition = \"2024\"

[lib]
path = \"lib.rs\"

[dependencies]
gopythongo.workspace = true
";

const SEARCH: &str = "//! The search, in a copy of the library with a bug.
#[cfg(test)]
#[path = \"../examples/storefront/pipeline.rs\"]
mod storefront;

/// A shop whose environment takes what somebody approved.
#[cfg(test)]
fn guarded() -> gopythongo::prelude::Pipeline {
    use gopythongo::prelude::*;
    let shop = application(\"shop\").source(\"shop\").virtualenv(\"/opt/shop\");
    let shop = shop.deb(Deb::new().service(Service::gunicorn(\"shop:app\"))).publish();
    let shop = shop.gate(\"tests\", SigningKey::fingerprint(\"0123456789ABCDEF0123456789ABCDEF01234567\"));
    let preview = Environment::new(\"preview\", Develop).host(\"local\").protected();
    let live = deployment(\"live\", &shop).environment(preview);
    Pipeline::new(\"guarded\").default_kind(Develop).job(shop).job(live)
}

#[test]
fn search() {
    for pipeline in [storefront::pipeline(), guarded()] {
        println!(\"nothing was found: {}\", gopythongo::testing::simulate(pipeline).exhaustive(2));
    }
}
";

#[test]
fn there_are_bugs_and_all_of_them_can_be_planted() {
    let patches = patches();
    assert!(patches.len() >= 10, "{patches:?}");
    for patch in patches {
        let applies =
            Command::new("git").args(["apply", "--check"]).arg(&patch).current_dir(root()).output().expect("git");
        assert!(applies.status.success(), "{}: {}", patch.display(), String::from_utf8_lossy(&applies.stderr));
    }
}

/// What takes minutes: left out of a usual run of the suite, part of `cargo xtask test --all`.
mod slow {
    use super::{missed, patches};

    #[test]
    fn every_seeded_bug_is_found_and_its_schedule_told() {
        let missed: Vec<String> = patches().iter().filter_map(|patch| missed(patch)).collect();
        assert!(missed.is_empty(), "{}", missed.join("\n\n"));
    }
}

fn patches() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/mutants")).expect("the patches are there");
    let mut patches: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    patches.sort();
    patches
}

/// Why a bug was not found, if it was not.
fn missed(patch: &Path) -> Option<String> {
    let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let copy = copied();
    let applied = Command::new("git")
        .args(["apply", "--whitespace=nowarn"])
        .arg(patch)
        .current_dir(&copy)
        // the copy is no part of the repository around it
        .env("GIT_CEILING_DIRECTORIES", root().join("target"))
        .output()
        .expect("git");
    if !applied.status.success() {
        return Some(format!(
            "{name}: the patch does not apply any more: {}",
            String::from_utf8_lossy(&applied.stderr)
        ));
    }
    let searched = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--quiet", "--package", "mutated", "search"])
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", root().join("target"))
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        // a build script that looks at it would run again for each copy
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .expect("cargo");
    let said = [searched.stdout, searched.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    println!(
        "== {name}\n{}",
        said.lines().filter(|line| !line.trim().is_empty()).take(12).collect::<Vec<_>>().join("\n")
    );
    (searched.status.success() || !said.contains("\nschedule: ")).then(|| format!("{name}: {said}"))
}

/// A fresh copy, at the same place each time: what does not change is not compiled again.
fn copied() -> PathBuf {
    let copy = root().join("target/mutated");
    let _ = fs::remove_dir_all(&copy);
    for directory in COPIED {
        let target = copy.join(directory);
        fs::create_dir_all(target.parent().expect("it is below the copy")).expect("space");
        gopythongo::support::copy_tree(&root().join(directory), &target).expect("space");
    }
    fs::copy(root().join("Cargo.lock"), copy.join("Cargo.lock")).expect("space");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let members = "members = [\"gopythongo\", \"examples/*\", \"tests\", \"xtask\"]";
    assert!(manifest.contains(members), "the workspace has other members");
    let manifest = manifest.replace(members, "members = [\"gopythongo\", \"examples/*\", \"mutated\"]");
    fs::write(copy.join("Cargo.toml"), manifest).expect("space");
    fs::create_dir(copy.join("mutated")).expect("space");
    fs::write(copy.join("mutated/Cargo.toml"), MANIFEST).expect("space");
    fs::write(copy.join("mutated/lib.rs"), SEARCH).expect("space");
    copy
}
