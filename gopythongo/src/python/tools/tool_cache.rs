//! Where a user's tool environments are kept, shared by all projects.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The tool cache: `$GOPYTHONGO_CACHE`, else `$XDG_CACHE_HOME/gopythongo`, else `~/.cache/gopythongo`; the directory for
/// temporary files where there is no home.
#[must_use]
pub fn tool_cache() -> PathBuf {
    let variable = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    variable("GOPYTHONGO_CACHE").unwrap_or_else(|| user_cache("gopythongo"))
}

/// The directory of a program's cache (XDG Base Directory Specification).
pub(in crate::python) fn user_cache(program: &str) -> PathBuf {
    let variable = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || variable("HOME").map(|home| home.join(".cache"));
    variable("XDG_CACHE_HOME").or_else(home).unwrap_or_else(env::temp_dir).join(program)
}

/// What changes when the file at `path` becomes another one; `None` if there is no file.
pub(in crate::python) fn identity(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let file = path.metadata().ok()?;
    Some(format!("{}:{}:{}:{}.{}", path.display(), file.ino(), file.size(), file.mtime(), file.mtime_nsec()))
}
