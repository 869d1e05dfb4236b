//! A tool that runs in an environment of its own: what is installed there, on which interpreter.

use crate::{
    context::Interpreter,
    run::{Failure, Key},
};

/// What an environment of the tool cache holds. Equal tools share one environment, in all projects and runs of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Tool {
    /// What the environment is named for: `flake8`, `build`.
    pub(crate) name: String,
    /// Requirements (PEP 508), the tool itself among them, sorted.
    pub(crate) requirements: Vec<String>,
    /// Constraints (PEP 508), sorted.
    pub(crate) constraints: Vec<String>,
    /// What else tells environments with the same requirements apart: digests of packages that the pipeline owns.
    pub(crate) origins: Vec<String>,
    /// The interpreter; the default one of the run if it is `None`.
    pub(crate) python: Option<Interpreter>,
}

impl Tool {
    /// A tool at a version.
    pub fn new(name: &str, version: &str) -> Self {
        Self::bare(name).with([format!("{name}=={version}")])
    }

    /// An environment of a name that holds nothing yet.
    pub fn bare(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            requirements: Vec::new(),
            constraints: Vec::new(),
            origins: Vec::new(),
            python: None,
        }
    }

    /// Adds requirements: plug-ins.
    pub fn with<R: Into<String>>(mut self, requirements: impl IntoIterator<Item = R>) -> Self {
        self.requirements.extend(requirements.into_iter().map(Into::into));
        self.requirements.sort();
        self.requirements.dedup();
        self
    }

    /// Adds constraints.
    pub fn constrained<C: Into<String>>(mut self, constraints: impl IntoIterator<Item = C>) -> Self {
        self.constraints.extend(constraints.into_iter().map(Into::into));
        self.constraints.sort();
        self.constraints.dedup();
        self
    }

    /// Sets the interpreter; the default one of the run if it is not called.
    pub fn python(mut self, python: &Interpreter) -> Self {
        self.python = Some(python.clone());
        self
    }

    /// What tells the environment of this tool apart.
    pub(in crate::python) fn parts(&self, python: &Interpreter) -> Vec<String> {
        let mut parts = vec![python.path.display().to_string(), python.version.clone()];
        for list in [&self.requirements, &self.constraints, &self.origins] {
            parts.extend(list.iter().cloned());
            parts.push("|".to_owned());
        }
        parts
    }

    /// What is installed, on which version of Python: a part of a step's key.
    pub(crate) fn describe(&self) -> String {
        let python = self.python.iter().map(|python| format!("{} {}", python.implementation, python.version));
        let origins = self.origins.iter().cloned();
        self.requirements
            .iter()
            .chain(&self.constraints)
            .cloned()
            .chain(origins)
            .chain(python)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Adds what is installed, and the interpreter that it runs on, to a step's key.
    ///
    /// # Errors
    /// When the interpreter cannot be read.
    pub(in crate::python) fn add_to(&self, name: &str, key: &mut Key<'_>) -> Result<(), Failure> {
        key.part(name, self.describe());
        self.python.iter().try_for_each(|python| key.program("the interpreter", &python.path))
    }

    /// Adds what tells this environment apart from one with the same requirements.
    pub(crate) fn origins(mut self, origins: Vec<String>) -> Self {
        self.origins = origins;
        self
    }
}
