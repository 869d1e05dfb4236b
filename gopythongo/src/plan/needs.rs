//! The edges of the plan: what each step needs, and an order that has needs first.

use std::{collections::HashMap, ops::Range};

use super::draft::Draft;
use crate::pipeline::{Job, Pipeline};

/// The kind of `.command(..)`s, which keep their order among themselves.
const COMMAND: &str = "command";

/// What is looked up to find the needs of steps, which are numbers of drafts.
pub(super) struct Needs<'a, 'd> {
    drafts: &'d [Draft<'a>],
    /// Where the steps of each job stand among all: together, so that of ten thousand only these are looked at.
    places: HashMap<&'a str, Range<usize>>,
    /// The steps of the whole pipeline.
    whole: Vec<usize>,
    /// The jobs that each job is downstream of.
    upstream: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a, 'd> Needs<'a, 'd> {
    pub(super) fn of(drafts: &'d [Draft<'a>], pipeline: &'a Pipeline) -> Self {
        let (mut places, mut whole): (HashMap<&str, Range<usize>>, _) = (HashMap::new(), Vec::new());
        for (number, draft) in drafts.iter().enumerate() {
            match draft.job {
                Some(job) => places.entry(&job.name).or_insert(number..number).end = number + 1,
                None => whole.push(number),
            }
        }
        let mut upstream: HashMap<&str, Vec<&str>> = HashMap::new();
        for job in &pipeline.jobs {
            for mention in &job.downstream {
                upstream.entry(&mention.name).or_default().push(&job.name);
            }
        }
        Self { drafts, places, whole, upstream }
    }

    /// What a step needs, in the order of the drafts.
    pub(super) fn of_step(&self, number: usize) -> Vec<usize> {
        let draft = &self.drafts[number];
        let mut needs = match draft.job {
            None => self.running(0..self.drafts.len(), |other| !other.deploys()),
            Some(job) if draft.deploys() => {
                // the earlier ones of its own job, and what the whole pipeline does
                let earlier = self.place(&job.name).start..number;
                self.running(earlier.chain(self.whole.iter().copied()), |_| true)
            }
            Some(job) => self.of_built(number, job),
        };
        needs.retain(|need| *need != number);
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    fn of_built(&self, number: usize, job: &Job) -> Vec<usize> {
        let draft = &self.drafts[number];
        let own = self.place(&job.name);
        let mut needs = Vec::new();
        for kind in &draft.inputs.artifacts {
            let fits = |other: &Draft<'_>| other.label.is_none() || draft.label.is_none() || other.label == draft.label;
            let mut producers = self.running(own.clone(), |other| other.step.kind() == kind && fits(other));
            producers.retain(|producer| *producer != number);
            let is_same = |producer: &usize| self.drafts[*producer].label == draft.label;
            if producers.iter().any(is_same) {
                producers.retain(is_same);
            }
            needs.extend(producers);
        }
        let after = &draft.inputs.after;
        if !after.is_empty() {
            needs.extend(self.running(own.clone(), |other| after.iter().any(|kind| kind == other.step.kind())));
        }
        if draft.is_effect() {
            needs.extend(self.running(own.clone(), |other| !other.is_effect()));
        }
        if draft.inputs.index {
            for upstream in self.upstream.get(job.name.as_str()).into_iter().flatten() {
                needs.extend(self.running(self.place(upstream), Draft::is_effect));
            }
        }
        if draft.step.kind() == COMMAND {
            let is_command = |other: &usize| self.drafts[*other].runs() && self.drafts[*other].step.kind() == COMMAND;
            needs.extend((own.start..number).rfind(is_command));
        }
        needs
    }

    fn place(&self, job: &str) -> Range<usize> {
        self.places.get(job).cloned().unwrap_or_default()
    }

    /// Those of some steps that run, and are wanted.
    fn running(&self, among: impl Iterator<Item = usize>, wanted: impl Fn(&Draft<'a>) -> bool) -> Vec<usize> {
        among.filter(|number| self.drafts[*number].runs() && wanted(&self.drafts[*number])).collect()
    }
}

/// An order in which every step stands after those it needs, otherwise as declared. A cycle, which is a mistake that the
/// pipeline's diagnostics report, is cut where it closes.
pub(super) fn in_order(needs: &[Vec<usize>]) -> Vec<usize> {
    fn visit(node: usize, needs: &[Vec<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
        if std::mem::replace(&mut seen[node], true) {
            return;
        }
        for need in &needs[node] {
            visit(*need, needs, seen, order);
        }
        order.push(node);
    }
    let (mut seen, mut order) = (vec![false; needs.len()], Vec::new());
    for node in 0..needs.len() {
        visit(node, needs, &mut seen, &mut order);
    }
    order
}
