//! A job's source: where it is, what it says, and which version a build of it has.

use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroUsize,
    path::{Component, Path, PathBuf},
    thread,
};

#[cfg(target_os = "linux")]
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use super::{
    ContextError, JobContext, Request, Survey,
    git_source::{Follow, Wanted},
    history::History,
    sdist::{fetched, unpinned},
    survey::Surveyed,
    version_from, versions,
};
use crate::{
    pipeline::{Job, Source},
    python::{Requirement, Virtualenv},
    run::Step,
    version::{self, Place, Stamp, VersionError, VersionPlan, VersionSource},
};

/// For fewer sources no thread is started.
const MANY: usize = 16;

/// A job's source, fetched and read.
pub(super) struct GatheredSource<'a> {
    pub(super) job: &'a Job,
    pub(super) directory: PathBuf,
    pub(super) survey: Survey,
    /// How builds are given their version, as far as the project itself says; of what is a distribution.
    stamp: Option<Result<Stamp, VersionError>>,
    /// Where the version is written besides the places that the project itself names.
    places: Vec<Place>,
}

impl<'a> GatheredSource<'a> {
    /// A source with the version of where the job has it from. A project that says none has that of bumpversion's
    /// configuration, if there is one.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub(super) fn read(job: &'a Job, root: &Path, request: &Request) -> Result<Self, ContextError> {
        Self::of(job, directory(job, root, request)?, request)
    }

    /// Reads the source of a job in another repository.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub(super) fn elsewhere(
        job: &'a Job,
        root: &Path,
        follow: &Follow,
        request: &Request,
    ) -> Result<Self, ContextError> {
        let Source::Git { url, revision, subdirectory } = &job.source else { return Self::read(job, root, request) };
        let wanted = Wanted { url, revision: revision.as_deref(), root, follow };
        let fetch = !request.offline && request.repositories.is_first_fetch(url);
        let tree = wanted.checkout(&request.cache, fetch).inspect_err(|_| request.repositories.refuse())?;
        request.repositories.doubt(tree.doubts);
        let directory =
            subdirectory.as_ref().map_or_else(|| tree.directory.clone(), |below| tree.directory.join(below));
        Self::of(job, absolute(&directory), request)
    }

    fn of(job: &'a Job, directory: PathBuf, request: &Request) -> Result<Self, ContextError> {
        let Surveyed { mut survey, stamp } = request.repositories.survey(&directory);
        let is_checkout = job.source.is_checkout() && survey.distribution.is_some();
        let found = match (&job.version_from, &job.version) {
            (Some(from), _) if is_checkout => Some(version_from::find(from, &directory, &survey, request)),
            (None, None) if is_checkout && survey.version_source.is_none() => {
                version_from::of_bumpversion(&directory).transpose()
            }
            _ => None,
        };
        let mut places = Vec::new();
        match found {
            Some(Ok((source, others))) => {
                (survey.version_source, survey.version_problem, places) = (Some(source), None, others);
            }
            Some(Err(problem)) => {
                (survey.version_source, survey.version_problem) = (None, Some(problem.to_string()));
            }
            None => {}
        }
        Ok(Self { job, directory, survey, stamp, places })
    }

    /// Reads the sources of jobs, in their order; directories on all processors, as each is small and there may be thousands.
    /// What may have to be fetched is read one by one.
    ///
    /// # Errors
    /// The first one that cannot be fetched.
    pub(super) fn read_all(jobs: &[&'a Job], root: &Path, request: &Request) -> Result<Vec<Self>, ContextError> {
        let is_near = |job: &Job| matches!(job.source, Source::Directory(_)) && job.version_from.is_none();
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let share = jobs.len().div_ceil(threads).max(MANY);
        let mut near: BTreeMap<usize, Result<Self, ContextError>> = BTreeMap::new();
        let read = |at: usize| is_near(jobs[at]).then(|| (at, Self::read(jobs[at], root, request)));
        let share_of = |begin: usize| (begin..jobs.len().min(begin + share)).filter_map(read).collect::<Vec<_>>();
        thread::scope(|scope| {
            let others: Vec<_> =
                (share..jobs.len()).step_by(share).map(|begin| scope.spawn(move || share_of(begin))).collect();
            near.extend(share_of(0));
            near.extend(others.into_iter().filter_map(|other| other.join().ok()).flatten());
        });
        (0..jobs.len()).map(|at| near.remove(&at).unwrap_or_else(|| Self::read(jobs[at], root, request))).collect()
    }

    /// Whether the source is a checkout, whose builds are given versions: not a release, not a tree that is only tested.
    pub(super) fn is_versioned_checkout(&self) -> bool {
        self.job.source.is_checkout() && self.is_built()
    }

    /// Whether something is built of the source: a distribution, or a virtual environment with a tree that is none.
    fn is_built(&self) -> bool {
        let packed = || self.job.steps.iter().any(|declaration| declaration.step.kind() == Virtualenv::KIND);
        self.survey.distribution.is_some() || packed()
    }

    pub(super) fn into_context(self, branch: versions::Branch<'_>, history: &History) -> JobContext {
        let is_built = self.is_built();
        let Self { job, directory, mut survey, stamp, places } = self;
        if let Some(version) = &job.version {
            survey.version_source = Some(VersionSource::Pipeline(version.clone()));
            survey.version_problem = None;
        }
        if is_built && survey.distribution.is_none() {
            // no file says the version of a tree
            survey.version_source.get_or_insert(VersionSource::GitTags);
        }
        let plan = is_built.then(|| match &job.source {
            Source::Sdist { requirement, subdirectory } if job.version.is_none() => {
                released(requirement, subdirectory.is_none(), &directory, &survey)
            }
            _ => checkout(branch, &directory, &survey, stamp, places, history),
        });
        let (version, problem) = match plan {
            Some(Ok(version)) => (Some(version), None),
            Some(Err(problem)) => (None, Some(problem)),
            None => (None, None),
        };
        survey.version_problem = problem;
        JobContext { directory, survey, version }
    }
}

