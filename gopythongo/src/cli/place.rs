//! Where things are: the pipeline's root, its state directory, the user's cache of tools.

use std::{
    env, fs,
    path::{Path, PathBuf, absolute},
};

use super::{arguments::Common, error::Error};
use crate::python::tool_cache;

/// The directory of all pipelines' state in a workspace.
const STATE: &str = ".gopythongo";

/// Where things are; all absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The directory that paths in `pipeline.rs` are relative to.
    pub(super) root: PathBuf,
    /// Runs, cache and store of this pipeline.
    pub(super) state: PathBuf,
    /// Tool environments and downloads, shared by all pipelines of this user.
    pub(super) cache: PathBuf,
}

impl Place {
    /// Finds the places of a pipeline with a root. Nothing is made.
    ///
    /// # Errors
    /// When there is no current directory.
    pub(super) fn find(common: &Common, root: PathBuf, pipeline: &str) -> Result<Self, Error> {
        let chosen = common.state.clone().or_else(|| variable("GOPYTHONGO_STATE"));
        let state = match chosen {
            Some(state) => state,
            None => workspace(&root).join(STATE).join(pipeline),
        };
        Ok(Self { root, state: resolved(&state)?, cache: tool_cache() })
    }

    /// Makes the state directory, which version control is told to leave alone.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn make_state(&self) -> Result<(), Error> {
        let fail = |what: &str, path: &Path, error: &std::io::Error| {
            Error::lacking(format!("cannot {what} `{}`: {error}", path.display()))
                .hint("`--state DIR` or GOPYTHONGO_STATE puts the state elsewhere")
        };
        let parent = self.state.parent().filter(|parent| parent.ends_with(STATE));
        // a directory that was there before is somebody's: nothing of theirs is hidden
        let ours = parent.is_some() || !self.state.exists();
        fs::create_dir_all(&self.state).map_err(|error| fail("make", &self.state, &error))?;
        // ruff and others that look for files leave out what `.ignore` says also where there is no git
        for name in [".gitignore", ".ignore"] {
            let ignore = parent.unwrap_or(&self.state).join(name);
            if ours && !ignore.exists() {
                fs::write(&ignore, "*\n").map_err(|error| fail("write", &ignore, &error))?;
            }
        }
        Ok(())
    }
}

/// A path as people want to read and copy it: relative to the current directory where it is below it.
pub(super) fn shown(path: &Path) -> PathBuf {
    let here = env::current_dir().ok();
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok()).filter(|path| *path != "");
    below.unwrap_or(path).to_owned()
}

/// The directory that paths in `pipeline.rs` are relative to; absolute.
///
/// # Errors
/// When there is none.
pub(super) fn root(common: &Common) -> Result<PathBuf, Error> {
    if let Some(root) = &common.root {
        let root = resolved(root)?;
        return if root.is_dir() {
            Ok(root)
        } else {
            Err(Error::usage(format!("`--root {}` is no directory", root.display())))
        };
    }
    if let Some(package) = variable("CARGO_MANIFEST_DIR").filter(|package| package.is_dir()) {
        return Ok(package);
    }
    let here = resolved(Path::new("."))?;
    let found = here.ancestors().find(|directory| directory.join("pipeline.rs").is_file());
    found.map(Path::to_owned).ok_or_else(|| {
        Error::usage(format!("there is no `pipeline.rs` in `{}` or above it", here.display()))
            .hint("say where the pipeline is with `--root DIR`")
    })
}

/// The directory of the workspace's `Cargo.toml`; the package's own without a workspace, `root` itself without either.
pub(crate) fn workspace(root: &Path) -> PathBuf {
    let manifests = root.ancestors().filter(|directory| directory.join("Cargo.toml").is_file());
    let mut nearest = None;
    for directory in manifests {
        let text = fs::read_to_string(directory.join("Cargo.toml")).unwrap_or_default();
        if toml::from_str::<toml::Table>(&text).is_ok_and(|manifest| manifest.contains_key("workspace")) {
            return directory.to_owned();
        }
        nearest = nearest.or(Some(directory));
    }
    nearest.unwrap_or(root).to_owned()
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Absolute, and through links if it exists.
fn resolved(path: &Path) -> Result<PathBuf, Error> {
    let path = absolute(path).map_err(|error| Error::lacking(format!("cannot find `{}`: {error}", path.display())))?;
    Ok(path.canonicalize().unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_beside_the_workspace() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = directory.path().join("deploy/pipeline");
        fs::create_dir_all(&root).expect("made");
        assert_eq!(workspace(&root), root);
        fs::write(root.join("Cargo.toml"), "[package]\nname = \"pipeline\"\n").expect("written");
        assert_eq!(workspace(&root), root);
        fs::write(directory.path().join("Cargo.toml"), "[workspace]\nmembers = [\"deploy/*\"]\n").expect("written");
        assert_eq!(workspace(&root), directory.path());
    }

    #[test]
    fn state_is_left_alone_by_version_control() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let state = directory.path().join(STATE).join("shop");
        let place = Place { root: directory.path().to_owned(), state, cache: PathBuf::new() };
        place.make_state().expect("made");
        let ignore = fs::read_to_string(directory.path().join(STATE).join(".gitignore")).expect("written");
        assert_eq!(ignore, "*\n");
        let place = Place { state: directory.path().to_owned(), ..place };
        place.make_state().expect("there");
        assert!(!directory.path().join(".gitignore").exists(), "a directory that was there before is somebody's");
    }

    #[test]
    fn paths_below_the_current_directory_are_shown_short() {
        let here = env::current_dir().expect("a current directory");
        assert_eq!(shown(&here.join("runs/x")), Path::new("runs/x"));
        assert_eq!(shown(&here), here);
        assert_eq!(shown(Path::new("/elsewhere/x")), Path::new("/elsewhere/x"));
    }

    #[test]
    fn a_root_that_is_missing_is_said() {
        let common = Common { root: Some("no/such/place".into()), ..Common::default() };
        let error = root(&common).expect_err("missing").to_string();
        assert!(error.ends_with("no/such/place` is no directory"), "{error}");
    }
}
