//! The last sentence of a run: what is public now, or why not, and how to go on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{elapsed::elapsed, paint::Paint};
use crate::{
    deploy::Live,
    event::{RunState, StepOutcome},
    plan::{Action, Plan, StepId},
    run::Outcome,
    support::words,
};

/// What the last sentence is made of.
#[derive(Debug, Default)]
pub(super) struct Closing {
    kind: String,
    channel: String,
    /// Steps that the plan itself skips.
    planned_skips: BTreeSet<StepId>,
    outcomes: HashMap<StepId, StepOutcome>,
    /// Name and version of what is in the run's stage, by step.
    staged: BTreeMap<StepId, String>,
    promoted: Option<(String, BTreeMap<String, String>)>,
    /// What serves, by environment and application.
    live: BTreeMap<(String, String), Live>,
}

impl Closing {
    pub(super) fn new(plan: &Plan) -> Self {
        let skipped = plan.steps.iter().filter(|step| step.action == Action::Skip);
        Self {
            kind: plan.context.kind.to_string(),
            channel: plan.context.channel.clone(),
            planned_skips: skipped.map(|step| step.id.clone()).collect(),
            ..Self::default()
        }
    }

    pub(super) fn ended(&self) -> usize {
        self.outcomes.len()
    }

    pub(super) fn step(&mut self, step: &StepId, outcome: StepOutcome, result: Option<&Outcome>) {
        self.outcomes.insert(step.clone(), outcome);
        let receipt = result.and_then(|result| result.receipt.as_ref());
        if let Some(receipt) = receipt.filter(|receipt| receipt.target.starts_with("stage of ")) {
            self.staged.insert(step.clone(), receipt.identifier.clone());
        }
    }

    /// All that was not skipped by the plan runs again.
    pub(super) fn again(&mut self) {
        self.outcomes.retain(|step, _| self.planned_skips.contains(step));
    }

    pub(super) fn promoted(&mut self, channel: &str, set: &BTreeMap<String, String>) {
        self.promoted = Some((channel.to_owned(), set.clone()));
    }

    pub(super) fn live(&mut self, environment: &str, application: &str, live: &Live) {
        self.live.insert((environment.to_owned(), application.to_owned()), live.clone());
    }

    pub(super) fn sentence(&self, run: &str, state: &RunState, ms: u64, reds: &[&str], paint: Paint) -> String {
        let time = elapsed(ms);
        match state {
            RunState::Checked => self.checked(&time, paint),
            RunState::Promoted { generation } => self.public(*generation, &time, paint),
            RunState::Live { generation, .. } => {
                let mut lines = match generation {
                    Some(generation) => vec![self.public(*generation, &time, paint)],
                    None => Vec::new(),
                };
                lines.extend(self.live.iter().map(|((environment, application), live)| {
                    let pinned = if live.pinned { ", pinned there" } else { "" };
                    let word = paint.good("live");
                    format!("{application} {} is {word} in {environment}{pinned}: {}", live.version, live.url)
                }));
                lines.join("\n")
            }
            RunState::NotLive { generation } => self.not_live(*generation, &time, reds, paint),
            RunState::Waiting { generation, steps } => {
                let (waits, steps) = (paint.doubtful("waits for approval:"), words::list(steps));
                let public = generation.map(|generation| format!("{}\n", self.public(generation, &time, paint)));
                format!("{}{waits} `approve {run}` lets {steps} go on", public.unwrap_or_default())
            }
            RunState::Staged { left_out } => {
                let (staged, left_out) = (self.staged(), words::list(left_out));
                if staged.is_empty() {
                    let new = format!("nothing is new for {left_out}, which this run left out");
                    return match self.executed(&time, paint) {
                        Some(executed) => format!("{executed}; {new}"),
                        None => format!("{} in {time}: {new}", paint.good("nothing to do")),
                    };
                }
                let (word, staged) = (paint.doubtful("staged"), staged.join(", "));
                format!("{word} {staged} in {time}; {left_out} left out: go on with `promote {run}`")
            }
            RunState::Failed => {
                let kept = self.staged();
                let kept =
                    if kept.is_empty() { String::new() } else { format!("; {} only staged", words::list(&kept)) };
                let count = self.count(StepOutcome::Passed) + self.count(StepOutcome::Cached);
                let what = if reds.is_empty() { "the run".to_owned() } else { words::list(reds) };
                format!(
                    "{} {what} after {time}; {} passed; nothing was promoted{kept}",
                    paint.bad("failed:"),
                    words::count(count, "step"),
                )
            }
            RunState::Interrupted { signal } => {
                let name = signal_name(*signal);
                format!("{} by {name} after {time}; go on with `resume {run}`", paint.doubtful("interrupted"))
            }
        }
    }

