//! The words that a `pipeline.rs` may use: `use gopythongo::prelude::*;`.

pub use std::process::ExitCode;

pub use crate::{
    context::BuildKind::{self, Develop, Feature, Hotfix, Master, PullRequest, Release},
    pipeline::{Application, CommandStep, JobBuilder, Library, Pipeline, application, library},
    python::{CoverageRatchet, Flake8, IntegrationTests, Mypy, Nox, Pytest, Ruff, Tox},
};
