//! What all commands begin with: the pipeline without mistakes, its places, its context, its plan.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    arguments::{Common, Wanted, nearest_command},
    error::Error,
    exit::Exit,
    place::{self, Place},
    print,
    problems::problems,
};
use crate::{
    cache,
    ci::Variables,
    context::{
        self, AptPackage, Context, ContextError, Fetch, Interpreter, Packaged, Published, Redactor, Repositories,
        Request, Secrets, fetch_sdist, published_versions,
        settings::{Layers, Setting},
    },
    index::Upstream,
    pipeline::{Declares, Pipeline, Severity},
    plan::{self, Lowered, Selection},
    python,
    shared::SharedIn,
    support::words,
};

/// A pipeline that a command works on.
pub(super) struct Session {
    pub(super) pipeline: Pipeline,
    /// Its settings, each with where it comes from.
    pub(super) settings: Vec<Setting>,
    pub(super) place: Place,
    pub(super) offline: bool,
    /// Where machines share state.
    pub(super) shared: Option<SharedIn>,
    /// What was asked of the sources' repositories.
    pub(super) repositories: Repositories,
}

impl Session {
    /// Makes the pipeline of its settings, shows all its mistakes and doubts, and finds its places.
    ///
    /// # Errors
    /// When the settings or the pipeline have mistakes, or there is no root.
    pub(super) fn begin<A>(pipeline: impl Declares<A>, common: &Common) -> Result<Self, Error> {
        let root = place::root(common)?;
        let layers = Layers {
            own: place::shown(&root.join("pipeline.toml")),
            files: common.settings.clone(),
            variables: Variables::of_process(),
            assignments: common.set.clone(),
        };
        let (pipeline, settings) = pipeline.declare(&layers)?;
        let diagnostics = pipeline.diagnostics();
        for diagnostic in &diagnostics {
            print::note(diagnostic.to_string());
        }
        let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        if errors > 0 {
            let mistakes = words::count(errors, "mistake");
            return Err(Error::usage(format!("pipeline `{}` has {mistakes}", pipeline.name)));
        }
        let place = Place::find(common, root, &pipeline.name)?;
        let said =
            common.shared.clone().or_else(|| std::env::var("GOPYTHONGO_SHARED").ok()).filter(|said| !said.is_empty());
        let shared = match said {
            Some(said) => SharedIn::parse(&said).map_err(|error| {
                let message = Error::usage(error.message);
                error.hint.into_iter().fold(message, Error::hint)
            })?,
            None => pipeline.shared.clone(),
        };
        let repositories = Repositories::remembered_in(cache::presents(&place.state.join("cache")));
        Ok(Self { pipeline, settings, place, offline: common.offline, shared, repositories })
    }

    /// Looks at everything outside that a plan depends on.
    ///
    /// # Errors
    /// When no build kind can be found, or a source cannot be fetched.
    pub(super) fn context(&self, wanted: &Wanted) -> Result<Context, Error> {
        let pythons = python::interpreters();
        let unfetched = Arc::new(AtomicBool::new(false));
        let request = Request {
            root: self.place.root.clone(),
            branch: wanted.branch.clone(),
            kind: wanted.kind,
            variables: Variables::of_process(),
            offline: self.offline,
            cache: self.place.cache.clone(),
            published: Some(Published::new(
                self.ask(&pythons, unfetched.clone(), |upstream, _, project: &str| {
                    published_versions(upstream, project)
                }),
            )),
            packaged: Some(Packaged::new(self.ask(&pythons, unfetched.clone(), |upstream, _, wanted: &AptPackage| {
                let AptPackage { repository, suite, package, signed_by } = wanted;
                Ok(upstream.apt_versions(repository, suite, package, signed_by.as_deref())?)
            }))),
            fetch: Some(Fetch::new(self.ask(&pythons, unfetched.clone(), fetch_sdist))),
            repositories: self.repositories.clone(),
            pythons,
        };
        let context = context::gather(&self.pipeline, &request).map_err(|error| {
            let is_lacking = unfetched.load(Ordering::Relaxed) || self.repositories.is_refused();
            let exit = if is_lacking { Exit::Lacking } else { Exit::Usage };
            Error::of_context(exit, error)
        })?;
        let cycles = plan::cycles(&self.pipeline, &context);
        cycles.iter().for_each(|cycle| print::note(cycle.to_string()));
        match cycles.len() {
            0 => Ok(context),
            count => Err(Error::usage(format!("what the sources need makes {}", words::count(count, "cycle")))),
        }
    }

