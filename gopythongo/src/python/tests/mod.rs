//! Steps of this room as a run executes them, with tools that need no network.

mod building;
mod linting;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tempfile::TempDir;

use super::{Toolchain, interpreters};
use crate::{
    context::{self, BuildKind, Context, Interpreter, JobContext, Redactor},
    event::{Event, Sink, Stamped},
    index::IndexUrls,
    pipeline::{Library, Pipeline},
    plan,
    run::{
        Failure, Options, Outcome, RunDirectory, Services, Setting, execute,
        process::{Cancel, Supervisor},
    },
    store::Store,
    version::{Numbering, Stamp, VersionPlan},
};

/// A place where runs of one job leave their state.
struct Bench {
    source: TempDir,
    state: TempDir,
    python: Interpreter,
}

/// What a run left.
#[derive(Debug, Default)]
struct Done {
    outcomes: BTreeMap<String, Outcome>,
    failures: BTreeMap<String, Failure>,
}

impl Done {
    fn fact(&self, step: &str, fact: &str) -> &str {
        self.outcomes.get(step).and_then(|outcome| outcome.facts.get(fact)).map_or("", String::as_str)
    }

    fn digests(&self, step: &str) -> Vec<String> {
        let artifacts = self.outcomes.get(step).map(|outcome| &outcome.artifacts);
        let artifacts = artifacts.into_iter().flatten();
        artifacts.map(|(name, artifact)| format!("{name} {} {}", artifact.file, artifact.digest)).collect()
    }
}

struct Outcomes(Arc<Mutex<BTreeMap<String, Outcome>>>);

impl Sink for Outcomes {
    fn event(&mut self, event: &Stamped) {
        if let Event::StepFinished { step, result: Some(outcome), .. } = &event.event {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(step.clone(), (**outcome).clone());
        }
    }
}

impl Bench {
    /// A source of some files.
    fn new(files: &[(&str, &str)]) -> Self {
        let python = interpreters().into_iter().next().expect("this machine has a Python");
        let bench = Self { source: tempfile::tempdir().unwrap(), state: tempfile::tempdir().unwrap(), python };
        files.iter().for_each(|(path, text)| bench.write(path, text));
        bench
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.source.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn cache(&self) -> PathBuf {
        self.state.path().join("tools")
    }

    fn toolchain(&self) -> Toolchain {
        // Nothing answers there: a test that installs something fails.
        let url = "http://127.0.0.1:9/simple/".to_owned();
        let urls = IndexUrls { run: url.clone(), base: url };
        Toolchain::new(&self.cache(), vec![self.python.clone()], urls, true).without_uv()
    }

    /// Runs a job named `money` as the third build of 1.5.0 on develop.
    fn run(&self, job: Library) -> Done {
        let pipeline = Pipeline::new("p").job(job);
        assert_eq!(pipeline.diagnostics(), []);
        let directory = self.source.path().to_owned();
        let survey = context::survey(&directory);
        let version = Stamp::find(&directory).ok().map(|stamp| VersionPlan {
            base: "1.5.0".parse().unwrap(),
            numbering: Numbering::Dev,
            number: 3,
            local: None,
            stamp,
        });
        let context = Context {
            branch: Some("develop".to_owned()),
            commit: None,
            kind: BuildKind::Develop,
            kind_reason: "`--kind`".to_owned(),
            server: None,
            target: None,
            doubts: Vec::new(),
            channel: "develop".to_owned(),
            root: directory.clone(),
            pythons: vec![self.python.clone()],
            jobs: [("money".to_owned(), JobContext { directory, survey, version })].into(),
        };
        let lowered = plan::lower(&pipeline, &context, &plan::Selection::default());
        let store = Store::open(&self.state.path().join("store")).unwrap();
        let outcomes = Arc::new(Mutex::default());
        let setting = Setting {
            directory: RunDirectory::create(self.state.path()).unwrap(),
            context: Arc::new(context),
            services: Services::new().with(Arc::new(store)).with(Arc::new(self.toolchain())),
            supervisor: Arc::new(Supervisor::start().unwrap()),
            cancel: Cancel::new(),
            redactor: Redactor::default(),
            sinks: vec![Box::new(Outcomes(outcomes.clone()))],
        };
        let ended = execute(&lowered, &Options { keep_going: true, ..Options::default() }, setting).unwrap();
        let outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Done { outcomes, failures: ended.failures.into_iter().collect() }
    }
}

/// Paths, sizes and times below a directory.
fn listing(directory: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(directory).sort_by_file_name().into_iter().map(Result::unwrap);
    entries
        .map(|entry| {
            let metadata = entry.metadata().unwrap();
            format!("{} {} {:?}", entry.path().display(), metadata.len(), metadata.modified().unwrap())
        })
        .collect()
}
