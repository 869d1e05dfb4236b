//! The words that a `pipeline.rs` may use: `use gopythongo::prelude::*;`.

pub use std::process::ExitCode;

pub use crate::{
    context::{
        Branches,
        BuildKind::{self, Develop, Feature, Hotfix, Master, PullRequest, Release},
        SecretFrom,
    },
    deploy::{BlueGreen, Environment, Protected, SigningKey},
    package::{Deb, Service},
    pipeline::{
        Application, CommandStep, Deployment, Gated, JobBuilder, Library, Pipeline, application, deployment, library,
    },
    python::{
        Bandit, CoverageRatchet, DiffCoverage, Flake8, IntegrationTests, Mypy, Nox, Prospector, Pylint, Pytest,
        Quarantine, Ruff, Tox, Virtualenv,
    },
    run::Mannered,
    shared::{S3, SharedDirectory, WebDav},
    version::{Bump, VersionFrom},
};
