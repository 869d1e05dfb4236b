//! What all builders of jobs share: the methods of a chain.

use std::path::PathBuf;

use super::{
    CommandStep, Diagnostic, Location, Source,
    draft::Draft,
    scope::{Condition, Scope},
};
use crate::{
    context::KindSet,
    python::{Bandit, CoverageRatchet, DiffCoverage, Flake8, Mypy, Nox, Prospector, Pylint, Pytest, Ruff, Tox},
    run::Mannered,
    version::VersionFrom,
};

/// The methods that libraries and applications share.
///
/// The order of a chain means nothing, but that [commands](Self::command) keep theirs. House rules are functions:
///
/// ```no_run
/// use gopythongo::prelude::*;
///
/// fn checked<J: JobBuilder>(job: J) -> J {
///     job.step(Flake8::new().select(["E9", "F63"])).mypy().pytest().coverage_ratchet()
/// }
///
/// let money = checked(library("money").source("libs/money")).upload();
/// ```
pub trait JobBuilder: Sized + Clone {
    /// The job so far.
    #[doc(hidden)]
    fn draft(&mut self) -> &mut Draft;

    /// Sets the source directory, relative to the pipeline's root (`libs/money`, `../flask`); the root by default.
    #[track_caller]
    fn source(mut self, directory: impl Into<PathBuf>) -> Self {
        self.draft().set_source("source", Source::Directory(directory.into()), Location::here());
        self
    }

    /// Takes a source distribution of the upstream index as the source: `markupsafe==3.0.2`. It keeps that version.
    #[track_caller]
    fn sdist(mut self, requirement: impl Into<String>) -> Self {
        let source = Source::Sdist { requirement: requirement.into(), subdirectory: None };
        self.draft().set_source("sdist", source, Location::here());
        self
    }

    /// Takes another repository as the source, by any URL that `git fetch` takes (a path that begins with `./` or `../` is relative
    /// to the pipeline's root): in it the branch of the same name as the one that is built, else the one that a pull request shall
    /// be merged into, else `develop`; for what is released, a tag or branch of the same name, else `master`. The name of a fork's
    /// branch chooses nothing. It is fetched once a run, and git's own helpers have the credentials.
    ///
    /// ```no_run
    /// # use gopythongo::prelude::*;
    /// let billing = library("billing").git("https://git.example.com/billing.git").pytest().upload();
    /// let fork = library("flask").git("git@git.example.com:forks/flask.git").revision("3.1.0-ours").pytest();
    /// ```
    #[track_caller]
    fn git(mut self, url: impl Into<String>) -> Self {
        let source = Source::Git { url: url.into(), revision: None, subdirectory: None };
        self.draft().set_source("git", source, Location::here());
        self
    }

    /// Pins the repository of [`git`](Self::git): every build takes this tag, branch or whole commit of it.
    #[track_caller]
    fn revision(mut self, revision: impl Into<String>) -> Self {
        let location = Location::here();
        if self.draft().plain("revision", &location) {
            self.draft().revision = Some((revision.into(), location));
        }
        self
    }

    /// Sets where in the source distribution of [`sdist`](Self::sdist), or the repository of [`git`](Self::git), the job's own
    /// source is; its top by default.
    #[track_caller]
    fn subdirectory(mut self, directory: impl Into<PathBuf>) -> Self {
        let location = Location::here();
        if self.draft().plain("subdirectory", &location) {
            self.draft().subdirectory = Some((directory.into(), location));
        }
        self
    }

    /// Sets the version that a build is on the way to (PEP 440, `1.5.0`); the source says it by default.
    #[track_caller]
    fn version(mut self, version: impl Into<String>) -> Self {
        self.draft().set_version(version.into(), &Location::here());
        self
    }

    /// Sets where the version that a build is on the way to comes from; what the project says by itself by default.
    #[track_caller]
    fn version_from(mut self, from: VersionFrom) -> Self {
        self.draft().set_version_from(from, &Location::here());
        self
    }

    /// Sets a requirement file, relative to the pipeline's root, whose pins hold when the job's test environments are
    /// resolved; the source's own lock gives them by default.
    #[track_caller]
    fn constraints(mut self, file: impl Into<PathBuf>) -> Self {
        self.draft().set_constraints(file.into(), &Location::here());
        self
    }

