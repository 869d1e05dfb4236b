//! The end of a chain: what its methods left for each other is put together, and its mistakes are found.

use std::{any::Any, collections::BTreeMap, ops::Range, path::Path, sync::Arc};

use super::{CommandStep, Declaration, Diagnostic, Job, Location, Source, draft::Draft, gate};
use crate::{
    context::{BuildKind, Kinds, git::is_branch_name},
    package::Deb,
    python::{CoverageRatchet, DiffCoverage, IntegrationTests, Pytest, Requirement, Tox, Virtualenv},
    run::{AnyStep, Step},
    version::VersionFrom,
};

/// `money`, `py-3.11_fast`: what may be a name of a job, and a part of a file's name.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
}

impl Draft {
    /// The job, with everything that the chain got wrong.
    pub(super) fn finish(mut self) -> Job {
        self.take_source();
        self.take_tox_envs();
        self.take_ratchet_required();
        self.check_measured(CoverageRatchet::KIND, ".coverage_ratchet()");
        self.check_measured(DiffCoverage::KIND, ".diff_coverage(…)");
        self.check_package();
        self.check_gate();
        let names: Vec<String> = self.job.steps.iter().map(Declaration::name).collect();
        self.check_steps(&names);
        self.check_redundancy(&names);
        self.job
    }

    fn take_source(&mut self) {
        let subdirectory = self.subdirectory.take();
        let revision = self.revision.take();
        if let (Some((_, location)), false) = (&revision, matches!(self.source, Some((Source::Git { .. }, _)))) {
            let message = format!("`.revision` of `{}` is without a `.git`", self.job.name);
            self.mistake(
                Diagnostic::error(message, location).suggest("a version of a release is `.sdist(\"name==1.0\")`"),
            );
        }
        match self.source.take() {
            Some((Source::Git { url, .. }, location)) => {
                self.check_url(&url, &location);
                if let Some((revision, location)) = revision.as_ref().filter(|(revision, _)| !is_branch_name(revision))
                {
                    let message = format!("`{revision}` is not a revision: a tag, a branch or a whole commit");
                    self.mistake(Diagnostic::error(message, location));
                }
                if let Some((directory, location)) = &subdirectory {
                    self.check_path("subdirectory", directory, location);
                }
                let (revision, subdirectory) = (revision.map(|(name, _)| name), subdirectory.map(|(path, _)| path));
                self.job.source = Source::Git { url, revision, subdirectory };
                return;
            }
            Some((Source::Directory(directory), location)) => {
                self.check_path("source", &directory, &location);
                self.job.source = Source::Directory(directory);
            }
            Some((Source::Sdist { requirement, .. }, location)) => {
                if requirement.parse::<Requirement>().ok().and_then(|parsed| parsed.pin().cloned()).is_none() {
                    let message =
                        format!("`.sdist` of `{}` takes one exact version, not `{requirement}`", self.job.name);
                    self.mistake(Diagnostic::error(message, &location).suggest("write `markupsafe==3.0.2`"));
                }
                if let Some((directory, location)) = &subdirectory {
                    self.check_path("subdirectory", directory, location);
                }
                let subdirectory = subdirectory.map(|(directory, _)| directory);
                self.job.source = Source::Sdist { requirement, subdirectory };
                return;
            }
            None => {}
        }
        if let Some((directory, location)) = subdirectory {
            let message = format!("`.subdirectory` of `{}` is without an `.sdist` or a `.git`", self.job.name);
            let suggestion = format!("write `.source(\"…/{}\")` for a source in a directory", directory.display());
            self.mistake(Diagnostic::error(message, &location).suggest(suggestion));
        }
    }

    /// A pipeline is in a repository, and its plan is printed: no URL in it holds a password.
    fn check_url(&mut self, url: &str, location: &Location) {
        let host = url.split_once("://").map(|(scheme, rest)| (scheme, rest.split('/').next().unwrap_or_default()));
        let user = host.and_then(|(scheme, host)| Some((scheme, host.rsplit_once('@')?.0)));
        let diagnostic = match user {
            Some((scheme, user)) if user.contains(':') || scheme.starts_with("http") => {
                let message = format!("the URL of `.git(…)` of `{}` holds credentials", self.job.name);
                Diagnostic::error(message, location)
                    .suggest("leave out what stands before the `@`: git asks its credential helper")
            }
            _ if url.trim().is_empty() || url.starts_with('-') || url.contains("::") => {
                let message = format!("`{url}`, of `.git(…)` of `{}`, is no URL of a repository", self.job.name);
                Diagnostic::error(message, location).suggest("write `https://git.example.com/billing.git`")
            }
            _ => return,
        };
        self.mistake(diagnostic);
    }

