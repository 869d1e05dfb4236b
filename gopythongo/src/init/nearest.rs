//! The nearest pipeline: in this directory, in `pipeline/` beside it, in the workspace, or further up.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use super::{InitError, manifest::Manifest};
use crate::support::words;

/// A pipeline's package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nearest {
    /// Its `Cargo.toml`.
    manifest: PathBuf,
    /// Where its program is once it was built.
    built: PathBuf,
}

impl Nearest {
    /// Finds the pipeline that is nearest to a directory, upwards; of several in one workspace the one of that name, by
    /// default the one that is called `pipeline`.
    ///
    /// # Errors
    /// When there is none, there are several, or a manifest cannot be read.
    pub(crate) fn find(from: &Path, package: Option<&str>) -> Result<Self, InitError> {
        let wanted = |manifest: &Manifest| {
            manifest.is_pipeline() && package.is_none_or(|package| manifest.package() == Some(package))
        };
        for directory in from.ancestors() {
            let here = Manifest::of(directory)?;
            if let Some(manifest) = here.iter().find(|manifest| wanted(manifest)) {
                return Ok(Self::of(manifest));
            }
            if let Some(manifest) = Manifest::of(&directory.join("pipeline"))?.filter(wanted) {
                return Ok(Self::of(&manifest));
            }
            if let Some(workspace) = here.filter(Manifest::is_workspace) {
                let mut found = Vec::new();
                for member in workspace.members() {
                    found.extend(Manifest::of(&member)?.filter(wanted));
                }
                if let Some(manifest) = only(&found, &workspace)? {
                    return Ok(Self::of(manifest));
                }
            }
        }
        let named = package.map(|package| format!(" called `{package}`")).unwrap_or_default();
        Err(InitError::usage(format!("there is no pipeline{named} in `{}` or above it", from.display()))
            .hint("`gopythongo init` writes one"))
    }

    fn of(manifest: &Manifest) -> Self {
        let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| crate::cli::workspace(manifest.directory()).join("target"));
        let built = target.join("debug").join(manifest.program().unwrap_or_default());
        Self { manifest: manifest.path.clone(), built }
    }

    /// The command that builds and runs it. Cargo tells of its work where there is some to wait for.
    pub(crate) fn command(&self, arguments: &[OsString]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.arg("run");
        if self.built.exists() {
            command.arg("--quiet");
        }
        command.arg("--manifest-path").arg(&self.manifest).arg("--").args(arguments);
        command
    }
}

/// The one that is meant; `None` of none.
fn only<'a>(found: &'a [Manifest], workspace: &Manifest) -> Result<Option<&'a Manifest>, InitError> {
    match found {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => {
            let named = several.iter().find(|manifest| manifest.package() == Some("pipeline"));
            let names: Vec<String> =
                several.iter().filter_map(|manifest| Some(format!("`{}`", manifest.package()?))).collect();
            let message = format!("{} are all pipelines of `{}`", words::list(&names), workspace.path.display());
            named.map(Some).ok_or_else(|| InitError::usage(message).hint("say which one with `--package NAME`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    fn package(name: &str) -> String {
        format!("[package]\nname = '{name}'\n[[bin]]\nname = '{name}'\n[dependencies]\ngopythongo = '0.1'\n")
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], from: &str, wanted: Option<&str>, expect: Result<&str, &str>) {
        let directory = tree(files);
        let found = Nearest::find(&directory.path().join(from), wanted);
        match (found, expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found.manifest, directory.path().join(expect).join("Cargo.toml")),
            (Err(error), Err(expect)) => assert!(error.message.contains(expect), "{error}"),
            (found, expect) => panic!("{found:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn the_nearest_one_upwards_is_found() {
        let (shop, money) = (package("pipeline"), package("money"));
        let files = [
            ("Cargo.toml", "[workspace]\nmembers = ['pipeline']\n"),
            ("pipeline/Cargo.toml", shop.as_str()),
            ("libs/money/Cargo.toml", money.as_str()),
            ("libs/money/src/x.py", ""),
            ("libs/catalog/x.py", ""),
        ];
        check(&files, "libs/catalog", None, Ok("pipeline"));
        check(&files, "pipeline", None, Ok("pipeline"));
        check(&files, "libs/money/src", None, Ok("libs/money"));
        check(&files, "libs/money/src", Some("pipeline"), Ok("pipeline"));
        check(&files[..1], "", None, Err("there is no pipeline in `"));
    }

    #[test]
    fn a_member_of_the_workspace_may_be_the_pipeline() {
        let (one, two) = (package("deliver"), package("nightly"));
        let files = [
            ("Cargo.toml", "[workspace]\nmembers = ['tools/*']\n"),
            ("tools/deliver/Cargo.toml", one.as_str()),
            ("tools/other/Cargo.toml", "[package]\nname = 'other'\n"),
            ("tools/nightly/Cargo.toml", two.as_str()),
            ("libs/x.py", ""),
        ];
        check(&files[..3], "", None, Ok("tools/deliver"));
        check(&files, "libs", None, Err("`deliver` and `nightly` are all pipelines of"));
        check(&files, "libs", Some("nightly"), Ok("tools/nightly"));
        check(&files, "libs", Some("daily"), Err("there is no pipeline called `daily`"));
    }
}