    /// Sets the Pythons that tests run on (`["3.11", "3.12"]`); the default interpreter alone by default.
    #[track_caller]
    fn pythons<P: Into<String>>(mut self, versions: impl IntoIterator<Item = P>) -> Self {
        self.draft().set_pythons(versions, &Location::here());
        self
    }

    /// Declares flake8 with its defaults.
    #[track_caller]
    fn flake8(self) -> Self {
        self.step(Flake8::new())
    }

    /// Declares ruff with its defaults.
    #[track_caller]
    fn ruff(self) -> Self {
        self.step(Ruff::new())
    }

    /// Declares pylint with its defaults.
    #[track_caller]
    fn pylint(self) -> Self {
        self.step(Pylint::new())
    }

    /// Declares bandit with its defaults.
    #[track_caller]
    fn bandit(self) -> Self {
        self.step(Bandit::new())
    }

    /// Declares prospector with its defaults.
    #[track_caller]
    fn prospector(self) -> Self {
        self.step(Prospector::new())
    }

    /// Declares mypy with its defaults.
    #[track_caller]
    fn mypy(self) -> Self {
        self.step(Mypy::new())
    }

    /// Declares pytest, under coverage, with its defaults.
    #[track_caller]
    fn pytest(self) -> Self {
        self.step(Pytest::new())
    }

    /// Declares the project's own tox configuration.
    #[track_caller]
    fn tox(self) -> Self {
        self.step(Tox::new())
    }

    /// Declares the project's own nox sessions.
    #[track_caller]
    fn nox(self) -> Self {
        self.step(Nox::new())
    }

    /// Makes environments of the job's [`tox`](Self::tox) required: one whose interpreter is missing fails. None by default.
    #[track_caller]
    fn tox_envs<E: Into<String>>(mut self, environments: impl IntoIterator<Item = E>) -> Self {
        let location = Location::here();
        if self.draft().plain("tox_envs", &location) {
            self.draft().tox_envs = Some((environments.into_iter().map(Into::into).collect(), location));
        }
        self
    }

    /// Declares that so many of a hundred lines that a branch or a pull request changes have to be covered. Needs a step that
    /// measures it anywhere in the job. On feature builds and pull requests.
    #[track_caller]
    fn diff_coverage(self, percent: u8) -> Self {
        self.step(DiffCoverage::at_least(percent))
    }

    /// Declares that coverage may not fall. Needs a step that measures it anywhere in the job.
    #[track_caller]
    fn coverage_ratchet(self) -> Self {
        self.step(CoverageRatchet::new())
    }

    /// Makes the job's [`coverage_ratchet`](Self::coverage_ratchet) fail where there is no earlier figure; by default
    /// that is said and passes.
    #[track_caller]
    fn ratchet_required(mut self) -> Self {
        let location = Location::here();
        if self.draft().plain("ratchet_required", &location) {
            self.draft().ratchet_required = Some(location);
        }
        self
    }

    /// Declares a command, run in a copy of the source after the job's earlier commands: `.command("docs", ["make", "docs"])`.
    #[track_caller]
    fn command<A: Into<String>>(self, name: impl Into<String>, argv: impl IntoIterator<Item = A>) -> Self {
        self.step(CommandStep::new(name, argv))
    }

    /// Declares a step: one of GoPythonGo's with options (`.step(Pytest::new().version("8.3"))`), or the team's own:
    ///
    /// ```no_run
    /// use gopythongo::{prelude::*, run::{Failure, Step, Work}};
    /// use serde::Serialize;
    ///
    /// /// Fails while the source has no changelog.
    /// #[derive(Debug, Serialize)]
    /// struct Changelog { file: &'static str }
    ///
    /// impl Step for Changelog {
    ///     const KIND: &'static str = "changelog";
    ///     const VERSION: u32 = 1;
    ///
    ///     fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
    ///         match work.source().join(self.file).exists() {
    ///             true => Ok(()),
    ///             false => Err(Failure::new(format!("there is no `{}`", self.file))),
    ///         }
    ///     }
    /// }
    ///
    /// let money = library("money").source("libs/money").step(Changelog { file: "CHANGES.md" });
    /// ```
    #[track_caller]
    fn step(mut self, step: impl Mannered) -> Self {
        let (step, manner) = step.parts();
        self.draft().declare(step, manner, Location::here());
        self
    }