    fn take_tox_envs(&mut self) {
        if let Some((environments, location)) = self.tox_envs.take()
            && self.change(|tox: &Tox| tox.clone().envs(environments.clone())) == 0
        {
            let message = format!("`.tox_envs` of `{}` is without a `.tox()`", self.job.name);
            self.mistake(Diagnostic::error(message, &location).suggest("add `.tox()`"));
        }
    }

    fn take_ratchet_required(&mut self) {
        if let Some(location) = self.ratchet_required.take()
            && self.change(|ratchet: &CoverageRatchet| ratchet.clone().required()) == 0
        {
            let message = format!("`.ratchet_required` of `{}` is without a `.coverage_ratchet()`", self.job.name);
            self.mistake(Diagnostic::error(message, &location).suggest("add `.coverage_ratchet()`"));
        }
    }

    /// What judges coverage would judge nothing without a figure.
    fn check_measured(&mut self, kind: &str, call: &str) {
        let judges = |declaration: &&Declaration| declaration.step.kind() == kind;
        let Some(judge) = self.job.steps.iter().find(judges) else {
            return;
        };
        let readable = judge.step.inputs().artifacts;
        let measures = |declaration: &&Declaration| {
            readable.iter().any(|kind| kind == declaration.step.kind())
                && declaration.step.outputs().iter().any(|output| output == "coverage")
        };
        let all = |kinds: Kinds, declaration: &Declaration| kinds.or(declaration.kinds);
        let wanted = self.job.steps.iter().filter(judges).fold(Kinds::NONE, all);
        let measured = self.job.steps.iter().filter(measures).fold(Kinds::NONE, all);
        let (name, missing) = (&self.job.name, wanted.without(measured));
        let diagnostic = if !self.job.steps.iter().any(|declaration| measures(&declaration)) {
            let message = format!("`{call}` of `{name}` has no figure: no step measures coverage");
            Diagnostic::error(message, &judge.location).suggest("add `.pytest()` or `.tox()`")
        } else if !missing.is_empty() {
            let message =
                format!("`{call}` of `{name}` has no figure on {missing} builds: no step measures coverage there");
            Diagnostic::warning(message, &judge.location)
        } else {
            return;
        };
        self.mistake(diagnostic);
    }

    /// A package is made of something.
    fn check_package(&mut self) {
        let of_kind =
            |kind: &'static str| self.job.steps.iter().filter(move |declaration| declaration.step.kind() == kind);
        let kinds = |declarations: &mut dyn Iterator<Item = &Declaration>| {
            declarations.fold(Kinds::NONE, |kinds, declaration| kinds.or(declaration.kinds))
        };
        let Some(package) = of_kind(Deb::KIND).next() else {
            return;
        };
        let missing = kinds(&mut of_kind(Deb::KIND)).without(kinds(&mut of_kind(Virtualenv::KIND)));
        let name = &self.job.name;
        let diagnostic = if of_kind(Virtualenv::KIND).next().is_none() {
            let message = format!("`.deb(…)` of `{name}` has nothing to pack: the job builds no virtual environment");
            Diagnostic::error(message, &package.location).suggest(format!("add `.virtualenv(\"/opt/{name}\")`"))
        } else if !missing.is_empty() {
            let message = format!(
                "`.deb(…)` of `{name}` has nothing to pack on {missing} builds: no virtual environment is built there"
            );
            Diagnostic::error(message, &package.location)
        } else {
            return;
        };
        self.mistake(diagnostic);
    }

    /// The tests of a gate run in every build, and no others in their place.
    fn check_gate(&mut self) {
        let Some(gate) = &self.job.gate else { return };
        let others = |kind: &BuildKind| {
            let declared = self.job.declared(IntegrationTests::KIND, *kind);
            declared.filter(|declared| {
                let step: &dyn Any = declared.step.as_ref();
                step.downcast_ref() != Some(&gate.tests)
            })
        };
        let other = Kinds::ALL.iter().find_map(|kind| others(&kind)).map(|declared| {
            let message = format!("these integration tests of `{}` stand in place of those of its gate", self.job.name);
            Diagnostic::error(message, &declared.location)
                .and("the gate", &gate.location)
                .suggest("give the gate the directory that holds both, or make them a `.command(…)`")
        });
        let mistakes = gate::mistake(&gate.key, &gate.location).into_iter().chain(other);
        self.job.diagnostics.extend(mistakes.collect::<Vec<_>>());
    }

