//! Plans for this room's tests, made by hand.

use std::time::Duration;

use super::{Action, Plan, PlanContext, PlannedStep, StepOptions};
use crate::{
    context::BuildKind,
    run::{EffectClass, Inputs},
};

/// A push to develop: money is built, tested and uploaded, then shop is tested, then all is promoted.
pub(crate) fn develop() -> Plan {
    plan(
        BuildKind::Develop,
        "develop",
        vec![
            step("money", "wheel", "needed by `pytest`", &[]),
            step("money", "pytest", "on every build", &["money/wheel"]),
            effect("money", "upload", "on develop builds", &["money/wheel", "money/pytest"], EffectClass::Content),
            step("shop", "resolve", "needed by `integration-tests`", &["money/upload"]),
            step("shop", "integration-tests", "on every build", &["shop/resolve", "money/upload"]),
            effect(
                "",
                "promote",
                "when every step has passed",
                &["money/wheel", "money/pytest", "money/upload", "shop/resolve", "shop/integration-tests"],
                EffectClass::Keyed,
            ),
        ],
    )
}

/// A push to a feature branch, where nothing is uploaded.
pub(super) fn feature() -> Plan {
    let mut upload = effect("money", "upload", "not on feature builds", &["money/wheel"], EffectClass::Content);
    upload.action = Action::Skip;
    let steps = vec![
        step("money", "wheel", "needed by `pytest`", &[]),
        step("money", "pytest", "on every build", &["money/wheel"]),
        upload,
    ];
    plan(BuildKind::Feature, "feature/x", steps)
}

fn plan(kind: BuildKind, branch: &str, steps: Vec<PlannedStep>) -> Plan {
    let context = PlanContext { branch: Some(branch.to_owned()), kind, channel: branch.to_owned() };
    Plan { pipeline: "storefront".to_owned(), context, steps, left_out: Vec::new() }
}

fn step(job: &str, kind: &str, reason: &str, needs: &[&str]) -> PlannedStep {
    let (id, job) = match job {
        "" => (kind.to_owned(), "storefront"),
        job => (format!("{job}/{kind}"), job),
    };
    PlannedStep {
        id,
        job: job.to_owned(),
        kind: kind.to_owned(),
        version: 1,
        options: StepOptions::of(&serde_json::Value::Null),
        effect: None,
        action: Action::Run,
        reason: reason.to_owned(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        inputs: Inputs::none(),
        outputs: Vec::new(),
        source: None,
        timeout: Duration::from_secs(1800),
        manner: crate::run::Manner::default(),
    }
}

fn effect(job: &str, kind: &str, reason: &str, needs: &[&str], class: EffectClass) -> PlannedStep {
    PlannedStep { effect: Some(class), ..step(job, kind, reason, needs) }
}
