//! Everything outside that a plan depends on, gathered once. Tests replace any of it.

mod choice;
mod gather;
pub mod git;
mod history;
mod kind;
mod listing;
mod sdist;
mod secret;
mod stat_cache;
mod survey;
mod tree;
mod versions;

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

pub use gather::{ContextError, Request, gather};
pub use kind::{BuildKind, KindSet, Kinds};
pub use sdist::{Fetch, fetch_sdist};
pub use secret::{Redactor, Secret};
pub use stat_cache::StatCache;
pub use survey::{CoverageConfiguration, Distribution, Layout, Survey, survey};
pub use tree::{SourceFile, SourceTree};

use crate::version::VersionPlan;

/// What a plan depends on besides the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The branch; `None` in a detached or missing repository.
    pub branch: Option<String>,
    /// The commit; `None` without a repository.
    pub commit: Option<String>,
    /// The build kind.
    pub kind: BuildKind,
    /// Where the kind comes from: ``branch `develop` ``, `--kind`, ``default_kind of `storefront` ``.
    pub kind_reason: String,
    /// What is not known of the repositories of the sources, although versions are made of it; a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// The channel that the run promotes into: `develop`, `release/1.5.0`, `master`, `feature/x`.
    pub channel: String,
    /// The pipeline's root directory, absolute.
    pub root: PathBuf,
    /// The Pythons found on this machine, the default one first.
    pub pythons: Vec<Interpreter>,
    /// What is known of each job's source, by job name.
    pub jobs: BTreeMap<String, JobContext>,
}

/// A Python found on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interpreter {
    /// The executable itself, no shim and no link on `PATH`: `sys.executable`, resolved.
    pub path: PathBuf,
    /// `3.11.2`.
    pub version: String,
    /// `cpython` or `pypy`.
    pub implementation: String,
}

/// What is known of one job's source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobContext {
    /// The source directory, absolute. It may be missing: then `survey.problems` says so.
    pub directory: PathBuf,
    /// What the source says of itself.
    pub survey: Survey,
    /// The version that a build gets; `None` for a source that is no distribution.
    pub version: Option<VersionPlan>,
}
