//! The key of a pure step: everything that decides its outcome, by name. One walk makes the key and the reason for a miss.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Failure, Inputs, Needed, Outcome, work::Shared};
use crate::{
    cache::Parts,
    context::{Context, JobContext, SourceTree},
    plan::PlannedStep,
    support::Digest,
};

/// The parts of a step's key, as they are collected.
pub struct Key<'a> {
    pub(super) shared: &'a Shared,
    pub(super) step: &'a PlannedStep,
    pub(super) needed: &'a Needed<'a>,
    pub(super) parts: Parts,
}

impl<'a> Key<'a> {
    /// Adds a part: what it is, and its value or digest. Names are for people: `source`, `wheel of markupsafe`, `flake8`.
    pub fn part(&mut self, name: impl Display, value: impl Display) {
        self.parts.add(name, value);
    }

    /// Adds everything that is declared.
    ///
    /// # Errors
    /// When the source or a program cannot be read.
    pub fn declared(&mut self, inputs: &Inputs) -> Result<(), Failure> {
        if inputs.source {
            self.source()?;
        }
        for kind in &inputs.artifacts {
            match self.outcome(kind).map(Outcome::digest) {
                Some(digest) => self.part(kind, digest),
                None => self.part(kind, "none"),
            }
        }
        for name in &inputs.environment {
            self.part(format_args!("variable {name}"), std::env::var(name).unwrap_or_default());
        }
        for name in &inputs.executables {
            let path =
                self.shared.trees.find(name).ok_or_else(|| {
                    Failure::lacking(format!("`{name}` is not on PATH")).hint(format!("install {name}"))
                })?;
            self.program(format_args!("program {name}"), &path)?;
        }
        Ok(())
    }

    /// Adds a program, or another file outside of the source, by its digest. It is known by what `stat` says of it: only
    /// one that has changed is read again.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn program(&mut self, name: impl Display, path: &Path) -> Result<(), Failure> {
        let digest = self.shared.trees.program(path)?;
        self.part(name, digest);
        Ok(())
    }

    /// Adds every source file of the job.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn source(&mut self) -> Result<(), Failure> {
        let digest = self.shared.trees.digest(self.step.source.as_deref().unwrap_or(Path::new("")))?;
        self.part(crate::cache::SOURCE, digest);
        Ok(())
    }

    /// The source files of the job.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn tree(&self) -> Result<Arc<SourceTree>, Failure> {
        self.shared.trees.get(&self.directory())
    }

    /// The job's source directory.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.step.source.clone().unwrap_or_default()
    }

    /// What a step of the same job left, if it ran; by its kind.
    #[must_use]
    pub fn outcome(&self, kind: &str) -> Option<&Outcome> {
        super::outcome::of_kind(self.needed, self.step, kind)
    }

    /// What the steps that this one needs left.
    #[must_use]
    pub fn needed(&self) -> &Needed<'a> {
        self.needed
    }

    /// The blob of an artifact; read only.
    #[must_use]
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        crate::cache::blob_path(&self.shared.blobs, digest)
    }

    /// The step.
    #[must_use]
    pub fn step(&self) -> &'a PlannedStep {
        self.step
    }

    /// A service that a domain lends to its steps.
    ///
    /// # Errors
    /// When the run was started without it.
    pub fn service<T: Send + Sync + 'static>(&self) -> Result<Arc<T>, Failure> {
        self.shared.services.get().ok_or_else(|| missing::<T>(&self.step.id))
    }

    /// The context that the plan was made for.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.shared.context
    }

    /// The run's id: for asking services about this run; it must not become a part.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.shared.run
    }

    /// What is known of the job's source.
    ///
    /// # Errors
    /// When the step belongs to no job.
    pub fn job(&self) -> Result<&JobContext, Failure> {
        self.shared.job(self.step)
    }
}

pub(super) fn missing<T>(step: &str) -> Failure {
    Failure::lacking(format!("`{step}` needs a `{}`, which this run does not have", std::any::type_name::<T>()))
}
