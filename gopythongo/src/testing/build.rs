//! Which build a plan is made for: of what branch, tag or pull request, and what its sources look like.

use std::{fmt, sync::Arc};

use super::{PlanTest, context::context};
use crate::{
    ci::{Origin, PullRequest, Server, ServerBuild},
    context::{BuildKind, Context, Survey, is_release_tag},
    pipeline::Pipeline,
};

/// The build server of pull requests and tags: which one it is makes no difference.
const SERVER: Server = Server::Buildbot;

/// A build that is asked for.
#[derive(Debug, Clone)]
pub(super) struct Build {
    pub(super) kind: BuildKind,
    pub(super) branch: Option<String>,
    pub(super) reason: String,
    pub(super) server: Option<ServerBuild>,
    surveys: Vec<Change>,
}

/// What is otherwise in a job's source than where all is well.
#[derive(Clone)]
struct Change {
    job: String,
    apply: Arc<dyn Fn(&mut Survey) + Send + Sync>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a change of the survey of `{}`", self.job)
    }
}

impl Build {
    /// A build of a branch that has this kind.
    pub(super) fn of_kind(kind: BuildKind) -> Self {
        let branch = match kind {
            BuildKind::Feature => "feature/x",
            BuildKind::PullRequest => "pull/1",
            BuildKind::Develop => "develop",
            BuildKind::Release => "release/1.0.0",
            BuildKind::Hotfix => "hotfix/1.0.1",
            BuildKind::Master => "master",
        };
        Self {
            kind,
            branch: Some(branch.to_owned()),
            reason: format!("branch `{branch}`"),
            server: None,
            surveys: Vec::new(),
        }
    }

    fn on_server(kind: BuildKind, branch: Option<String>, reason: String, server: ServerBuild) -> Self {
        Self { kind, branch, reason, server: Some(server), surveys: Vec::new() }
    }
}

impl PlanTest {
    /// Plans a build of a branch; its name gives the kind.
    #[must_use = "a plan is tested by its claims: `.has_no_effects()`, `.runs(..)`"]
    pub fn on_branch(self, branch: &str) -> Self {
        let (kind, reason) = (self.pipeline.branches.kind(branch), format!("branch `{branch}`"));
        self.build(Build { kind, branch: Some(branch.to_owned()), reason, server: None, surveys: Vec::new() })
    }

    /// Plans a build of a kind, on a branch that has it.
    #[must_use = "a plan is tested by its claims: `.has_no_effects()`, `.runs(..)`"]
    pub fn kind(self, kind: BuildKind) -> Self {
        self.build(Build::of_kind(kind))
    }

    /// Plans a build of a tag on a build server: one that names a release, `v1.5.0`, is built as master is, any other as a
    /// feature branch.
    #[must_use = "a plan is tested by its claims: `.has_no_effects()`, `.runs(..)`"]
    pub fn on_tag(self, tag: &str) -> Self {
        let kind = if is_release_tag(tag) { BuildKind::Master } else { BuildKind::Feature };
        let server = ServerBuild { tag: Some(tag.to_owned()), ..ServerBuild::of(SERVER) };
        self.build(Build::on_server(kind, None, format!("tag `{tag}`"), server))
    }

    /// Plans a build of a pull request, from a branch of the repository into another one:
    /// `.pull_request("feature/discounts", "develop")`.
    #[must_use = "a plan is tested by its claims: `.has_no_effects()`, `.runs(..)`"]
    pub fn pull_request(self, source: &str, target: &str) -> Self {
        self.requested(source, target, Origin::Repository)
    }

    /// Plans the build of the same pull request, from a fork: whoever wrote it may not push to the repository.
    #[must_use = "a plan is tested by its claims: `.has_no_effects()`, `.runs(..)`"]
    pub fn from_fork(self) -> Self {
        let request = self.build.server.as_ref().and_then(|server| server.pull_request.clone());
        let (source, target) = request.map(|request| (request.source, request.target)).unwrap_or_default();
        let source = source.unwrap_or_else(|| "feature/x".to_owned());
        self.requested(&source, &target.unwrap_or_else(|| "develop".to_owned()), Origin::Fork)
    }

    fn requested(self, source: &str, target: &str, origin: Origin) -> Self {
        let (source, target) = (Some(source.to_owned()), Some(target.to_owned()));
        let request = PullRequest { number: Some(1), source: source.clone(), target, head: None, origin };
        let reason = request.to_string();
        let server = ServerBuild { pull_request: Some(request), ..ServerBuild::of(SERVER) };
        self.build(Build::on_server(BuildKind::PullRequest, source, reason, server))
    }

    /// Plans with another source of a job than one where all is well, which changes what is planned:
    /// `.survey("scripts", |survey| survey.distribution = None)` is a directory that no wheel is made of.
    ///
    /// # Panics
    /// When the pipeline builds no such job.
    #[must_use = "a plan is tested by its claims: `.has_no_effects()`, `.runs(..)`"]
    #[track_caller]
    pub fn survey(mut self, job: &str, change: impl Fn(&mut Survey) + Send + Sync + 'static) -> Self {
        let built = self.pipeline.jobs.iter().any(|known| known.name == job && known.is_built());
        assert!(built, "`{}` builds no job `{job}`", self.pipeline.name);
        self.build.surveys.push(Change { job: job.to_owned(), apply: Arc::new(change) });
        self
    }

    /// Claims the same of a build of each sort of branch, of a release's tag, and of pull requests, a fork's among them.
    ///
    /// # Panics
    /// When a claim does not hold for one of them, which the plan then names.
    #[track_caller]
    pub fn for_all_branches(self, claims: impl Fn(Self) -> Self) -> Self {
        let kinds = [BuildKind::Feature, BuildKind::Develop, BuildKind::Release, BuildKind::Hotfix, BuildKind::Master];
        for kind in kinds {
            let _ = claims(self.clone().kind(kind));
        }
        let _ = claims(self.clone().on_tag("v1.0.0"));
        let _ = claims(self.clone().pull_request("feature/x", "develop"));
        let _ = claims(self.clone().from_fork());
        self
    }

    /// Another build of the same sources.
    fn build(mut self, build: Build) -> Self {
        let surveys = std::mem::take(&mut self.build.surveys);
        self.build = Build { surveys, ..build };
        self
    }

    pub(crate) fn context(&self) -> Context {
        let mut context = context(&self.pipeline, &self.build);
        for change in &self.build.surveys {
            if let Some(job) = context.jobs.get_mut(&change.job) {
                (change.apply)(&mut job.survey);
            }
        }
        context
    }
}

/// Claims the same of a pipeline's build of each sort of branch: see [`PlanTest::for_all_branches`].
///
/// # Panics
/// When a claim does not hold for one of them.
#[track_caller]
pub fn for_all_branches(pipeline: Pipeline, claims: impl Fn(PlanTest) -> PlanTest) {
    let _ = super::plan(pipeline).for_all_branches(claims);
}
