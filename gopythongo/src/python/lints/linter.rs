//! What all linters have: options, an environment of their own, findings, a ratchet.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    finding::{Finding, by_code},
    lint, ratchet,
    sarif::sarif,
};
use crate::{
    context::{Interpreter, Survey},
    python::{Lock, LockedPackage, Tool, Toolchain},
    run::{
        Failure, Inputs, Key, Outcome, Step, Work,
        process::{Command, Status},
    },
};

/// What a linter's report is named.
const REPORT: &str = "sarif";

/// Runs a linter, in an environment of its own, with the project's configuration on the checkout's source, which it only
/// reads. Any finding fails the step, unless there is a [`ratchet`](Self::ratchet). Its findings are kept as SARIF 2.1.0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Lint<L> {
    version: Option<String>,
    plugins: Vec<String>,
    paths: Vec<PathBuf>,
    pub(super) select: Vec<String>,
    pub(super) ignore: Vec<String>,
    pub(super) args: Vec<String>,
    ratchet: bool,
    #[serde(flatten)]
    pub(super) own: L,
}

impl<L: Linter> Lint<L> {
    /// The linter at the version that the project pins, else the default one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the linter's version: `7.1.0`. It goes before the project's own pin.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets what to look at, relative to the source. By default what its configuration says, else the project's packages and
    /// tests.
    pub fn paths<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.paths.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Lets findings be, but no more of any code than there are in the channel: a first promotion records them. For a
    /// project that has many, and shall get no more.
    pub fn ratchet(mut self) -> Self {
        self.ratchet = true;
        self
    }
}

impl<L: Selects> Lint<L> {
    /// Sets which findings count, by code. By default those of the project's configuration.
    pub fn select<C: Into<String>>(mut self, codes: impl IntoIterator<Item = C>) -> Self {
        self.select.extend(codes.into_iter().map(Into::into));
        self
    }

    /// Adds findings that do not count, by code, to those of the project's configuration.
    pub fn ignore<C: Into<String>>(mut self, codes: impl IntoIterator<Item = C>) -> Self {
        self.ignore.extend(codes.into_iter().map(Into::into));
        self
    }
}

impl<L: Extensible> Lint<L> {
    /// Adds plug-ins, as requirements: `flake8-bugbear==24.12.12`.
    pub fn plugins<P: Into<String>>(mut self, plugins: impl IntoIterator<Item = P>) -> Self {
        self.plugins.extend(plugins.into_iter().map(Into::into));
        self
    }
}

/// What tells one linter from another.
pub trait Linter:
    fmt::Debug + Clone + Default + PartialEq + Eq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The name of the tool, of its package and of the step: `flake8`.
    const NAME: &'static str;
    /// How many times the files of the source it takes.
    const EFFORT: usize = 1;
    /// Whether it looks at what the source imports: then an environment with that is made.
    const FOLLOWS_IMPORTS: bool = false;
    /// What its package needs and does not say.
    const REQUIREMENTS: &'static [&'static str] = &[];

    /// What to look at where the step does not say it; nothing where the tool's configuration says it. By default the
    /// project's packages and tests.
    ///
    /// # Errors
    /// When there is nothing.
    fn paths(survey: &Survey, source: &Path) -> Result<Vec<PathBuf>, Failure> {
        lint::paths(Self::NAME, &[], survey, source)
    }

    /// Whether it has to stand in the environment with what the source imports. By default it never has.
    fn stands_inside(_survey: &Survey, _source: &Path) -> bool {
        false
    }

    /// Looks at the source.
    ///
    /// # Errors
    /// When it cannot.
    fn look(lint: &Lint<Self>, place: &Place, work: &mut Work<'_>) -> Result<Looked, Failure>;
}

/// A linter whose findings are chosen by their codes.
pub trait Selects: Linter {}

/// A linter that has plug-ins.
pub trait Extensible: Linter {}

/// Where a linter runs.
#[derive(Debug)]
pub struct Place {
    pub(super) toolchain: Arc<Toolchain>,
    pub(super) version: String,
    pub(super) python: Interpreter,
    /// The environment that holds the linter.
    pub(super) environment: PathBuf,
    /// The environment that holds what the source imports, where that is looked at.
    pub(super) imports: Option<PathBuf>,
    /// What to look at; nothing where the tool's configuration says it.
    pub(super) paths: Vec<PathBuf>,
}

impl Place {
    /// The linter's program, or another one of its environment.
    pub(super) fn command(&self, work: &Work<'_>, program: &str) -> Command {
        lint::command(&self.toolchain, work, &self.environment, program)
    }

    /// A module of the linter's environment, run as a program that can import what the source imports, after what it needs
    /// itself.
    pub(super) fn module(&self, work: &Work<'_>, module: &str) -> Command {
        const SHIM: &str = "import glob, runpy, sys; sys.path += glob.glob(sys.argv.pop(1) + '/lib*/python*/site-packages'); \
                            module = sys.argv.pop(1); sys.argv[0] = module; runpy.run_module(module, None, '__main__', True)";
        let imports = self.imports.as_deref().unwrap_or(&self.environment);
        self.command(work, "python").args(["-I", "-c", SHIM]).arg(imports).arg(module)
    }
}

/// What a linter said.
#[derive(Debug, Default)]
pub struct Looked {
    pub(super) findings: Vec<Finding>,
    /// The failure of the command that found something.
    pub(super) refusal: Option<Failure>,
    /// What to say where there is nothing to say.
    pub(super) summary: Option<String>,
}

