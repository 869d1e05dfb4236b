//! Which jobs the command line asks for.

use std::fmt;

use crate::{pipeline::Pipeline, support::words};

/// Which jobs to plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names of jobs; empty for all.
    pub jobs: Vec<String>,
    /// Whether jobs downstream of them are planned too.
    pub downstream: bool,
}

impl Selection {
    /// Checks that the pipeline has every job that is named.
    ///
    /// # Errors
    /// When it has not.
    pub fn check(&self, pipeline: &Pipeline) -> Result<(), UnknownJobs> {
        let jobs: Vec<String> = pipeline.jobs.iter().map(|job| job.name.clone()).collect();
        let unknown: Vec<String> = self.jobs.iter().filter(|name| !jobs.contains(name)).cloned().collect();
        if unknown.is_empty() { Ok(()) } else { Err(UnknownJobs { pipeline: pipeline.name.clone(), unknown, jobs }) }
    }
}

/// Names that are no jobs of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownJobs {
    /// The pipeline's name.
    pub pipeline: String,
    /// The names.
    pub unknown: Vec<String>,
    /// The jobs that there are.
    pub jobs: Vec<String>,
}

impl UnknownJobs {
    /// What was probably meant, else the jobs that there are.
    #[must_use]
    pub fn hint(&self) -> String {
        let jobs = || self.jobs.iter().map(String::as_str);
        let meant: Option<Vec<String>> =
            self.unknown.iter().map(|name| words::nearest(name, jobs()).map(|name| format!("`{name}`"))).collect();
        match meant {
            Some(meant) => format!("did you mean {}?", words::list(&meant)),
            None if self.jobs.is_empty() => "the pipeline has no jobs".to_owned(),
            None => format!("the jobs are {}", words::list(&self.jobs)),
        }
    }
}

impl fmt::Display for UnknownJobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.unknown.iter().map(|name| format!("`{name}`")).collect();
        let jobs = if names.len() == 1 { "job" } else { "jobs" };
        write!(f, "unknown {jobs} {} of pipeline `{}`", words::list(&names), self.pipeline)
    }
}

impl std::error::Error for UnknownJobs {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::library;

    fn check(jobs: &[&str]) -> Result<(), UnknownJobs> {
        let pipeline = Pipeline::new("storefront").job(library("money")).job(library("catalog"));
        Selection { jobs: jobs.iter().map(|name| (*name).to_owned()).collect(), downstream: false }.check(&pipeline)
    }

    #[test]
    fn an_unknown_job_is_refused_with_what_was_meant() {
        check(&["money"]).unwrap();
        let error = check(&["money", "catalgo"]).unwrap_err();
        assert_eq!(error.to_string(), "unknown job `catalgo` of pipeline `storefront`");
        assert_eq!(error.hint(), "did you mean `catalog`?");
    }

    #[test]
    fn where_nothing_is_near_the_jobs_are_listed() {
        let error = check(&["billing", "mony"]).unwrap_err();
        assert_eq!(error.to_string(), "unknown jobs `billing` and `mony` of pipeline `storefront`");
        assert_eq!(error.hint(), "the jobs are money and catalog");
    }
}
