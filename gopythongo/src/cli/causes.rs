//! Why something was done, back to the inputs that differed: read from the records of runs.

use std::{collections::BTreeMap, path::Path};

use crate::{
    event::{Event, Stamped, StepOutcome},
    plan::Plan,
    report,
    run::{Receipt, RunDirectory},
};

/// How many of the latest runs are looked through.
const LOOKED_AT: usize = 500;

/// The last time that a step was really done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    /// The run.
    pub(super) run: String,
    /// Why it was begun.
    pub(super) reason: String,
    /// What it changed, if it is an effect.
    pub(super) receipt: Option<Receipt>,
    /// The steps that were done before it in that run although none before them was, each with its reason: the causes.
    pub(super) causes: Vec<(String, String)>,
}

/// Finds the last time that a step was done, in the runs `runs`, oldest first. Records that cannot be read are passed over.
pub(super) fn last_done(state: &Path, runs: &[String], step: &str) -> Option<Done> {
    runs.iter().rev().take(LOOKED_AT).find_map(|run| {
        let record = RunDirectory::path_of(state, run).join("events.ndjson");
        let events = report::read(&record).ok()?;
        done(run, &events, step)
    })
}

fn done(run: &str, events: &[Stamped], step: &str) -> Option<Done> {
    let (mut reasons, mut passed, mut plan): (BTreeMap<&str, &str>, _, Option<&Plan>) = (BTreeMap::new(), None, None);
    for stamped in events {
        match &stamped.event {
            Event::RunStarted { plan: planned, .. } => plan = Some(planned),
            Event::StepStarted { step, reason } => {
                reasons.insert(step, reason);
            }
            Event::StepFinished { step: id, outcome: StepOutcome::Passed, result, .. } if id == step => {
                passed = Some(result.as_ref().and_then(|result| result.receipt.clone()));
            }
            _ => {}
        }
    }
    let reason = (*reasons.get(step)?).to_owned();
    let causes = plan.map(|plan| causes(plan, &reasons, step)).unwrap_or_default();
    Some(Done { run: run.to_owned(), reason, receipt: passed?, causes })
}

/// The steps before `step` that were begun although nothing before them was.
fn causes(plan: &Plan, reasons: &BTreeMap<&str, &str>, step: &str) -> Vec<(String, String)> {
    let mut behind = std::collections::BTreeSet::from([step]);
    let mut causes = Vec::new();
    for planned in plan.steps.iter().rev() {
        if !behind.contains(planned.id.as_str()) {
            continue;
        }
        behind.extend(planned.needs.iter().map(String::as_str));
        let begun = reasons.get(planned.id.as_str()).filter(|_| planned.id != step);
        if let Some(reason) = begun.filter(|_| !needs_begun(plan, reasons, &planned.id)) {
            causes.push((planned.id.clone(), (*reason).to_owned()));
        }
    }
    causes.reverse();
    causes
}

/// Whether anything that a step needs, directly or not, was begun.
fn needs_begun(plan: &Plan, reasons: &BTreeMap<&str, &str>, step: &str) -> bool {
    let mut queue = vec![step];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(id) = queue.pop() {
        let Some(planned) = plan.step(id) else { continue };
        for need in &planned.needs {
            if reasons.contains_key(need.as_str()) {
                return true;
            }
            if seen.insert(need.as_str()) {
                queue.push(need);
            }
        }
    }
    false
}

/// When a run began, in words: ` (3 days ago)`; nothing for one whose id does not say it.
pub(super) fn age(run: &str) -> String {
    let age = RunDirectory::begun(run).and_then(|begun| begun.elapsed().ok());
    age.map(|age| format!(" ({})", crate::support::words::ago(age))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::SystemTime};

    use super::*;
    use crate::run::Outcome;

    fn stamped(events: Vec<Event>) -> Vec<Stamped> {
        let stamp = |event| Stamped { time: SystemTime::UNIX_EPOCH, run: "r1".to_owned(), event };
        events.into_iter().map(stamp).collect()
    }

    fn started(step: &str, reason: &str) -> Event {
        Event::StepStarted { step: step.to_owned(), reason: reason.to_owned() }
    }

    fn passed(step: &str) -> Event {
        let result = Some(Arc::new(Outcome::default()));
        let (outcome, step) = (StepOutcome::Passed, step.to_owned());
        Event::StepFinished { step, outcome, reason: None, ms: 1, cpu_ms: 1, commands_ms: 1, result, failure: None }
    }

    #[test]
    fn what_is_public_is_traced_to_the_inputs_that_differed() {
        let plan = crate::support::Written::new(crate::plan::example::develop());
        let events = stamped(vec![
            Event::RunStarted { plan, resumed: false, commit: None },
            started("money/wheel", "`src/money/x.py` changed"),
            passed("money/wheel"),
            started("money/pytest", "wheel changed"),
            passed("money/pytest"),
            started("promote", "not done yet"),
            passed("promote"),
        ]);
        let done = done("r1", &events, "promote").expect("it was done");
        assert_eq!(done.causes, [("money/wheel".to_owned(), "`src/money/x.py` changed".to_owned())]);
        assert_eq!(super::done("r1", &events, "money/wheel").map(|done| done.causes), Some(Vec::new()));
        assert_eq!(super::done("r1", &events, "shop/resolve"), None);
    }
}
