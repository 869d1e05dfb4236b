//! What this machine lacks for packing, publishing and deploying.

use std::net::{Ipv4Addr, TcpListener};

use super::{Error, Exit, Session, check::Finding, places::Places};
use crate::{
    deploy::Switch,
    isolation::View,
    plan::{Action, Plan, PlannedStep},
    python::Virtualenv,
    run::Step,
};

/// What is missing for the steps of a plan that build, publish or run packages.
///
/// # Errors
/// When the state of environments cannot be read.
pub(super) fn findings(session: &Session, plan: &Plan) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    if let Some(step) = running(plan, Switch::KIND).next()
        && let Err(why) = View::probe()
    {
        findings.push(Finding {
            exit: Exit::Lacking,
            what: format!("a service cannot be shown its package at its path: {why}; `{}` needs it", step.id),
            todo: "let users make user namespaces, or run as root".to_owned(),
        });
    }
    let places = Places::of(session)?;
    for (place, port) in places.declared_ports(session) {
        let serves = places.host(&place).status().is_ok_and(|live| live.is_some());
        if !serves && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            findings.push(Finding {
                exit: Exit::Lacking,
                what: format!(
                    "port {port} of 127.0.0.1 is taken; {} in {} needs it",
                    place.application, place.environment
                ),
                todo: "end what listens there, or leave `.port(…)` out for a free one".to_owned(),
            });
        }
    }
    Ok(findings)
}

/// What is done otherwise for lack of a program, a sentence each.
pub(super) fn doubts(plan: &Plan) -> Vec<String> {
    let missing = |program: &str| which::which(program).is_err();
    let runs = |kind: &str| running(plan, kind).next().is_some();
    let mut doubts = Vec::new();
    if runs(Virtualenv::KIND)
        && let Err(why) = View::probe()
    {
        let relocated = "virtual environments are built elsewhere and relocated";
        doubts.push(format!("nothing can be shown at another path: {relocated} ({why})"));
    }
    if runs("deb") && missing("zstd") {
        doubts.push("`zstd` is not on PATH: packages are compressed with gzip, and larger".to_owned());
    }
    if runs("publish") && missing("gpg") {
        doubts.push("`gpg` is not on PATH: the apt repository is not signed".to_owned());
    }
    if runs(Switch::KIND) && missing("dpkg-query") {
        doubts
            .push("`dpkg-query` is not on PATH: nobody checks that what a package depends on is installed".to_owned());
    }
    doubts
}

fn running<'a>(plan: &'a Plan, kind: &'a str) -> impl Iterator<Item = &'a PlannedStep> {
    plan.steps.iter().filter(move |step| step.kind == kind && step.action == Action::Run)
}
