//! The plan as a tree for people.

use super::{Action, Plan, PlannedStep};
use crate::support::words;

/// The plan as a tree of jobs and their steps, effects marked with their class, each step with its reason and with what it
/// needs of other jobs. Skipped steps are shown if `all` is set; else they are counted. Ends in a line break.
///
/// ```text
/// storefront: develop build of branch develop, into channel develop
///
/// money
/// ├─ wheel       needed by `pytest`
/// ├─ pytest      on every build
/// └─ ⇡ upload    effect: content  on develop, release, hotfix and master builds
///
/// ⇡ promote      effect: keyed    when every step has passed
///
/// 4 steps run; 2 of them are effects
/// ```
#[must_use]
pub fn tree(plan: &Plan, all: bool) -> String {
    let shown: Vec<&PlannedStep> = plan.steps.iter().filter(|step| all || step.action == Action::Run).collect();
    let (in_jobs, whole): (Vec<&PlannedStep>, Vec<&PlannedStep>) = shown.iter().partition(|step| step.id.contains('/'));
    let columns = Columns::of(&shown);
    let mut lines = vec![header(plan)];
    let (before, after): (Vec<&str>, Vec<&str>) = plan.jobs().into_iter().partition(|job| !follows(plan, job));
    let of_jobs = |jobs: &[&str]| {
        let mut lines = Vec::new();
        for job in jobs {
            let steps: Vec<&PlannedStep> = in_jobs.iter().filter(|step| step.job == *job).copied().collect();
            if steps.is_empty() {
                continue;
            }
            lines.extend([String::new(), (*job).to_owned()]);
            for (at, step) in steps.iter().enumerate() {
                let branch = if at + 1 == steps.len() { "└─ " } else { "├─ " };
                lines.push(columns.line(branch, step));
            }
        }
        lines
    };
    lines.extend(of_jobs(&before));
    if !whole.is_empty() {
        lines.push(String::new());
        lines.extend(whole.iter().map(|step| columns.line("", step)));
    }
    lines.extend(of_jobs(&after));
    lines.push(String::new());
    lines.extend(footer(plan, all));
    lines.join("\n") + "\n"
}

fn header(plan: &Plan) -> String {
    let context = &plan.context;
    let branch =
        context.branch.as_ref().map_or_else(|| "without a branch".to_owned(), |name| format!("of branch {name}"));
    let channel = match running(plan).any(|step| step.effect.is_some()) {
        true => format!(", into channel {}", context.channel),
        false => String::new(),
    };
    format!("{}: {} build {branch}{channel}", plan.pipeline, context.kind)
}

fn footer(plan: &Plan, all: bool) -> Vec<String> {
    let effects = running(plan).filter(|step| step.effect.is_some()).count();
    let (running, skipped) = (running(plan).count(), plan.steps.len() - running(plan).count());
    let effects = match (running, effects) {
        (0, _) => String::new(),
        (_, 0) => "; none of them is an effect: nothing is uploaded or promoted".to_owned(),
        (_, 1) => "; 1 of them is an effect".to_owned(),
        (_, n) => format!("; {n} of them are effects"),
    };
    let run = if running == 1 { "runs" } else { "run" };
    let mut lines = vec![format!("{} {run}{effects}", words::count(running, "step"))];
    if skipped > 0 {
        let hint = if all { "" } else { ", see `plan --all`" };
        lines.push(format!("{} skipped{hint}", words::count(skipped, "step")));
    }
    if !plan.left_out.is_empty() {
        let jobs = words::list(&plan.left_out);
        lines.push(format!("left out although downstream: {jobs}; the run ends staged, `--downstream` adds them"));
    }
    lines
}

/// Whether a job waits for a step of the whole pipeline: a deployment follows the promotion.
fn follows(plan: &Plan, job: &str) -> bool {
    let mut needs =
        plan.steps.iter().filter(|step| step.job == job && step.id.contains('/')).flat_map(|step| &step.needs);
    needs.any(|need| !need.contains('/'))
}

