//! What a step is: the one trait that GoPythonGo's own steps and a team's steps implement.

use std::{any::Any, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Failure, Key, Outcome, Work};
use crate::context::{Kinds, SecretFrom};

/// How an effect may be repeated. The plan prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectClass {
    /// The same name with the same digest is a no-op for the server: repeat freely.
    Content,
    /// The server stores our key: probe, then repeat.
    Keyed,
    /// At most once: an intent without a receipt stops the run until somebody decides.
    Blind,
}

impl fmt::Display for EffectClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Content => "content",
            Self::Keyed => "keyed",
            Self::Blind => "blind",
        })
    }
}

/// Whether a step changes the outside world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Reads declared inputs, writes declared outputs: cached, retried, run in parallel.
    Pure,
    /// Changes the outside world: probed, done, and leaves a receipt; never cached.
    Effect(EffectClass),
}

/// What an effect leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What was changed: a channel, a server's URL.
    pub target: String,
    /// The server's identifier of the change: a generation, a URL.
    pub identifier: String,
    /// Digests of what is there now, by name.
    pub digests: BTreeMap<String, String>,
    /// `true` if a probe found it there already.
    pub found: bool,
}

/// What a probe saw. A conflict never overwrites, and unknown is never "not done".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// The effect has happened, with the same digests.
    Done(Receipt),
    /// Nothing of it has happened.
    NotDone,
    /// Some of it has happened; running it again completes it.
    Partial(String),
    /// Something else is there, described.
    Conflict(String),
    /// The target could not be asked, with the reason.
    Unknown(String),
}

/// What a step reads: it decides what is in its key, and which steps run before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Whether the job's source files are read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub source: bool,
    /// Kinds of steps of the same job whose artifacts are read: `"wheel"`, `"lock"`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
    /// Kinds of steps of the same job that must have passed first; nothing of theirs is read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Environment variables that the step's commands see; their values are in the key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
    /// Programs, found on `PATH`, whose digests are in the key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub executables: Vec<String>,
    /// Secrets that the step asks for with [`Work::secret`], by the names by which it does, and where they are. What they are is in
    /// no key; without them, as in a pull request of a fork, the step does not run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretFrom>,
    /// Whether the run's index is read: then the uploads of upstream jobs come first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub index: bool,
}

impl Inputs {
    /// Nothing at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The job's source files: what git tracks or would track there.
    #[must_use]
    pub fn source() -> Self {
        Self { source: true, ..Self::default() }
    }

    /// Adds the artifacts of another step of the same job, named by its kind.
    #[must_use]
    pub fn artifact(mut self, kind: &str) -> Self {
        self.artifacts.push(kind.to_owned());
        self
    }

