//! Where a job's source is.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where a job's source is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A directory, relative to the pipeline's root.
    Directory(PathBuf),
    /// A source distribution from the index, unpacked; a release, whose version is kept.
    Sdist {
        /// `markupsafe==3.0.2`.
        requirement: String,
        /// A directory in it, if the job's source is not its top.
        subdirectory: Option<PathBuf>,
    },
    /// Another repository: the branch that belongs to the build, or one revision.
    Git {
        /// What `git fetch` takes; a path that begins with `./` or `../` is relative to the pipeline's root.
        url: String,
        /// The tag, branch or commit that every build takes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<String>,
        /// A directory in it, if the job's source is not its top.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subdirectory: Option<PathBuf>,
    },
}

impl Source {
    /// Whether it is a work tree, whose builds are given versions: not a release.
    pub(crate) fn is_checkout(&self) -> bool {
        !matches!(self, Self::Sdist { .. })
    }
}