    fn public(&self, generation: u64, time: &str, paint: Paint) -> String {
        let Some((channel, set)) = &self.promoted else {
            let everything = format!("everything is in {} already (generation {generation})", self.channel);
            return match self.executed(time, paint) {
                Some(executed) => format!("{executed}; {everything}"),
                None => format!("{} in {time}: {everything}", paint.good("nothing to do")),
            };
        };
        if set.is_empty() {
            return format!("{} coverage in {channel} (generation {generation}) in {time}", paint.good("recorded"));
        }
        let set: Vec<String> = set.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let (promoted, set) = (paint.good("promoted"), set.join(", "));
        format!("{promoted} {set} to {channel} (generation {generation}) in {time}")
    }

    fn not_live(&self, generation: Option<u64>, time: &str, reds: &[&str], paint: Paint) -> String {
        let failed = format!("{} failed after {time}", words::list(reds));
        let Some(generation) = generation else { return format!("{} {failed}", paint.bad("not live:")) };
        let Some((channel, set)) = self.promoted.as_ref().filter(|(_, set)| !set.is_empty()) else {
            let everything = format!("everything is in {} already (generation {generation})", self.channel);
            return format!("{} {failed}; {everything}", paint.bad("not live:"));
        };
        let set: Vec<String> = set.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let are = if set.len() == 1 { "is" } else { "are" };
        let set = format!("{} {are} in {channel} (generation {generation})", words::list(&set));
        format!("{} {failed}; {set}", paint.bad("promoted, not live:"))
    }

    fn checked(&self, time: &str, paint: Paint) -> String {
        match self.executed(time, paint) {
            Some(executed) => format!("{executed}; a {} build had nothing to promote", self.kind),
            None => {
                let unchanged = words::count(self.count(StepOutcome::Cached), "step");
                format!("{} in {time}: {unchanged} passed before with the same inputs", paint.good("nothing to do"))
            }
        }
    }

    /// How many steps were executed, unless none was.
    fn executed(&self, time: &str, paint: Paint) -> Option<String> {
        let (passed, cached) = (self.count(StepOutcome::Passed), self.count(StepOutcome::Cached));
        let cached = if cached == 0 { String::new() } else { format!(", {cached} cached") };
        (passed > 0).then(|| format!("{} {}{cached} in {time}", paint.good("passed:"), words::count(passed, "step")))
    }

    /// Name and version of what is in the run's stage.
    fn staged(&self) -> Vec<String> {
        self.staged.values().cloned().collect()
    }

    /// Steps that ended so; not counting those that the plan skipped.
    fn count(&self, outcome: StepOutcome) -> usize {
        self.outcomes.iter().filter(|(step, ended)| **ended == outcome && !self.planned_skips.contains(*step)).count()
    }
}

/// `SIGINT`; the number for one without a name that people know.
fn signal_name(signal: i32) -> String {
    match signal {
        1 => "SIGHUP".to_owned(),
        2 => "SIGINT".to_owned(),
        15 => "SIGTERM".to_owned(),
        other => format!("signal {other}"),
    }
}