    /// Names of steps become names of files; two types under one name would be one step with two meanings.
    fn check_steps(&mut self, names: &[String]) {
        let mut found = Vec::new();
        let mut types = BTreeMap::new();
        for (declaration, name) in self.job.steps.iter().zip(names) {
            let (step, location) = (&declaration.step, &declaration.location);
            if !is_name(step.kind()) || step.kind().contains(['.', '_']) {
                let message = format!("`{}` is not a kind of step", step.kind());
                let suggestion = "a kind is lowercase words joined by hyphens: `check-translations`";
                found.push(Diagnostic::error(message, location).suggest(suggestion));
            }
            if let Some(label) = step.label().filter(|label| !is_name(label)) {
                let message = format!("`{label}` is not a name for a `{}`", step.kind());
                found.push(Diagnostic::error(message, location).suggest(NAMES));
            }
            let any: &dyn Any = step.as_ref();
            if let Some(problem) = any.downcast_ref::<CommandStep>().and_then(CommandStep::mistake) {
                found.push(Diagnostic::error(format!("`{name}` of `{}` {problem}", self.job.name), location));
            }
            if let Some((what, suggestion)) = any.downcast_ref::<Virtualenv>().and_then(Virtualenv::mistake) {
                let message = format!("the `{name}` of `{}` cannot be: {what}", self.job.name);
                found.push(Diagnostic::error(message, location).suggest(suggestion));
            }
            for refusal in Deb::of(step).map(|deb| deb.mistakes(&self.job.name)).unwrap_or_default() {
                let message = format!("the `{name}` of `{}` cannot be: {refusal}", self.job.name);
                let diagnostic = Diagnostic::error(message, location);
                found.push(refusal.hint.into_iter().fold(diagnostic, Diagnostic::suggest));
            }
            let suites = any.downcast_ref::<Pytest>().and_then(Pytest::mistake);
            let suites = suites.or_else(|| any.downcast_ref::<IntegrationTests>().and_then(IntegrationTests::mistake));
            if let Some(problem) = suites {
                let message = format!("`{name}` of `{}` has {problem}", self.job.name);
                let suggestion = "`Quarantine::new(\"tests/test_x.py::test_y\", \"ana@example.com\", \"2026-12-31\")`";
                found.push(Diagnostic::error(message, location).suggest(suggestion));
            }
            let (first, at) = types.entry(name).or_insert_with(|| (any.type_id(), location));
            if *first != any.type_id() {
                let message = format!("two different steps of `{}` are both `{name}`", self.job.name);
                found.push(Diagnostic::error(message, location).and("the first one", at));
            }
        }
        self.job.diagnostics.append(&mut found);
    }