    /// Lets each step of the job take so many places of `--jobs`; 1 by default. [`Mannered::weight`] says it of one step.
    #[track_caller]
    fn weight(mut self, weight: usize) -> Self {
        if self.draft().plain("weight", &Location::here()) {
            self.draft().job.manner.weight = weight.max(1);
        }
        self
    }

    /// Keeps each step of the job apart from every other one that names the same thing, `database`, in this job and in
    /// others; none by default. [`Mannered::exclusive`] says it of one step.
    #[track_caller]
    fn exclusive(mut self, thing: impl Into<String>) -> Self {
        if self.draft().plain("exclusive", &Location::here()) {
            self.draft().job.manner.exclusive.insert(thing.into());
        }
        self
    }

    /// Declares steps for kinds of builds (`Feature`, `Release | Master`) that replace the steps' default kinds. The closure
    /// runs at once, for every build; nested conditions intersect.
    ///
    /// ```no_run
    /// # use gopythongo::prelude::*;
    /// let money = library("money").pytest().upload()
    ///     .on(Feature, |job| job.upload())
    ///     .on(Release | Master, |job| job.command("docs", ["make", "docs"]));
    /// ```
    ///
    /// Kinds are joined by one `|`:
    ///
    /// ```compile_fail,E0277
    /// # use gopythongo::prelude::*;
    /// let money = library("money").on(Release || Master, |job| job.upload());
    /// ```
    #[track_caller]
    fn on<J: SameJob<Self>>(self, kinds: impl KindSet, steps: impl FnOnce(Self) -> J) -> Self {
        within(self, Scope::new(Condition::On, kinds.kinds(), Location::here()), steps)
    }

    /// Declares steps that do not run for kinds of builds in which they would by default.
    #[track_caller]
    fn except<J: SameJob<Self>>(self, kinds: impl KindSet, steps: impl FnOnce(Self) -> J) -> Self {
        within(self, Scope::new(Condition::Except, kinds.kinds(), Location::here()), steps)
    }

    /// Goes on with the chain of `job` if `condition` holds. The pipeline has other jobs then: for kinds of builds there
    /// are [`on`](Self::on) and [`except`](Self::except).
    #[track_caller]
    fn when<J: SameJob<Self>>(self, condition: bool, job: impl FnOnce(Self) -> J) -> Self {
        if !condition {
            return self;
        }
        let before = self.clone();
        same("when", self, &Location::here(), job).unwrap_or_else(|mistake| blamed(before, mistake))
    }
}

/// What the closure of `.on`, `.except` or `.when` gives back: the job that it was given, with more steps.
#[diagnostic::on_unimplemented(
    message = "the closure was given `{J}` and gives `{Self}` back",
    label = "the closure of `.on`, `.except` or `.when` gives another job back",
    note = "begin with the closure's argument, `|job| job.pytest()`; `.gate(tests, key)` holds for every build, so it stands outside of `.on`, `.except` and `.when`"
)]
pub trait SameJob<J> {
    /// The job.
    #[doc(hidden)]
    fn same(self) -> J;
}

impl<J: JobBuilder> SameJob<J> for J {
    fn same(self) -> J {
        self
    }
}

fn within<J: JobBuilder, B: SameJob<J>>(mut job: J, scope: Scope, steps: impl FnOnce(J) -> B) -> J {
    let (name, location, before) = (scope.name(), scope.location.clone(), job.clone());
    job.draft().enter(scope);
    match same(name, job, &location, steps) {
        Ok(mut job) => {
            job.draft().leave();
            job
        }
        Err(mistake) => blamed(before, mistake),
    }
}

/// Calls the closure of `.on`, `.except` or `.when`; it must give the same job back.
fn same<J: JobBuilder, B: SameJob<J>>(
    method: &str,
    mut job: J,
    at: &Location,
    chain: impl FnOnce(J) -> B,
) -> Result<J, Diagnostic> {
    let mut after = chain(job.clone()).same();
    if after.draft().continues(job.draft()) {
        return Ok(after);
    }
    let (name, other) = (&job.draft().job.name, &after.draft().job);
    let message = format!("the closure of `.{method}` of `{name}` gives another job back: `{}`", other.name);
    Err(Diagnostic::error(message, at)
        .and(format!("`{}` begins here", other.name), &other.location)
        .suggest("begin with the closure's argument: `|job| job.pytest()`"))
}

fn blamed<J: JobBuilder>(mut job: J, mistake: Diagnostic) -> J {
    job.draft().job.diagnostics.push(mistake);
    job
}
