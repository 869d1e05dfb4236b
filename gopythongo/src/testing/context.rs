//! A context that was never gathered: every source is an ordinary distribution, every Python is there.

use std::path::{Path, PathBuf};

use pep440_rs::Version;

use super::build::Build;
use crate::{
    context::{BuildKind, Context, Distribution, Interpreter, JobContext, Layout, Survey},
    pipeline::{Job, Pipeline, Source},
    python::name::normalize,
    version::{Numbering, Stamp, VersionPlan, VersionSource},
};

/// The version of every distribution, unless `.version(..)` says otherwise.
const VERSION: &str = "1.0.0";
const PYTHON: &str = "3.12";

/// What a gathered context of a build would be, if all were well.
pub(super) fn context(pipeline: &Pipeline, build: &Build) -> Context {
    let (kind, branch) = (build.kind, build.branch.as_deref());
    let root = Path::new("/");
    let built = pipeline.jobs.iter().filter(|job| job.is_built());
    let target = build.server.as_ref().and_then(|server| server.pull_request.as_ref()?.target.as_deref());
    Context {
        branch: build.branch.clone(),
        commit: Some("0".repeat(40)),
        kind,
        kind_reason: build.reason.clone(),
        target: target.map(|target| pipeline.branches.channel(pipeline.branches.kind(target), Some(target))),
        server: build.server.clone(),
        doubts: Vec::new(),
        channel: pipeline.branches.channel(kind, branch),
        root: root.to_owned(),
        pythons: pythons(pipeline),
        jobs: built.map(|job| (job.name.clone(), job_context(job, root, kind))).collect(),
    }
}

fn pythons(pipeline: &Pipeline) -> Vec<Interpreter> {
    let named = pipeline.jobs.iter().flat_map(|job| job.pythons.iter().map(String::as_str));
    let mut versions: Vec<&str> = Vec::new();
    for version in std::iter::once(PYTHON).chain(named) {
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    let interpreter = |version: &str| Interpreter {
        path: PathBuf::from(format!("/usr/bin/python{version}")),
        version: version.to_owned(),
        implementation: "cpython".to_owned(),
    };
    versions.into_iter().map(interpreter).collect()
}

fn job_context(job: &Job, root: &Path, kind: BuildKind) -> JobContext {
    let name = normalize(&job.name);
    let package = PathBuf::from("src").join(name.replace('-', "_"));
    let directory = match &job.source {
        Source::Directory(directory) => root.join(directory),
        Source::Sdist { .. } | Source::Git { .. } => root.join(&job.name),
    };
    let version = job.version.as_deref().unwrap_or(VERSION);
    let base = version.parse().unwrap_or_else(|_| Version::new([1, 0, 0]));
    let numbering = match (kind, &job.source) {
        (_, Source::Sdist { .. }) | (BuildKind::Master, _) => Numbering::Final,
        (BuildKind::Release | BuildKind::Hotfix, _) => Numbering::Candidate,
        _ => Numbering::Dev,
    };
    JobContext {
        directory,
        survey: Survey {
            distribution: Some(Distribution {
                name,
                build_requires: vec!["setuptools".to_owned()],
                build_backend: "setuptools.build_meta".to_owned(),
                requires_python: None,
                dependencies: Vec::new(),
                extras: Vec::new(),
                packages: vec![package],
                layout: Layout::Src,
            }),
            version_source: Some(VersionSource::Static(VERSION.to_owned())),
            tests: vec!["tests".into()],
            ..Survey::default()
        },
        version: Some(VersionPlan { base, numbering, number: 1, local: None, stamp: Stamp::Keep }),
    }
}
