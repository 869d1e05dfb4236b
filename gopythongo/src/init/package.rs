//! The package around `pipeline.rs`: its manifest, the workspace that it is in, and what a copy of an example brings.

use std::{
    fs,
    path::{Path, PathBuf},
};

use toml::Spanned;

use super::{CrateSource, Files, InitError, Repository, manifest::Manifest, program::program};
use crate::context::git;

/// The directory of the package, and its name.
const PACKAGE: &str = "pipeline";
/// What every copy of an example brings: one text for all.
const PROFILE: &str = include_str!("../../../examples/storefront/.cargo/config.toml");
const TOOLCHAIN: &str = include_str!("../../../examples/storefront/rust-toolchain.toml");
const IGNORED: &str = include_str!("../../../examples/storefront/.gitignore");

/// What cargo finds around the new package.
enum Ground {
    /// Nothing: the repository's top becomes a workspace.
    Bare,
    /// A workspace, which it joins.
    Workspace(Manifest),
    /// A package that is in no workspace, and is left alone.
    Package,
}

/// Makes all the files of a pipeline for a repository, in memory.
///
/// # Errors
/// When one that would be written is there, or a manifest cannot be read or extended.
pub(crate) fn package(repository: &Repository, source: &CrateSource) -> Result<Files, InitError> {
    let top = &repository.top;
    let directory = top.join(PACKAGE);
    let ground = Ground::of(top)?;
    refuse_another(top, &ground)?;
    let mut files = Files::new(top);
    files.add(directory.join("pipeline.rs"), program(repository))?;
    let mut manifest = manifest(&source.dependency(&directory, top));
    match &ground {
        Ground::Bare => {
            let text =
                format!("# Cargo's, for the delivery in `pipeline/`; Python does not read it.\n{WORKSPACE}\n{PROFILE}");
            files.add(top.join("Cargo.toml"), text)?;
            files.add_lines(top.join(".gitignore"), IGNORED)?;
            files.add_if_missing(top.join("rust-toolchain.toml"), TOOLCHAIN);
            if let Some(lock) = source.lock() {
                let text = fs::read_to_string(&lock).map_err(InitError::io("read", &lock))?;
                files.add_if_missing(top.join("Cargo.lock"), text);
            }
        }
        Ground::Workspace(workspace) => {
            let member = directory.strip_prefix(workspace.directory()).unwrap_or(&directory);
            if let Some(text) = joined(workspace, &member.display().to_string())? {
                files.grow(workspace.path.clone(), text);
            }
        }
        Ground::Package => {
            manifest = format!("{manifest}\n[workspace]\n\n{PROFILE}");
            files.add(directory.join(".gitignore"), IGNORED)?;
        }
    }
    files.add(directory.join("Cargo.toml"), manifest)?;
    Ok(files)
}

const WORKSPACE: &str = "[workspace]\nresolver = \"3\"\nmembers = [\"pipeline\"]\n";

fn manifest(dependency: &str) -> String {
    format!(
        "[package]\nname = \"{PACKAGE}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n[[bin]]\nname = \"{PACKAGE}\"\n\
         path = \"pipeline.rs\"\n\n[dependencies]\ngopythongo = {dependency}\n"
    )
}

impl Ground {
    /// Looks upwards to the top of the git repository.
    fn of(top: &Path) -> Result<Self, InitError> {
        let last = git::toplevel(top).unwrap_or_else(|| top.to_owned());
        let mut is_package = false;
        for directory in top.ancestors().take_while(|directory| directory.starts_with(&last)) {
            match Manifest::of(directory)? {
                Some(manifest) if manifest.is_workspace() => return Ok(Self::Workspace(manifest)),
                Some(_) if directory == top => is_package = true,
                _ => {}
            }
        }
        Ok(if is_package { Self::Package } else { Self::Bare })
    }
}

