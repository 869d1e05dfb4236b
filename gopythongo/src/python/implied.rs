//! Steps that a job has without declaring them: what its declared steps read must come from somewhere.

use super::{Resolve, Sdist, Virtualenv, Wheel};
use crate::{context::JobContext, pipeline::Job, run::AnyStep};

/// The step that makes artifacts of a kind for `job`, whose steps are `steps`, on a Python (`None`: the default one).
/// `None` if nothing in this room makes such artifacts, or the job's source is no distribution.
pub(crate) fn implied(
    kind: &str,
    job: &Job,
    context: &JobContext,
    steps: &[AnyStep],
    python: Option<&str>,
) -> Option<AnyStep> {
    let distribution = context.survey.distribution.is_some();
    match kind {
        "sdist" if distribution => Some(std::sync::Arc::new(Sdist::new())),
        "wheel" if distribution => {
            let deployed = steps.iter().filter_map(|step| Virtualenv::of(step)?.wanted_python());
            let deployed = deployed.filter(|python| job.pythons.iter().all(|tested| tested != python));
            let pythons = job.pythons.iter().map(String::as_str).chain(deployed);
            Some(std::sync::Arc::new(Wheel::new().pythons(pythons)))
        }
        "resolve" => {
            let resolve = Resolve::for_steps(steps, python);
            Some(std::sync::Arc::new(match &job.constraints {
                Some(file) => resolve.constraints(file),
                None => resolve,
            }))
        }
        _ => None,
    }
}