    /// How the upstream is asked for something, which is looked for when it is wanted first; notes when that fails.
    fn ask<Q: ?Sized, T, F: Fn(&Upstream, &Path, &Q) -> Result<T, ContextError>>(
        &self,
        pythons: &[Interpreter],
        failed: Arc<AtomicBool>,
        ask: F,
    ) -> impl Fn(&Q) -> Result<T, ContextError> + use<Q, T, F> {
        let python = pythons.first().map(|python| python.path.clone());
        let (cache, offline) = (self.place.cache.clone(), self.offline);
        move |wanted| {
            let none = || ContextError {
                message: "there is no Python on this machine to ask for the index".to_owned(),
                hint: Some("install python3 and python3-venv".to_owned()),
            };
            let answer = python.as_ref().ok_or_else(none).and_then(|python| {
                let upstream = Upstream::discover(python, &cache, offline)?;
                ask(&upstream, &cache, wanted)
            });
            failed.fetch_or(answer.is_err(), Ordering::Relaxed);
            answer
        }
    }

    /// The secrets of a run.
    pub(super) fn secrets(&self, redactor: Redactor) -> Secrets {
        Secrets::new(self.place.root.clone(), Variables::of_process(), self.offline, redactor)
    }

    /// Makes the plan.
    pub(super) fn plan(&self, context: &Context, selection: &Selection) -> Lowered {
        plan::lower(&self.pipeline, context, selection)
    }

    /// The jobs that the command line names.
    ///
    /// # Errors
    /// When a name is no job's.
    pub(super) fn selection(&self, jobs: &[String], downstream: bool) -> Result<Selection, Error> {
        let selection = Selection { jobs: jobs.to_vec(), downstream };
        match selection.check(&self.pipeline) {
            Ok(()) => Ok(selection),
            Err(unknown) => {
                let hint = unknown.unknown.first().and_then(|word| nearest_command(word));
                let hint =
                    hint.map_or_else(|| unknown.hint(), |command| format!("did you mean the command `{command}`?"));
                Err(Error::usage(unknown.to_string()).hint(hint))
            }
        }
    }

    /// Refuses to go on with sources that cannot be built; names all of them.
    ///
    /// # Errors
    /// When a planned job's source is missing, unreadable, or not what its steps need.
    pub(super) fn sources(&self, context: &Context, lowered: &Lowered) -> Result<(), Error> {
        match Self::show_problems(context, lowered) {
            0 => Ok(()),
            count => Err(Error::usage(format!("{} in the sources", words::count(count, "problem")))),
        }
    }

    /// Shows what is wrong with the sources of a plan, and gives how much it is.
    pub(super) fn show_problems(context: &Context, lowered: &Lowered) -> usize {
        let problems = problems(context, &lowered.plan);
        for problem in &problems {
            print::note(format!("error: {problem}\n  hint: {}", problem.todo));
        }
        problems.len()
    }
}

/// Keeps plain data until the program ends, when the kernel takes all memory back at once: to free what was declared and
/// planned of ten thousand steps piece by piece takes as long as to plan it. For nothing whose end has to be seen to, as that
/// of a lock, a file or a thread.
pub(super) fn kept<T>(data: T) -> &'static T {
    Box::leak(Box::new(data))
}

/// Normalised names of the packages that the pipeline declares: they come from nowhere else.
pub(super) fn owned(context: &Context) -> BTreeSet<String> {
    let distributions = context.jobs.values().filter_map(|job| job.survey.distribution.as_ref());
    distributions.map(|distribution| distribution.name.clone()).collect()
}