    /// Adds a step of the same job, named by its kind, that must have passed first.
    #[must_use]
    pub fn after(mut self, kind: &str) -> Self {
        self.after.push(kind.to_owned());
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn environment(mut self, name: &str) -> Self {
        self.environment.push(name.to_owned());
        self
    }

    /// Adds a secret, and where it is.
    #[must_use]
    pub fn secret(mut self, name: &str, from: SecretFrom) -> Self {
        self.secrets.insert(name.to_owned(), from);
        self
    }

    /// Adds secrets by their names.
    pub(crate) fn secrets(mut self, secrets: &BTreeMap<String, SecretFrom>) -> Self {
        self.secrets.extend(secrets.clone());
        self
    }

    /// Adds the run's index: what upstream jobs have uploaded is seen.
    #[must_use]
    pub fn index(mut self) -> Self {
        self.index = true;
        self
    }

    /// Adds a program.
    #[must_use]
    pub fn executable(mut self, name: &str) -> Self {
        self.executables.push(name.to_owned());
        self
    }
}

/// One node of a job. GoPythonGo's own steps are values of types that implement this trait, and a
/// team's are too. The type's serialised fields are its options; they, [`KIND`](Step::KIND) and
/// [`VERSION`](Step::VERSION) are in its cache key.
///
/// A pure step reads what it declares, which is the job's source unless it says otherwise, and leaves artifacts, facts
/// and a line for people. It runs again only when something that it reads has changed:
///
/// ```
/// use std::fs;
/// use gopythongo::{prelude::*, run::{Failure, Step, Work}};
/// use serde::Serialize;
///
/// /// Lists what is still to do in the source, and fails if it is too much.
/// #[derive(Debug, Serialize)]
/// struct Todos { most: usize }
///
/// impl Step for Todos {
///     const KIND: &'static str = "todos";
///     const VERSION: u32 = 1;
///
///     fn outputs(&self) -> Vec<String> {
///         vec!["list".to_owned()]
///     }
///
///     fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
///         let mut found = Vec::new();
///         for file in &work.tree()?.files {
///             let path = work.source().join(&file.path);
///             let bytes = fs::read(&path).map_err(Failure::io("cannot read", &path))?;
///             let text = String::from_utf8_lossy(&bytes);
///             let lines = text.lines().filter(|line| line.contains("TODO"));
///             found.extend(lines.map(|line| format!("{}: {}", file.path.display(), line.trim())));
///         }
///         let list = work.output("list", "todos.txt")?;
///         fs::write(&list, found.join("\n")).map_err(Failure::io("cannot write", &list))?;
///         work.fact("todos", found.len());
///         work.summary(format!("{} to do", found.len()));
///         match found.len() <= self.most {
///             true => Ok(()),
///             false => Err(Failure::new(format!("{} things to do, and {} are allowed", found.len(), self.most))
///                 .hint("do some of them")),
///         }
///     }
/// }
///
/// let money = library("money").source("libs/money").step(Todos { most: 20 });
/// ```
///
/// An effect changes the outside world: it says how it may be repeated, it runs when the pure steps of its job have passed,
/// and it leaves a receipt. What can be looked for is `Keyed` or `Content` and has a [`probe`](Step::probe); what cannot is
/// `Blind`: if a run is killed between its beginning and its receipt, the run stops there until somebody has looked and
/// said `resume --assume done|undone STEP`.
///
/// ```
/// use std::collections::BTreeMap;
/// use gopythongo::{prelude::*, run::{EffectClass, Failure, Inputs, Nature, Receipt, Step, Work, process::Command}};
/// use serde::Serialize;
///
/// /// Tells the team what was built.
/// #[derive(Debug, Serialize)]
/// struct Announce { to: &'static str }
///
/// impl Step for Announce {
///     const KIND: &'static str = "announce";
///     const VERSION: u32 = 1;
///
///     fn nature(&self) -> Nature {
///         Nature::Effect(EffectClass::Blind)
///     }
///
///     fn inputs(&self) -> Inputs {
///         Inputs::none().artifact("wheel")
///     }
///
///     fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
///         let version = work.outcome("wheel").and_then(|wheel| wheel.facts.get("version")).cloned();
///         let subject = format!("{} {}", work.step().job, version.unwrap_or_default());
///         let mail = Command::new("/usr/bin/mail").args(["-s", &subject, self.to]).env("PATH", "/usr/bin:/bin");
///         work.run(&mail)?;
///         let (target, identifier) = (self.to.to_owned(), subject);
///         work.receipt(Receipt { target, identifier, digests: BTreeMap::new(), found: false });
///         Ok(())
///     }
/// }
///
/// let money = library("money").source("libs/money").pytest().on(Master, |job| job.step(Announce { to: "team" }));
/// ```
pub trait Step: fmt::Debug + Serialize + Send + Sync + 'static {
    /// The step's name within its job: `"flake8"`. Lowercase words joined by hyphens.
    const KIND: &'static str;
    /// Counted up when the step does something else with the same options.
    const VERSION: u32;

    /// Pure unless said otherwise.
    fn nature(&self) -> Nature {
        Nature::Pure
    }

    /// The kinds of builds in which the step runs unless `.on` or `.except` say otherwise: all of them for a pure step,
    /// [`Kinds::SHARED`] for an effect.
    fn default_kinds(&self) -> Kinds {
        match self.nature() {
            Nature::Pure => Kinds::ALL,
            Nature::Effect(_) => Kinds::SHARED,
        }
    }

    /// Whether an effect reaches no further than the run's own stage, from where nobody else has it: then a pull request of a
    /// fork may have it too. Not unless said otherwise.
    fn stays_in_stage(&self) -> bool {
        false
    }

    /// What tells two steps of one kind in one job apart, as in `command:docs`. None by default.
    fn label(&self) -> Option<String> {
        None
    }

    /// The job's source unless said otherwise.
    fn inputs(&self) -> Inputs {
        Inputs::source()
    }

    /// Names of the artifacts that the step leaves under [`Work::output`]. None by default.
    fn outputs(&self) -> Vec<String> {
        Vec::new()
    }