impl Looked {
    /// Runs a command and reads its findings line by line. Exit code 0 is a pass, even with findings, which then do not
    /// count; one of `refusing` with findings is a refusal; any other end is an error.
    pub(super) fn at(
        work: &mut Work<'_>,
        name: &str,
        command: &Command,
        refusing: impl Fn(i32) -> bool,
        read: impl Fn(&str) -> Option<Finding>,
    ) -> Result<Self, Failure> {
        let mut findings = Vec::new();
        let (finished, tail) = work.read(command, &mut |line| findings.extend(read(line)))?;
        let refusal = match finished.status {
            Status::Exited(0) => None,
            Status::Exited(code) if refusing(code) && !findings.is_empty() => {
                Some(work.failed(command, &finished, tail, lint::findings(findings.len())))
            }
            _ => return Err(work.failed(command, &finished, tail, format!("{name} could not look at the source"))),
        };
        Ok(Self { findings, refusal, summary: None })
    }
}

impl<L: Linter> Step for Lint<L> {
    const KIND: &'static str = L::NAME;
    const VERSION: u32 = 2;

    fn effort(&self) -> usize {
        L::EFFORT
    }

    fn inputs(&self) -> Inputs {
        let inputs = Inputs::source();
        if L::FOLLOWS_IMPORTS { inputs.artifact("resolve").artifact("wheel") } else { inputs }
    }

    fn outputs(&self) -> Vec<String> {
        vec![REPORT.to_owned()]
    }

    fn is_ratchet(&self) -> bool {
        self.ratchet
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        key.source()?;
        if let Some(lock) = key.outcome("resolve").and_then(|outcome| outcome.artifacts.get("lock")) {
            let digest = lock.digest;
            key.part("lock", digest);
        }
        // The wheel's payload and not its bytes: what is found does not change with a version.
        if let Some(payload) = key.outcome("wheel").and_then(|outcome| outcome.facts.get("payload").cloned()) {
            key.part("wheel", payload);
        }
        let toolchain = key.service::<Toolchain>()?;
        let (_, tool) = self.tool(&toolchain, &key.job()?.survey)?;
        tool.add_to(L::NAME, key)
    }

    fn recall(&self, work: &mut Work<'_>, outcome: &Outcome, _run: &str) -> Result<(), Failure> {
        if self.ratchet { ratchet::recall(work, outcome) } else { Ok(()) }
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let place = self.place(work)?;
        let Looked { findings, refusal, summary } = L::look(self, &place, work)?;
        let below = work.source().strip_prefix(&work.context().root).map(Path::to_owned).unwrap_or_default();
        let report = work.output(REPORT, &format!("{}.sarif", L::NAME))?;
        let text = sarif(L::NAME, &place.version, &below, &findings).to_string();
        fs::write(&report, text).map_err(Failure::io("cannot write", &report))?;
        if self.ratchet {
            return ratchet::compare(work, &by_code(&findings), refusal);
        }
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let nothing = || summary.unwrap_or_else(|| "no findings".to_owned());
        let told = if findings.is_empty() { nothing() } else { lint::findings(findings.len()) };
        work.summary(told);
        Ok(())
    }
}

impl<L: Linter> Lint<L> {
    /// The interpreter that it runs on: where it looks at what the source imports, one that the source admits.
    fn tool(&self, toolchain: &Toolchain, survey: &Survey) -> Result<(String, Tool), Failure> {
        let pythons = toolchain.pythons();
        let python = if L::FOLLOWS_IMPORTS { pythons.for_source(None, survey)? } else { pythons.interpreter(None)? };
        let version = lint::version(L::NAME, self.version.as_ref(), survey, &python.version)?;
        let requirements = L::REQUIREMENTS.iter().map(|name| (*name).to_owned()).chain(self.plugins.clone());
        let tool = Tool::new(L::NAME, &version).with(requirements).python(python);
        Ok((version, tool))
    }

    fn place(&self, work: &mut Work<'_>) -> Result<Place, Failure> {
        let toolchain = work.service::<Toolchain>()?;
        let (survey, source) = (work.job()?.survey.clone(), work.source());
        let paths = if self.paths.is_empty() {
            L::paths(&survey, &source)?
        } else {
            lint::paths(L::NAME, &self.paths, &survey, &source)?
        };
        let (version, tool) = self.tool(&toolchain, &survey)?;
        let pythons = toolchain.pythons();
        let python = tool.python.clone().map_or_else(|| pythons.interpreter(None).cloned(), Ok)?;
        let mut lock = Lock::default();
        let mut imports = None;
        if L::FOLLOWS_IMPORTS {
            if let Some(outcome) = work.outcome("resolve").cloned() {
                lock = Lock::of(work, &outcome)?;
            }
            let wheels = match work.outcome("wheel") {
                Some(_) => vec![work.artifact("wheel", "wheel")?],
                None => Vec::new(),
            };
            // what the code imports: the tests' lock, and the job's own wheel
            let environment = work.scratch().join("env");
            toolchain.environment(work, &environment, &python, &lock, &wheels)?;
            imports = Some(environment);
        }
        let environment = match &imports {
            Some(imports) if L::stands_inside(&survey, &source) => {
                let pin = |package: &LockedPackage| format!("{}=={}", package.name, package.version);
                let pins: Vec<String> = lock.packages.iter().map(pin).collect();
                toolchain.extend(work, imports, &python, &tool.requirements, &pins)?;
                imports.clone()
            }
            _ => toolchain.tool(work, &tool)?,
        };
        Ok(Place { toolchain, version, python, environment, imports, paths })
    }
}