    /// Finds declarations without which the job would be the same.
    fn check_redundancy(&mut self, names: &[String]) {
        let mut namesakes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            namesakes.entry(name).or_default().push(at);
        }
        let mut found: Vec<(usize, Diagnostic)> = Vec::new();
        for (name, places) in namesakes {
            let doubts = places.iter().map(|at| (*at, redundancy(&self.job.steps, *at, name, &places)));
            found.extend(doubts.filter_map(|(at, doubt)| Some((at, doubt?))));
        }
        found.sort_by_key(|(at, _)| *at);
        self.job.diagnostics.extend(found.into_iter().map(|(_, doubt)| doubt));
    }

    fn check_path(&mut self, method: &str, path: &Path, location: &Location) {
        let message = if path.as_os_str().is_empty() {
            format!("`.{method}` of `{}` is empty", self.job.name)
        } else if path.is_absolute() {
            format!("`.{method}` of `{}` is absolute: `{}` is not on every machine", self.job.name, path.display())
        } else {
            return;
        };
        self.mistake(Diagnostic::error(message, location).suggest(format!("paths are relative to {}", base(method))));
    }

    pub(super) fn set_version(&mut self, version: String, location: &Location) {
        if !self.plain("version", location) {
            return;
        }
        if let Err(error) = version.parse::<pep440_rs::Version>() {
            let message = format!("`{version}` is not a version (PEP 440): {error}");
            self.mistake(Diagnostic::error(message, location));
        }
        self.job.version = Some(version);
    }

    pub(super) fn set_version_from(&mut self, from: VersionFrom, location: &Location) {
        if !self.plain("version_from", location) {
            return;
        }
        if let VersionFrom::Search { file, .. } = &from {
            self.check_path("version_from", file, location);
        }
        if let VersionFrom::Apt { repository, signed_by: None, .. } = &from {
            let message = format!(
                "the signature of `{repository}`, which decides the version of `{}`, is not verified",
                self.job.name
            );
            let todo = "give its keys, as apt's `Signed-By` does: `.signed_by(\"keys/apt.asc\")`";
            self.mistake(Diagnostic::warning(message, location).suggest(todo));
        }
        self.job.version_from = Some(from);
    }

    pub(super) fn set_constraints(&mut self, file: std::path::PathBuf, location: &Location) {
        if self.plain("constraints", location) {
            self.check_path("constraints", &file, location);
            self.job.constraints = Some(file);
        }
    }

    pub(super) fn set_pythons<P: Into<String>>(&mut self, versions: impl IntoIterator<Item = P>, location: &Location) {
        if !self.plain("pythons", location) {
            return;
        }
        for version in versions {
            let version = version.into();
            let numbers: Vec<&str> = version.split('.').collect();
            let well_formed = (2..=3).contains(&numbers.len()) && numbers.iter().all(|n| n.parse::<u16>().is_ok());
            if !well_formed {
                let message = format!("`{version}` is not a Python version");
                self.mistake(Diagnostic::error(message, location).suggest("write `3.12`"));
            } else if self.job.pythons.contains(&version) {
                self.mistake(Diagnostic::warning(format!("Python {version} is named twice"), location));
                continue;
            }
            self.job.pythons.push(version);
        }
    }

    /// Replaces every declared step of a type by a changed one; how many there were.
    fn change<S: Step>(&mut self, change: impl Fn(&S) -> S) -> usize {
        let mut changed = 0;
        for declaration in &mut self.job.steps {
            let any: &dyn Any = declaration.step.as_ref();
            if let Some(step) = any.downcast_ref::<S>() {
                let step: AnyStep = Arc::new(change(step));
                declaration.step = step;
                changed += 1;
            }
        }
        changed
    }

    fn mistake(&mut self, diagnostic: Diagnostic) {
        self.job.diagnostics.push(diagnostic);
    }
}

pub(super) const NAMES: &str = "a name begins with a lowercase letter or a digit; `.`, `_` and `-` may follow, too";

fn base(method: &str) -> &'static str {
    match method {
        "subdirectory" => "the top of the source distribution or repository",
        "version_from" => "the job's source",
        _ => "the pipeline's root",
    }
}

/// The warning for a declaration without which every kind of build would have the same step with the same options; it is one
/// of those that are called `name`.
fn redundancy(steps: &[Declaration], at: usize, name: &str, namesakes: &[usize]) -> Option<Diagnostic> {
    let this = &steps[at];
    let last_of = |places: Range<usize>, kind: BuildKind| {
        namesakes.iter().copied().rfind(|n| places.contains(n) && steps[*n].kinds.contains(kind))
    };
    let later = |kind: BuildKind| last_of(at + 1..steps.len(), kind);
    if this.kinds.is_empty() {
        let condition = this.condition.as_deref().unwrap_or("its conditions");
        let message = format!("`{name}` runs in no build: {condition} leaves it no kind");
        return Some(Diagnostic::warning(message, &this.location));
    }
    if namesakes.len() == 1 {
        return None;
    }
    let options = this.step.options();
    let hidden: Vec<Option<usize>> = this.kinds.iter().map(later).collect();
    if let Some(by) = hidden.iter().copied().collect::<Option<Vec<usize>>>().and_then(|by| by.into_iter().max()) {
        let by = &steps[by];
        // The later one of two equals is the one to complain of, and the next lines do when its turn comes.
        if by.step.options() == options && by.condition.is_some() == this.condition.is_some() {
            return None;
        }
        let message = format!("this `{name}` is never used: a later one covers the same builds");
        return Some(Diagnostic::warning(message, &this.location).and("the later one", &by.location));
    }
    let mut earlier = None;
    for kind in this.kinds.iter().filter(|kind| later(*kind).is_none()) {
        let found = last_of(0..at, kind).filter(|found| steps[*found].step.options() == options)?;
        earlier = Some(found);
    }
    let earlier = &steps[earlier?];
    let message = match &this.condition {
        Some(condition) => format!("{condition} changes nothing: `{name}` runs there already, with the same options"),
        None => format!("`{name}` is declared twice, with the same options"),
    };
    Some(Diagnostic::warning(message, &this.location).and("the first one", &earlier.location))
}