    /// After which the step is ended and fails; 30 minutes by default.
    fn timeout(&self) -> Duration {
        Duration::from_secs(30 * 60)
    }

    /// Roughly how long the step takes on each file of its source, compared with other steps; 1 by default, 8 for a test
    /// suite. Of steps that could run, the one with the longest way to the end of the run is started first.
    fn effort(&self) -> usize {
        1
    }

    /// Adds what decides the outcome of a pure step to its key: the declared inputs, by default.
    /// The reason for running a step again comes from the same walk.
    ///
    /// # Errors
    /// When something that decides cannot be read.
    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        // the plan has what `inputs` gives
        key.declared(&key.step().inputs)
    }

    /// Does the work.
    ///
    /// # Errors
    /// When the step fails.
    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure>;

    /// Called instead of [`run`](Step::run) when the cache has the outcome, with the id of the run in which the step passed:
    /// for what a run must know although nothing is done. Nothing by default.
    ///
    /// # Errors
    /// When it cannot be made known.
    fn recall(&self, _work: &mut Work<'_>, _outcome: &Outcome, _run: &str) -> Result<(), Failure> {
        Ok(())
    }

    /// Whether what it measures is recorded with the promotion, for later builds to be compared with. By default nothing is.
    fn is_ratchet(&self) -> bool {
        false
    }

    /// The same step on another Python (`3.12`), for a job with `.pythons([..])`. None for a step that runs once.
    fn on_python(&self, _python: &str) -> Option<AnyStep> {
        None
    }

    /// Looks, without changing anything, whether the effect has happened. Only asked of effects.
    fn probe(&self, _work: &mut Work<'_>) -> Probe {
        Probe::Unknown(format!("`{}` has no probe", Self::KIND))
    }
}

/// A step whose type is forgotten: what jobs hold and the runner runs.
pub type AnyStep = Arc<dyn DynStep>;

/// [`Step`] without its constants, so that steps of all types fit one list. Implemented for every step.
#[expect(missing_docs, reason = "each method is the one of the same name in `Step`")]
pub trait DynStep: Any + fmt::Debug + Send + Sync {
    fn kind(&self) -> &'static str;
    fn version(&self) -> u32;
    fn options(&self) -> serde_json::Value;
    fn nature(&self) -> Nature;
    fn default_kinds(&self) -> Kinds;
    fn stays_in_stage(&self) -> bool;
    fn label(&self) -> Option<String>;
    fn inputs(&self) -> Inputs;
    fn outputs(&self) -> Vec<String>;
    fn timeout(&self) -> Duration;
    fn effort(&self) -> usize;
    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure>;
    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure>;
    fn recall(&self, work: &mut Work<'_>, outcome: &Outcome, run: &str) -> Result<(), Failure>;
    fn is_ratchet(&self) -> bool;
    fn on_python(&self, python: &str) -> Option<AnyStep>;
    fn probe(&self, work: &mut Work<'_>) -> Probe;
}

impl<S: Step> DynStep for S {
    fn kind(&self) -> &'static str {
        S::KIND
    }
    fn version(&self) -> u32 {
        S::VERSION
    }
    fn options(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_else(|error| format!("{error}").into())
    }
    fn nature(&self) -> Nature {
        Step::nature(self)
    }
    fn default_kinds(&self) -> Kinds {
        Step::default_kinds(self)
    }
    fn stays_in_stage(&self) -> bool {
        Step::stays_in_stage(self)
    }
    fn label(&self) -> Option<String> {
        Step::label(self)
    }
    fn inputs(&self) -> Inputs {
        Step::inputs(self)
    }
    fn outputs(&self) -> Vec<String> {
        Step::outputs(self)
    }
    fn timeout(&self) -> Duration {
        Step::timeout(self)
    }
    fn effort(&self) -> usize {
        Step::effort(self)
    }
    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        Step::key(self, key)
    }
    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        Step::run(self, work)
    }
    fn recall(&self, work: &mut Work<'_>, outcome: &Outcome, run: &str) -> Result<(), Failure> {
        Step::recall(self, work, outcome, run)
    }
    fn is_ratchet(&self) -> bool {
        Step::is_ratchet(self)
    }
    fn on_python(&self, python: &str) -> Option<AnyStep> {
        Step::on_python(self, python)
    }
    fn probe(&self, work: &mut Work<'_>) -> Probe {
        Step::probe(self, work)
    }
}
