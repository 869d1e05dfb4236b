//! A job while its chain is written: the data so far, and the conditions that the chain stands in.

use std::path::PathBuf;

use super::{Declaration, Diagnostic, Job, JobKind, Location, Mention, Source, scope::Scope};
use crate::run::{AnyStep, Manner};

/// A job while its chain is written.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) job: Job,
    pub(super) scopes: Vec<Scope>,
    pub(super) source: Option<(Source, Location)>,
    pub(super) subdirectory: Option<(PathBuf, Location)>,
    pub(super) revision: Option<(String, Location)>,
    pub(super) tox_envs: Option<(Vec<String>, Location)>,
    pub(super) ratchet_required: Option<Location>,
}

impl Draft {
    pub(super) fn new(name: String, kind: JobKind, location: Location) -> Self {
        let job = Job {
            name,
            kind,
            source: Source::Directory(".".into()),
            steps: Vec::new(),
            manner: Manner::default(),
            downstream: Vec::new(),
            downstream_auto: None,
            deploys: None,
            pythons: Vec::new(),
            bootstrap: Vec::new(),
            version: None,
            version_from: None,
            constraints: None,
            gate: None,
            diagnostics: Vec::new(),
            location,
        };
        Self {
            job,
            scopes: Vec::new(),
            source: None,
            subdirectory: None,
            revision: None,
            tox_envs: None,
            ratchet_required: None,
        }
    }

    /// Adds a step, for the kinds that the conditions around it leave.
    pub(super) fn declare(&mut self, step: AnyStep, manner: Manner, location: Location) {
        let defaults = step.default_kinds();
        let kinds = Scope::kinds(self.scopes.iter(), defaults);
        for at in 0..self.scopes.len() {
            let others = self.scopes.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, scope)| scope);
            let changed = Scope::kinds(others, defaults) != kinds;
            self.scopes[at].changed |= changed;
            self.scopes[at].steps.push(location.clone());
        }
        let condition = (!self.scopes.is_empty())
            .then(|| self.scopes.iter().rev().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(" within "));
        self.job.steps.push(Declaration { step, manner, kinds, condition, location });
    }

    /// Whether something that is not a step may stand here: not inside `.on` or `.except`. If not, says so.
    pub(super) fn plain(&mut self, method: &str, location: &Location) -> bool {
        let Some(scope) = self.scopes.last() else {
            return true;
        };
        let diagnostic =
            Diagnostic::error(format!("`.{method}(…)` stands inside `{scope}`, where only steps may stand"), location)
                .suggest(format!("write `.{method}(…)` outside of it: it holds for every build"))
                .and(format!("`{scope}` begins here"), &scope.location);
        self.job.diagnostics.push(diagnostic);
        false
    }

    pub(super) fn set_source(&mut self, method: &str, source: Source, location: Location) {
        if !self.plain(method, &location) {
            return;
        }
        if let Some((_, first)) = &self.source {
            let diagnostic = Diagnostic::error(format!("`{}` has two sources", self.job.name), &location)
                .and("the first one", first);
            self.job.diagnostics.push(diagnostic);
        } else {
            self.source = Some((source, location));
        }
    }

    pub(super) fn downstream(&mut self, names: impl IntoIterator<Item = impl Into<String>>, location: &Location) {
        if self.plain("downstream", location) {
            let mentions = names.into_iter().map(|name| Mention { name: name.into(), location: location.clone() });
            self.job.downstream.extend(mentions);
        }
    }

    pub(super) fn enter(&mut self, scope: Scope) {
        self.scopes.push(scope);
    }

    /// Ends the innermost condition; one that changed nothing is a doubt.
    pub(super) fn leave(&mut self) {
        let Some(scope) = self.scopes.pop() else {
            return;
        };
        self.job.diagnostics.extend(scope.doubt());
    }

    /// Whether `self` is `before` with more of its chain.
    pub(super) fn continues(&self, before: &Self) -> bool {
        self.job.name == before.job.name
            && self.job.location.place() == before.job.location.place()
            && self.job.steps.len() >= before.job.steps.len()
            && self.scopes.len() == before.scopes.len()
            && self.scopes.iter().zip(&before.scopes).all(|(a, b)| a.location.place() == b.location.place())
    }
}
