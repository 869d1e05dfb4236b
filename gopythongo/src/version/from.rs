//! Where a pipeline says that a job's version comes from, where the project's own words are not what a build starts from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Bump;

/// Where the version that builds are on the way to comes from, instead of what the project says by itself.
///
/// ```no_run
/// use gopythongo::prelude::*;
///
/// let sensor = library("sensor").version_from(VersionFrom::search("src/sensor.h", r#"#define VERSION "(.+)""#));
/// let money = library("money").version_from(VersionFrom::index());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[must_use]
pub enum VersionFrom {
    /// What a regular expression finds in a file.
    Search {
        /// The file, relative to the source.
        file: PathBuf,
        /// The expression.
        pattern: String,
    },
    /// `current_version` in the configuration of bumpversion, bump2version or bump-my-version.
    Bumpversion,
    /// Tags, however the project says its version itself.
    Tags,
    /// What comes after the newest release in an apt repository.
    Apt {
        /// The repository's URL, below which `dists` is.
        repository: String,
        /// The suite: `stable`, `bookworm`.
        suite: String,
        /// The package there; the source's own name by default.
        project: Option<String>,
        /// What is counted up.
        bump: Bump,
        /// The keyring whose keys sign the repository, relative to the pipeline's root.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed_by: Option<PathBuf>,
    },
    /// What comes after the newest release in the upstream index.
    Index {
        /// The project there; the source's own name by default.
        project: Option<String>,
        /// What is counted up.
        bump: Bump,
    },
}

impl VersionFrom {
    /// What a regular expression finds in a file, relative to the source. It is one of Python's `re`, in which `^` and `$` are
    /// those of lines; the version is its group `version`, else its first group, else all that it finds. In a build's copy of
    /// the source, the version is rewritten there.
    pub fn search(file: impl Into<PathBuf>, pattern: impl Into<String>) -> Self {
        Self::Search { file: file.into(), pattern: pattern.into() }
    }

    /// `current_version` of `.bumpversion.toml`, `.bumpversion.cfg`, `setup.cfg` or `pyproject.toml`. In a build's copy of the
    /// source, the version is rewritten in the files that the configuration names. A project that says its version in no
    /// other way has it from there without this.
    pub fn bumpversion() -> Self {
        Self::Bumpversion
    }

    /// The repository's tags, however the project says its version itself.
    pub fn tags() -> Self {
        Self::Tags
    }

    /// What comes after the newest release of the project in the upstream index: its last number is counted up. 0.1.0 where
    /// there is none.
    pub fn index() -> Self {
        Self::Index { project: None, bump: Bump::Release }
    }

    /// What comes after the newest release of the package in a suite of an apt repository:
    /// `VersionFrom::apt("http://apt.example/shop", "stable")`. Its last number is counted up, and its epoch kept. 0.1.0 where there is
    /// none. The repository's signature is verified where [`signed_by`](Self::signed_by) names its keys; without them, whoever can
    /// answer in its place decides what comes next, which is a warning.
    pub fn apt(repository: impl Into<String>, suite: impl Into<String>) -> Self {
        let (repository, suite) = (repository.into(), suite.into());
        Self::Apt { repository, suite, project: None, bump: Bump::Release, signed_by: None }
    }

    /// Sets the keyring whose keys sign the repository of [`apt`](Self::apt), a file of public keys, armoured or not, relative to the
    /// pipeline's root: as `Signed-By` in apt's sources. `gpgv` or `sqv` verifies `Release` by `Release.gpg`; a version from what is
    /// not signed so is refused. None by default. Of another source it changes nothing.
    pub fn signed_by(mut self, keyring: impl Into<PathBuf>) -> Self {
        if let Self::Apt { signed_by, .. } = &mut self {
            *signed_by = Some(keyring.into());
        }
        self
    }

    /// Sets the project of [`index`](Self::index), or the package of [`apt`](Self::apt); the source's own name by default. Of another
    /// source it changes nothing.
    pub fn project(mut self, name: impl Into<String>) -> Self {
        if let Self::Index { project, .. } | Self::Apt { project, .. } = &mut self {
            *project = Some(name.into());
        }
        self
    }

    /// Sets what of the newest version of [`index`](Self::index) or [`apt`](Self::apt) is counted up; [`Bump::Release`] by default. Of another
    /// source it changes nothing.
    pub fn bump(mut self, what: Bump) -> Self {
        if let Self::Index { bump, .. } | Self::Apt { bump, .. } = &mut self {
            *bump = what;
        }
        self
    }
}
