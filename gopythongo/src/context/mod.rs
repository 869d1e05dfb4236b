//! Everything outside that a plan depends on, gathered once. Tests replace any of it.

mod branches;
mod choice;
mod gather;
pub mod git;
mod git_index;
mod git_source;
mod git_status;
mod git_trees;
mod history;
mod kind;
mod listing;
mod past;
mod present;
mod pristine;
mod repositories;
mod sdist;
mod secret;
mod secret_from;
mod secrets;
mod seen;
pub mod settings;
mod source;
mod stamp;
mod stat_cache;
mod survey;
mod surveys;
mod tree;
mod vault;
mod version_from;
mod versions;

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

pub use branches::Branches;
pub use gather::{ContextError, Request, gather};
pub(crate) use git_trees::clear_work_trees;
pub use kind::{BuildKind, KindSet, Kinds};
pub(crate) use listing::Listings;
pub(crate) use listing::list as list_files;
pub(crate) use pristine::Pristine;
pub use repositories::Repositories;
pub use sdist::{Fetch, fetch_sdist};
pub use secret::{Redactor, Secret};
pub use secret_from::SecretFrom;
pub use secrets::{SecretError, Secrets};
pub use stat_cache::StatCache;
pub use survey::{CoverageConfiguration, Distribution, Layout, Survey, survey};
pub use tree::{SourceFile, SourceTree};
pub use version_from::{AptPackage, Ask, Packaged, Published, published_versions};
pub(crate) use versions::is_release_tag;

use crate::{ci::ServerBuild, version::VersionPlan};

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
    /// What the build server says of the build; `None` on a laptop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerBuild>,
    /// What is not known of the repositories of the sources, although versions are made of it; a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// The channel that the run promotes into: `develop`, `release/1.5.0`, `master`, `feature/x`.
    pub channel: String,
    /// The channel of the branch that the build's pull request shall be merged into, where the server says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The pipeline's root directory, absolute.
    pub root: PathBuf,
    /// The Pythons found on this machine, the default one first.
    pub pythons: Vec<Interpreter>,
    /// What is known of each job's source, by job name.
    pub jobs: BTreeMap<String, JobContext>,
}

impl Context {
    /// Whether what is built was written by somebody who may push to the repository. A pull request of a fork was not: its run
    /// gets no secrets and has no effect outside of its own stage. The `pipeline.rs` of such a request is the stranger's too:
    /// the server itself must not hand its secrets to such builds either.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.server.as_ref().is_none_or(ServerBuild::is_trusted)
    }
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
