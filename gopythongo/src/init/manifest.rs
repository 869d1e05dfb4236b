//! Cargo's manifests, as far as pipelines and workspaces are concerned.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use glob::Pattern;
use toml::{Table, Value};

use super::InitError;
use crate::python::project::{texts, unreadable_toml};

/// A `Cargo.toml`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Manifest {
    /// Where it is.
    pub(super) path: PathBuf,
    /// As written.
    pub(super) text: String,
    table: Table,
}

impl Manifest {
    /// Reads the manifest of a directory; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn of(directory: &Path) -> Result<Option<Self>, InitError> {
        let path = directory.join("Cargo.toml");
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(path, text).map(Some),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(InitError::io("read", &path)(error)),
        }
    }

    /// Takes a manifest's text in.
    ///
    /// # Errors
    /// When it is no TOML.
    pub(super) fn parse(path: PathBuf, text: String) -> Result<Self, InitError> {
        match text.parse() {
            Ok(table) => Ok(Self { path, text, table }),
            Err(error) => Err(InitError::usage(unreadable_toml(&path, &text, &error))),
        }
    }

    /// Its directory.
    pub(super) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The name of its package, if it has one.
    pub(super) fn package(&self) -> Option<&str> {
        self.table.get("package")?.get("name")?.as_str()
    }

    /// Whether it is that of a workspace.
    pub(super) fn is_workspace(&self) -> bool {
        self.table.contains_key("workspace")
    }

    /// Whether its package is a program that is written with this crate.
    pub(super) fn is_pipeline(&self) -> bool {
        let is_this = |(key, value): (&String, &Value)| {
            value.get("package").and_then(Value::as_str).unwrap_or(key) == env!("CARGO_PKG_NAME")
        };
        let is_program = self.table.contains_key("bin") || self.directory().join("src/main.rs").is_file();
        let dependencies = self.table.get("dependencies").and_then(Value::as_table);
        is_program && self.package().is_some() && dependencies.is_some_and(|table| table.iter().any(is_this))
    }

    /// The program that its package builds: the first one of `[[bin]]`, else the package's name.
    pub(super) fn program(&self) -> Option<&str> {
        let first = self.table.get("bin").and_then(Value::as_array).and_then(|programs| programs.first());
        first.and_then(|program| program.get("name")?.as_str()).or_else(|| self.package())
    }

    /// Whether a table of `[profile.dev.package]` is there.
    pub(super) fn has_profile_of(&self, name: &str) -> bool {
        let packages = self.table.get("profile").and_then(|profile| profile.get("dev")?.get("package"));
        packages.is_some_and(|packages| packages.get(name).is_some())
    }

    /// The directories of a workspace's members.
    pub(super) fn members(&self) -> Vec<PathBuf> {
        let within = |pattern: &str| {
            let base = Pattern::escape(&self.directory().to_string_lossy());
            glob::glob(&format!("{base}/{pattern}")).into_iter().flatten().flatten()
        };
        let mut members: Vec<PathBuf> = self.patterns("members").iter().flat_map(|pattern| within(pattern)).collect();
        let excluded = self.patterns("exclude");
        members.retain(|member| !excluded.iter().any(|path| member.starts_with(self.directory().join(path))));
        members.dedup();
        members
    }

    /// Whether a path, relative to the workspace, is a member's.
    pub(super) fn has_member(&self, path: &str) -> bool {
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
        self.patterns("members")
            .iter()
            .filter_map(|pattern| Pattern::new(pattern.trim_start_matches("./").trim_end_matches('/')).ok())
            .any(|pattern| pattern.matches_with(path, options))
    }

    fn patterns(&self, key: &str) -> Vec<String> {
        texts(self.table.get("workspace").and_then(|workspace| workspace.get(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    fn manifest(text: &str) -> Manifest {
        Manifest::parse("/x/Cargo.toml".into(), text.to_owned()).expect("TOML")
    }

    #[test]
    fn a_pipeline_is_a_program_that_depends_on_this_crate() {
        let program = "[package]\nname = 'p'\n[[bin]]\nname = 'deliver'\npath = 'x.rs'\n[dependencies]\n";
        assert!(manifest(&format!("{program}gopythongo = '0.1'")).is_pipeline());
        assert!(manifest(&format!("{program}delivery = {{ package = 'gopythongo', path = 'x' }}")).is_pipeline());
        assert!(!manifest(&format!("{program}gopythongo = {{ package = 'other' }}")).is_pipeline());
        assert!(!manifest("[package]\nname = 'p'\n[dependencies]\ngopythongo = '1'").is_pipeline());
        assert_eq!(manifest(program).program(), Some("deliver"));
    }

    #[test]
    fn members_are_those_of_the_patterns_without_the_excluded_ones() {
        let text = "[workspace]\nmembers = ['deploy', 'crates/*']\nexclude = ['crates/old']\n";
        let directory = tree(&[("Cargo.toml", text), ("crates/a/x", ""), ("crates/old/x", ""), ("deploy/x", "")]);
        let manifest = Manifest::of(directory.path()).expect("readable").expect("there");
        let members = manifest.members();
        let names: Vec<_> = members.iter().filter_map(|path| path.strip_prefix(directory.path()).ok()).collect();
        assert_eq!(names, [Path::new("deploy"), Path::new("crates/a")]);
        assert!(manifest.has_member("crates/b") && !manifest.has_member("crates/b/c") && !manifest.has_member("b"));
    }

    #[test]
    fn a_manifest_that_is_no_toml_is_named_with_its_line() {
        let error = Manifest::parse("/x/Cargo.toml".into(), "[package]\nname = \n".to_owned()).expect_err("no TOML");
        assert!(error.message.starts_with("/x/Cargo.toml line 2: "), "{error}");
    }
}
