//! All the jobs that a team declares.

use serde::Serialize;

use super::{Application, Deployment, Diagnostic, Job, Library, Location, Severity};
use crate::{
    context::{Branches, BuildKind},
    shared::SharedIn,
};

/// All the jobs that a team declares; plain data.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[must_use]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// The build kind on a laptop, where no branch or build server decides.
    pub default_kind: Option<BuildKind>,
    /// Which branches are for what.
    #[serde(skip_serializing_if = "Branches::is_git_flow")]
    pub branches: Branches,
    /// Where its machines share state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedIn>,
    /// The jobs, in the order of their declaration.
    pub jobs: Vec<Job>,
    /// The line that made it.
    #[serde(skip)]
    pub location: Location,
}

/// What `.job(..)` takes: any builder of a job.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "expected `library(..)`, `application(..)` or `deployment(..)` with the rest of its chain"
)]
pub trait AnyJob {
    /// The plain data.
    fn into_job(self) -> Job;
}

impl AnyJob for Library {
    fn into_job(self) -> Job {
        self.into()
    }
}

impl<G> AnyJob for Application<G> {
    fn into_job(self) -> Job {
        self.into()
    }
}

impl<A> AnyJob for Deployment<A> {
    fn into_job(self) -> Job {
        self.into()
    }
}

impl AnyJob for Job {
    fn into_job(self) -> Job {
        self
    }
}

impl Pipeline {
    /// A pipeline without jobs.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            default_kind: None,
            branches: Branches::git_flow(),
            shared: None,
            jobs: Vec::new(),
            location: Location::here(),
        }
    }

    /// Adds a job.
    pub fn job(mut self, job: impl AnyJob) -> Self {
        self.jobs.push(job.into_job());
        self
    }

    /// Sets the build kind on a laptop; by default the branch decides.
    pub fn default_kind(mut self, kind: BuildKind) -> Self {
        self.default_kind = Some(kind);
        self
    }

    /// Sets which branches are for what; those of Git Flow by default.
    pub fn branches(mut self, branches: Branches) -> Self {
        self.branches = branches;
        self
    }

    /// Sets where the pipeline's machines share state, so that none does again what another has done: an
    /// [`S3`](crate::shared::S3) bucket, a [`WebDav`](crate::shared::WebDav) directory, or a
    /// [`SharedDirectory`](crate::shared::SharedDirectory). Nowhere by default; `--shared` and `GOPYTHONGO_SHARED` say it for
    /// one machine.
    pub fn shared(mut self, place: impl Into<SharedIn>) -> Self {
        self.shared = Some(place.into());
        self
    }

    /// All mistakes and doubts, in the order of their lines.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        super::check::check(self)
    }

    /// The cycles in its edges.
    pub(crate) fn cycles(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        super::check::check_cycles(self, &mut found);
        found
    }

    /// Whether it may be planned and run: warnings do not count.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.diagnostics().iter().all(|diagnostic| diagnostic.severity == Severity::Warning)
    }
}