/// The version of a build of a checkout.
fn checkout(
    branch: versions::Branch<'_>,
    directory: &Path,
    survey: &Survey,
    stamp: Option<Result<Stamp, VersionError>>,
    places: Vec<Place>,
    history: &History,
) -> Result<VersionPlan, String> {
    let source = survey.version_source.as_ref().ok_or_else(|| survey.version_problem.clone().unwrap_or_default())?;
    let stamp = stamp.map(|found| Stamp::with(found, places).map_err(|error| error.to_string()));
    let stamp = stamp.transpose()?.unwrap_or(Stamp::Keep);
    versions::plan(branch, source, stamp, history).map_err(|problem| format!("{}: {problem}", directory.display()))
}

/// The version that an unpacked release says of itself: in `PKG-INFO` at its top, else as any source does.
fn released(requirement: &str, is_top: bool, directory: &Path, survey: &Survey) -> Result<VersionPlan, String> {
    let information = fs::read_to_string(directory.join("PKG-INFO")).ok();
    let written = information.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("Version:")));
    let pin = || requirement.parse::<Requirement>().ok()?.pin().map(ToString::to_string);
    let version = match written {
        Some(version) => Some(version.trim().to_owned()),
        None => match version::find(directory) {
            Ok(source) => source.version().map(ToOwned::to_owned),
            Err(_) if is_top => None,
            Err(error) => return Err(error.to_string()),
        },
    };
    let version = version.or_else(|| is_top.then(pin).flatten());
    version.map_or_else(|| Err(survey.version_problem.clone().unwrap_or_default()), |version| versions::keep(&version))
}

/// Where a job's source is; fetched if it is a release.
fn directory(job: &Job, root: &Path, request: &Request) -> Result<PathBuf, ContextError> {
    match &job.source {
        Source::Directory(path) => Ok(absolute(&root.join(path))),
        Source::Git { url, .. } => Err(ContextError { message: format!("`{url}` is another repository"), hint: None }),
        Source::Sdist { requirement, subdirectory } => {
            let requirement: Requirement =
                requirement.parse().map_err(|error| ContextError { message: format!("{error}"), hint: None })?;
            if requirement.pin().is_none() {
                return Err(unpinned(&requirement));
            }
            let unpacked = match (fetched(&request.cache, &requirement), &request.fetch) {
                (Some(directory), _) => directory,
                (None, Some(fetch)) => fetch.get(&requirement)?,
                (None, None) => {
                    return Err(ContextError {
                        message: format!("`{requirement}`, the source of `{}`, is not in the cache", job.name),
                        hint: Some("run once without `--offline`".to_owned()),
                    });
                }
            };
            Ok(subdirectory.as_ref().map_or_else(|| absolute(&unpacked), |below| absolute(&unpacked.join(below))))
        }
    }
}

/// Whether a path names no link, as most do. The kernel says it at once (openat2(2)), where each of the path's components would be
/// asked for; `false` too where it cannot say it.
#[cfg(target_os = "linux")]
fn leads_through_no_link(path: &Path) -> bool {
    let opened = || openat2(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::NO_SYMLINKS);
    let is_plain = |component| matches!(component, Component::RootDir | Component::Normal(_));
    path.is_absolute() && path.components().all(is_plain) && opened().is_ok()
}

#[cfg(not(target_os = "linux"))]
fn leads_through_no_link(_: &Path) -> bool {
    false
}

/// The path without links; of one that is not there, at least without `.` and `..`.
pub(super) fn absolute(path: &Path) -> PathBuf {
    if leads_through_no_link(path) {
        return path.components().collect();
    }
    fs::canonicalize(path).unwrap_or_else(|_| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        path.components().fold(PathBuf::new(), |mut path, component| {
            match component {
                Component::ParentDir => {
                    path.pop();
                }
                _ => path.push(component),
            }
            path
        })
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_absolute_path_has_no_links_dots_or_doubled_slashes() -> std::io::Result<()> {
        let directory = tempfile::tempdir()?;
        let top = fs::canonicalize(directory.path())?;
        fs::create_dir_all(top.join("libs/money"))?;
        symlink("libs", top.join("link"))?;
        symlink("money", top.join("libs/other"))?;
        let money = top.join("libs/money");
        for path in ["libs/money", "libs/./money/", "libs//money", "libs/../libs/money", "link/money", "libs/other"] {
            assert_eq!(absolute(&top.join(path)).as_os_str(), money.as_os_str(), "{path}");
        }
        assert_eq!(absolute(&top.join("missing/../x")), top.join("x"));
        Ok(())
    }
}
