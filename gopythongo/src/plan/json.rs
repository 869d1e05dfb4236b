//! The plan as versioned JSON: a separate shape, so that the data may change without the format.

use serde::Serialize;
use serde_json::Value;

use super::{Action, Plan};
use crate::{
    context::BuildKind,
    run::{EffectClass, Manner},
};

/// Counted up when a reader of the format has to change.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct PlanJson<'a> {
    version: u32,
    pipeline: &'a str,
    context: ContextJson<'a>,
    steps: Vec<StepJson<'a>>,
}

#[derive(Serialize)]
struct ContextJson<'a> {
    branch: Option<&'a str>,
    kind: BuildKind,
}

#[derive(Serialize)]
struct StepJson<'a> {
    id: &'a str,
    job: &'a str,
    kind: &'a str,
    effect: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<EffectClass>,
    action: Action,
    reason: &'a str,
    needs: &'a [String],
    #[serde(skip_serializing_if = "Manner::is_ordinary")]
    manner: &'a Manner,
}

/// The plan as `{"version":1,"pipeline":…,"context":{"branch":…,"kind":…},"steps":[…]}`; `branch` is null where there is none.
/// A step has `id`, `job`, `kind`, `effect` (and its `class` if that is true), `action`, `reason` and `needs`, and a
/// `manner` (`weight`, `exclusive`, `volatile`, `retries`) where it is not the ordinary one.
#[must_use]
pub fn json(plan: &Plan) -> Value {
    let steps = plan.steps.iter().map(|step| StepJson {
        id: &step.id,
        job: &step.job,
        kind: &step.kind,
        effect: step.effect.is_some(),
        class: step.effect,
        action: step.action,
        reason: &step.reason,
        needs: &step.needs,
        manner: &step.manner,
    });
    let plan = PlanJson {
        version: VERSION,
        pipeline: &plan.pipeline,
        context: ContextJson { branch: plan.context.branch.as_deref(), kind: plan.context.kind },
        steps: steps.collect(),
    };
    // Strings, numbers and lists of them always serialise.
    serde_json::to_value(plan).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::example;

    #[test]
    fn the_shape_is_the_documented_one() {
        let plan = super::json(&example::feature());
        assert_eq!(plan["version"], 1);
        assert_eq!(plan["pipeline"], "storefront");
        assert_eq!(plan["context"], json!({"branch": "feature/x", "kind": "feature"}));
        let steps = plan["steps"].as_array().unwrap();
        let step = |id: &str| steps.iter().find(|step| step["id"] == id).unwrap().clone();
        assert_eq!(
            step("money/pytest"),
            json!({
                "id": "money/pytest", "job": "money", "kind": "pytest", "effect": false, "action": "run",
                "reason": "on every build", "needs": ["money/wheel"],
            })
        );
        assert_eq!(step("money/upload")["effect"], true);
        assert_eq!(step("money/upload")["class"], "content");
        assert_eq!(step("money/upload")["action"], "skip");
    }

    #[test]
    fn a_plan_without_a_branch_says_null() {
        let mut plan = example::develop();
        plan.context.branch = None;
        assert_eq!(super::json(&plan)["context"], json!({"branch": null, "kind": "develop"}));
    }
}