/// A repository has one pipeline, unless somebody writes a second one on purpose.
fn refuse_another(top: &Path, ground: &Ground) -> Result<(), InitError> {
    let mut places: Vec<PathBuf> = vec![top.to_owned(), top.join(PACKAGE)];
    if let Ground::Workspace(workspace) = ground {
        places.extend(workspace.members());
    }
    for place in places {
        let Some(manifest) = Manifest::of(&place)? else { continue };
        if manifest.is_pipeline() || manifest.package() == Some(PACKAGE) {
            let message = format!("`{}` is a pipeline already: nothing was written", manifest.path.display());
            return Err(InitError::refused(message).hint("`gopythongo plan` shows what it does"));
        }
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct Members {
    workspace: WithMembers,
}

#[derive(serde::Deserialize)]
struct WithMembers {
    members: Option<Spanned<Vec<Spanned<String>>>>,
}

/// The manifest of a workspace with a member and what makes hashing fast; `None` where both are there.
fn joined(workspace: &Manifest, member: &str) -> Result<Option<String>, InitError> {
    let by_hand = |why: &str| {
        InitError::usage(format!("cannot add a member to `{}`: {why}", workspace.path.display()))
            .hint(format!("add `{member:?}` to `members` under `[workspace]`, then say it again"))
    };
    let mut text = workspace.text.clone();
    if !workspace.has_member(member) {
        let parsed: Members = toml::from_str(&text).map_err(|error| by_hand(error.message()))?;
        match &parsed.workspace.members {
            Some(members) => match members.get_ref().last() {
                Some(last) => {
                    let line = text[..last.span().start].rfind('\n').map_or(0, |end| end + 1);
                    let before = &text[line..last.span().start];
                    let is_alone = before.trim().is_empty();
                    let separator = if is_alone { format!(",\n{before}") } else { ", ".to_owned() };
                    text.insert_str(last.span().end, &format!("{separator}{member:?}"));
                }
                None => text.replace_range(members.span(), &format!("[{member:?}]")),
            },
            None => {
                let header = text.lines().find(|line| line.trim() == "[workspace]");
                let header = header.ok_or_else(|| by_hand("it has no line `[workspace]`"))?.to_owned();
                text = text.replacen(&header, &format!("{header}\nmembers = [{member:?}]"), 1);
            }
        }
    }
    let sections: Vec<(&str, &str)> = profile_sections().filter(|(name, _)| !workspace.has_profile_of(name)).collect();
    if !sections.is_empty() {
        text = format!("{}\n\n# a debug build hashes at 20 MB/s without these\n", text.trim_end());
        text.extend(sections.iter().map(|(_, section)| *section));
    }
    let after =
        Manifest::parse(workspace.path.clone(), text).map_err(|_| by_hand("it is written in an unusual way"))?;
    if !after.has_member(member) {
        return Err(by_hand("it is written in an unusual way"));
    }
    Ok((after.text != workspace.text).then_some(after.text))
}

/// The tables of the profile that are for one crate each, by its name.
fn profile_sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    const START: &str = "[profile.dev.package.";
    PROFILE.match_indices(START).filter_map(|(at, _)| {
        let rest = &PROFILE[at..];
        let end = rest[1..].find('[').map_or(rest.len(), |end| end + 1);
        let name = rest[START.len()..].split(']').next()?;
        (!name.starts_with('"')).then(|| (name, &rest[..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    const MONEY: (&str, &str) = ("libs/money/pyproject.toml", "[project]\nname = 'money'\nversion = '1.0'\n");

    fn files(planted: &[(&str, &str)]) -> Result<String, InitError> {
        let directory = tree(&[&[MONEY], planted].concat());
        let repository = Repository::look(directory.path())?;
        package(&repository, &CrateSource::Version("0.1".to_owned())).map(|files| files.print())
    }

    #[track_caller]
    fn check_joined(before: &str, expect: &str) {
        let manifest = Manifest::parse("/x/Cargo.toml".into(), before.to_owned()).expect("TOML");
        let after = joined(&manifest, "pipeline").expect("joined").expect("changed");
        let (members, profile) = after.split_once("\n\n# a debug build").expect("a profile");
        assert_eq!(members, expect);
        for name in ["sha2", "md-5", "miniz_oxide", "crc32fast", "simd-adler32"] {
            assert!(profile.contains(&format!("[profile.dev.package.{name}]\nopt-level = 3\n")), "{profile}");
        }
    }

    #[test]
    fn a_workspace_keeps_what_it_says_and_gets_a_member() {
        check_joined("[workspace]\nmembers = [\"a\"] # ours\n", "[workspace]\nmembers = [\"a\", \"pipeline\"] # ours");
        check_joined("[workspace]\nmembers = [\n  \"a\",\n  \"b\",\n]\n", {
            "[workspace]\nmembers = [\n  \"a\",\n  \"b\",\n  \"pipeline\",\n]"
        });
        check_joined("[workspace]\nmembers = []\n", "[workspace]\nmembers = [\"pipeline\"]");
        check_joined("[workspace]\n\n[package]\nname = \"x\"\n", {
            "[workspace]\nmembers = [\"pipeline\"]\n\n[package]\nname = \"x\""
        });
        check_joined("[workspace]\nmembers = [\"*\"]\n", "[workspace]\nmembers = [\"*\"]");
    }

    #[test]
    fn a_workspace_that_has_everything_is_left_alone() {
        let text = format!("[workspace]\nmembers = [\"pipeline\"]\n\n{PROFILE}");
        let manifest = Manifest::parse("/x/Cargo.toml".into(), text).expect("TOML");
        assert_eq!(joined(&manifest, "pipeline"), Ok(None));
    }

    #[test]
    fn a_bare_repository_becomes_a_workspace() {
        let printed = files(&[(".gitignore", "*.pyc\n")]).expect("files");
        let names: Vec<&str> =
            printed.lines().filter_map(|line| line.strip_prefix("==> ")?.strip_suffix(" <==")).collect();
        assert_eq!(
            names,
            [
                "pipeline/pipeline.rs",
                "Cargo.toml",
                ".gitignore (there already, with this added)",
                "rust-toolchain.toml",
                "pipeline/Cargo.toml",
            ]
        );
        assert!(printed.contains("members = [\"pipeline\"]") && printed.contains("gopythongo = \"0.1\""), "{printed}");
    }

    #[test]
    fn a_package_without_a_workspace_is_left_alone() {
        let printed = files(&[("Cargo.toml", "[package]\nname = 'native'\n")]).expect("files");
        assert!(!printed.contains("==> Cargo.toml"), "{printed}");
        assert!(printed.contains("\n[workspace]\n") && printed.contains("==> pipeline/.gitignore <=="), "{printed}");
    }

    #[test]
    fn a_pipeline_that_is_there_stays() {
        let package = "[package]\nname = 'delivery'\n[[bin]]\nname = 'x'\n[dependencies]\ngopythongo = '0.1'\n";
        let workspace = ("Cargo.toml", "[workspace]\nmembers = ['tools/*']\n");
        let error = files(&[workspace, ("tools/delivery/Cargo.toml", package)]).expect_err("a pipeline");
        assert!(error.message.contains("tools/delivery/Cargo.toml` is a pipeline already"), "{error}");
        let error = files(&[("pipeline/pipeline.rs", "")]).expect_err("a file");
        assert!(error.message.starts_with("`pipeline/pipeline.rs` is there already"), "{error}");
    }
}