fn running(plan: &Plan) -> impl Iterator<Item = &PlannedStep> {
    plan.steps.iter().filter(|step| step.action == Action::Run)
}

/// Where the columns begin, in characters.
struct Columns {
    reason: usize,
    effect: usize,
}

impl Columns {
    fn of(steps: &[&PlannedStep]) -> Self {
        let name = |step: &&PlannedStep| (if step.id.contains('/') { 3 } else { 0 }) + name(step).chars().count();
        Self {
            reason: steps.iter().map(name).max().unwrap_or(0) + 2,
            effect: steps.iter().map(|step| effect(step).chars().count()).max().unwrap_or(0) + 2,
        }
    }

    fn line(&self, branch: &str, step: &PlannedStep) -> String {
        let name = format!("{branch}{}", name(step));
        let effect = match effect(step) {
            effect if effect.is_empty() => effect,
            effect => pad(&effect, self.effect),
        };
        let skipped = if step.action == Action::Skip { "skipped: " } else { "" };
        let line = format!("{}{effect}{skipped}{}", pad(&name, self.reason), step.reason);
        match elsewhere(step) {
            needs if needs.is_empty() => line,
            needs => format!("{line}; needs {}", words::list(&needs)),
        }
    }
}

/// `pytest:3.12`, `⇡ upload`, `– upload`.
fn name(step: &PlannedStep) -> String {
    let name = step.id.split_once('/').map_or(step.id.as_str(), |(_, name)| name);
    match (step.action, step.effect) {
        (Action::Skip, _) => format!("– {name}"),
        (Action::Run, Some(_)) => format!("⇡ {name}"),
        (Action::Run, None) => name.to_owned(),
    }
}

fn effect(step: &PlannedStep) -> String {
    step.effect.map(|class| format!("effect: {class}")).unwrap_or_default()
}

/// The needs that a reader does not see in the step's own job. A step of the whole pipeline needs all of it.
fn elsewhere(step: &PlannedStep) -> Vec<&str> {
    if step.action == Action::Skip || !step.id.contains('/') {
        return Vec::new();
    }
    let own = format!("{}/", step.job);
    step.needs.iter().map(String::as_str).filter(|need| !need.starts_with(&own)).collect()
}

fn pad(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

#[cfg(test)]
mod tests {
    use super::{super::example, tree};

    #[test]
    fn a_tree_shows_order_reasons_effects_and_edges_between_jobs() {
        let expected = "\
storefront: develop build of branch develop, into channel develop

money
├─ wheel              needed by `pytest`
├─ pytest             on every build
└─ ⇡ upload           effect: content  on develop builds

shop
├─ resolve            needed by `integration-tests`; needs money/upload
└─ integration-tests  on every build; needs money/upload

⇡ promote             effect: keyed    when every step has passed

6 steps run; 2 of them are effects
";
        assert_eq!(tree(&example::develop(), false), expected);
    }

    #[test]
    fn skipped_steps_are_counted_and_shown_on_demand() {
        let plan = example::feature();
        let expected = "\
storefront: feature build of branch feature/x

money
├─ wheel   needed by `pytest`
└─ pytest  on every build

2 steps run; none of them is an effect: nothing is uploaded or promoted
1 step skipped, see `plan --all`
";
        assert_eq!(tree(&plan, false), expected);
        let all = tree(&plan, true);
        assert!(all.contains("└─ – upload  effect: content  skipped: not on feature builds\n"), "{all}");
        assert!(all.ends_with("1 step skipped\n"), "{all}");
    }

    #[test]
    fn jobs_that_were_left_out_are_named() {
        let mut plan = example::develop();
        plan.left_out = vec!["catalog".to_owned(), "shop".to_owned()];
        let tree = tree(&plan, false);
        assert!(tree.contains("left out although downstream: catalog and shop; the run ends staged"), "{tree}");
    }
}
