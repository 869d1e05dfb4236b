//! What teams declare: jobs and their steps, as plain data made by builders.

mod application;
mod builder;
mod check;
mod check_deployments;
mod check_secrets;
mod command;
mod declares;
mod deployment;
mod diagnostic;
mod draft;
mod finish;
mod gate;
mod job;
mod library;
#[expect(clippy::module_inception, reason = "the noun of this room")]
mod pipeline;
mod scope;
mod source;

#[cfg(test)]
mod tests;

pub use application::{Application, application};
pub use builder::{JobBuilder, SameJob};
pub use command::CommandStep;
pub use declares::Declares;
pub use deployment::{Deployment, deployment};
pub use diagnostic::{Diagnostic, Location, Severity};
pub use draft::Draft;
pub use gate::{
    ApplicationItself, Deployable, Gate, GateKey, GateTests, Gated, PassedGate, Takes, Ungated, WithoutGate,
};
pub use job::{Declaration, Job, JobKind, Mention};
pub use library::{Library, library};
pub use pipeline::{AnyJob, Pipeline};
pub use source::Source;
