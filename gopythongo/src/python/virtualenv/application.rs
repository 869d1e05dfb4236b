//! What is installed as the application itself: its wheel, or, where it is no distribution, its files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{host_python::HostPython, place::Place};
use crate::python::{Lock, LockedFile, LockedPackage, name::normalize, wheel};
use crate::{
    context::JobContext,
    run::{Failure, Work},
    support::Digest,
};

/// Where the files of an application that is no distribution are, below the environment's path.
pub(in crate::python) const FILES: &str = "app";

/// Makes Python find what is there (<https://docs.python.org/3/library/site.html>).
const PATH_FILE: &str = "app.pth";

/// The application itself.
pub(in crate::python) struct Application {
    /// As its distribution is called, else the job.
    pub(in crate::python) name: String,
    /// The version (PEP 440).
    pub(in crate::python) version: String,
    /// `None` if it is no distribution.
    pub(in crate::python) wheel: Option<PathBuf>,
    /// The requirement files of one that is none.
    pub(in crate::python) requirements: Vec<PathBuf>,
}

impl Application {
    /// What the job's `wheel` left, else its source.
    pub(in crate::python) fn of(work: &Work<'_>, python: &HostPython) -> Result<Self, Failure> {
        let job = work.job()?;
        let Some(outcome) = work.outcome("wheel") else {
            if let Some(problem) = job.survey.problems.first() {
                return Err(Failure::new(problem.clone()));
            }
            let requirements = job.survey.requirements.iter().map(|file| job.directory.join(file)).collect();
            let (name, version) = (work.step().job.clone(), version_of_tree(job)?);
            return Ok(Self { name, version, wheel: None, requirements });
        };
        let fact = |name: &str| {
            let fact = outcome.facts.get(name).cloned();
            fact.ok_or_else(|| Failure::refused(format!("`{}/wheel` left no {name}", work.step().job)))
        };
        let (name, version) = (fact("name")?, fact("version")?);
        let wheel = work.artifact("wheel", &wheel::artifact_for(outcome, Some(python.minor())))?;
        Ok(Self { name, version, wheel: Some(wheel), requirements: Vec::new() })
    }

    /// Puts the files of an application that is no distribution into the environment, where Python finds them.
    pub(in crate::python) fn plant(&self, work: &Work<'_>, place: &Place, site: &Path) -> Result<(), Failure> {
        if self.wheel.is_some() {
            return Ok(());
        }
        let directory = place.directory.join(FILES);
        work.tree()?.copy_to(&directory).map_err(Failure::io("cannot copy the source to", &directory))?;
        let file = site.join(PATH_FILE);
        let text = format!("{}\n", place.path.join(FILES).display());
        fs::write(&file, text).map_err(Failure::io("cannot write", &file))
    }

    /// What is installed: the lock, and the application.
    pub(in crate::python) fn locked(&self, mut lock: Lock) -> Result<Lock, Failure> {
        if let Some(wheel) = &self.wheel {
            let file = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let sha256 = Digest::of_file(wheel).map_err(Failure::io("cannot read", wheel))?;
            lock.packages.push(LockedPackage {
                name: normalize(&self.name),
                version: self.version.clone(),
                files: vec![LockedFile { file, sha256 }],
                owned: true,
            });
            lock.packages.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(lock)
    }
}

/// The version of an application that is no distribution.
pub(in crate::python) fn version_of_tree(job: &JobContext) -> Result<String, Failure> {
    let plan = job.version.as_ref().ok_or_else(|| {
        let why = job.survey.version_problem.clone();
        let why = why.unwrap_or_else(|| format!("`{}` does not say its version", job.directory.display()));
        Failure::new(why).hint("give the job one: `.version(\"1.0\")`")
    })?;
    Ok(plan.version(plan.number).to_string())
}
