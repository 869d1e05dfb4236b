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
}
