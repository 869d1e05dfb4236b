//! The rules of the house that no compiler checks.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};

use crate::command::{cargo, output, root};

/// The crates that a user of the library compiles, at most.
const CRATES: usize = 130;
/// Crates that must be there in one version only: each costs seconds.
const SINGLE: [&str; 4] = ["syn", "sha2", "rustix", "quick-xml"];
/// Lines that a Rust file has at most.
const LINES: usize = 1000;
/// What may stand at the top, beside dot-files.
const TOP: [&str; 9] = [
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "examples",
    "gopythongo",
    "tests",
    "xtask",
];

/// Checks all rules; gives what is broken, a sentence each.
pub(crate) fn check() -> Result<Vec<String>> {
    let mut broken = closure()?;
    let files = output(std::process::Command::new("git").args(["ls-files"]).current_dir(root()))?;
    for file in files.lines() {
        let top = file.split('/').next().unwrap_or_default();
        if !top.starts_with('.') && !TOP.contains(&top) {
            broken.push(format!("{file}: nothing but {} stands at the top", TOP.join(", ")));
        }
        broken.extend(text(file)?);
    }
    Ok(broken)
}

/// Prints what is broken; gives whether nothing is.
pub(crate) fn report(broken: &[String]) -> bool {
    for sentence in broken {
        println!("tidy: {sentence}");
    }
    broken.is_empty()
}

fn text(file: &str) -> Result<Vec<String>> {
    let path = root().join(file);
    // a file that is deleted but not yet committed is no file
    if file.ends_with("Cargo.lock") || !path.is_file() {
        return Ok(Vec::new());
    }
    let Ok(text) = fs::read_to_string(&path) else { return Ok(Vec::new()) };
    let mut broken = Vec::new();
    // written apart, so that this file keeps its own rule
    let hosts = [
        ["py", "pi.org"].concat(),
        ["python", "hosted.org"].concat(),
        ["crates", ".io"].concat(),
        ["npm", "js.org"].concat(),
        ["deb.", "debian.org"].concat(),
    ];
    for (number, line) in text.lines().enumerate() {
        if let Some(host) = hosts.iter().find(|host| line.contains(host.as_str())) {
            broken.push(format!("{file}:{}: names the registry `{host}`", number + 1));
        }
    }
    if Path::new(file).extension().is_some_and(|extension| extension == "rs") {
        let lines = text.lines().count();
        if lines > LINES {
            broken.push(format!("{file}: {lines} lines, more than {LINES}"));
        }
        if !text.starts_with("//!") && !text.starts_with("#!") {
            broken.push(format!("{file}: the first line does not say what the file is (`//! …`)"));
        }
    }
    Ok(broken)
}

fn closure() -> Result<Vec<String>> {
    let tree = output(cargo().args([
        "tree",
        "--package",
        "pipeline",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--locked",
    ]))
    .context("cannot list the crates of `pipeline`")?;
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            let known = versions.entry(name).or_default();
            if !known.contains(&version) {
                known.push(version);
            }
        }
    }
    let crates: usize = versions.values().map(Vec::len).sum();
    let mut broken = Vec::new();
    if crates > CRATES {
        broken.push(format!("Cargo.toml: `pipeline` needs {crates} crates, more than {CRATES}"));
    }
    for name in SINGLE {
        if let Some(versions) = versions.get(name).filter(|versions| versions.len() > 1) {
            broken.push(format!("Cargo.toml: `{name}` is there in {}", versions.join(" and ")));
        }
    }
    Ok(broken)
}
