//! A job: what a build server would call a job; the plain data that the builders make.

use std::path::PathBuf;

use serde::{Deserialize, Serialize, ser::SerializeStruct};

use super::{Diagnostic, Gate, Location, Source};
use crate::{
    context::Kinds,
    run::{AnyStep, Manner},
    version::VersionFrom,
};

/// Which builder made the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    /// `library(..)`.
    Library,
    /// `application(..)`.
    Application,
    /// `deployment(..)`.
    Deployment,
}

/// A step that a job declares, and the build kinds for which it does.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// The step.
    pub step: AnyStep,
    /// How it is run: `.weight(2)`, `.exclusive("database")`.
    pub manner: Manner,
    /// The kinds of builds in which it runs.
    pub kinds: Kinds,
    /// Why it runs for those kinds: empty for a default, else `` `.on(…)` ``.
    pub condition: Option<String>,
    /// The line that declared it.
    pub location: Location,
}

impl PartialEq for Declaration {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
            && self.step.version() == other.step.version()
            && self.step.options() == other.step.options()
            && self.manner == other.manner
            && self.kinds == other.kinds
    }
}

impl Serialize for Declaration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Declaration", 6)?;
        fields.serialize_field("kind", self.step.kind())?;
        fields.serialize_field("version", &self.step.version())?;
        fields.serialize_field("label", &self.step.label())?;
        fields.serialize_field("options", &self.step.options())?;
        fields.serialize_field("on", &self.kinds)?;
        if !self.manner.is_ordinary() {
            fields.serialize_field("manner", &self.manner)?;
        }
        fields.end()
    }
}

/// A name that a job mentions, and the line where it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mention {
    /// The name.
    pub name: String,
    /// The line.
    #[serde(skip)]
    pub location: Location,
}

/// A job of the pipeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// Which builder made it.
    pub kind: JobKind,
    /// Where its source is; the pipeline's root by default. A deployment has none.
    pub source: Source,
    /// The steps that it declares, in the order of their declaration.
    pub steps: Vec<Declaration>,
    /// How all its steps are run, besides what each one says of itself.
    #[serde(skip_serializing_if = "Manner::is_ordinary")]
    pub manner: Manner,
    /// The jobs whose inputs this job's artifacts are.
    pub downstream: Vec<Mention>,
    /// Where `.downstream_auto()` stands: who says that it needs the job's distribution is downstream too.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_flag")]
    pub downstream_auto: Option<Location>,
    /// The application that a deployment takes packages of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploys: Option<Mention>,
    /// Python versions (`3.11`) that tests run on; empty for the default interpreter alone.
    pub pythons: Vec<String>,
    /// Names that tool and build environments may take from the stage (`.bootstrap`).
    pub bootstrap: Vec<String>,
    /// The version of `.version(..)`, which replaces the one that the source says.
    pub version: Option<String>,
    /// Where `.version_from(..)` says that the version comes from; what the project says by itself if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_from: Option<VersionFrom>,
    /// The requirement file of `.constraints(..)`, relative to the pipeline's root, whose pins hold when the job's test
    /// environments are resolved.
    pub constraints: Option<PathBuf>,
    /// What an application passes before a protected environment takes it; of a deployment, what it was told of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// Mistakes that the builder saw.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
    /// The line that made the job.
    #[serde(skip)]
    pub location: Location,
}

/// That a line is there: which one is of no consequence.
fn as_flag<S: serde::Serializer>(location: &Option<Location>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(location.is_some())
}

impl Job {
    /// Whether it has a source that is read, checked and built: every job but a deployment.
    #[must_use]
    pub fn is_built(&self) -> bool {
        self.kind != JobKind::Deployment
    }

    /// The step that the job declares of a kind (and label) in builds of a build kind: the latest declaration that covers it.
    #[must_use]
    pub fn declared(&self, id: &str, kind: crate::context::BuildKind) -> Option<&Declaration> {
        self.steps.iter().rev().find(|declaration| declaration.kinds.contains(kind) && declaration.is_called(id))
    }
}

impl Declaration {
    /// Whether its [name](Self::name) is this one.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let rest = name.strip_prefix(self.step.kind());
        rest.is_some_and(|rest| match self.step.label() {
            Some(label) => rest.strip_prefix(':') == Some(label.as_str()),
            None => rest.is_empty(),
        })
    }

    /// `pytest`, `command:docs`: unique within a job.
    #[must_use]
    pub fn name(&self) -> String {
        match self.step.label() {
            Some(label) => [self.step.kind(), ":", &label].concat(),
            None => self.step.kind().to_owned(),
        }
    }
}
