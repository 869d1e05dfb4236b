//! In which order: nodes of a graph that become ready when all they need has passed. Knows numbers, knows no steps.

use std::collections::BTreeSet;

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many of its needs have not passed yet.
    Waiting(usize),
    Running,
    Passed,
    /// It failed, or something that it needs did.
    Lost,
}

/// A graph that is being worked off. Nodes are numbered so that every node stands after those it needs.
#[derive(Debug)]
pub(super) struct Scheduler {
    states: Vec<State>,
    dependents: Vec<Vec<usize>>,
    /// Ready nodes, the one with the longest way to the end of the graph last.
    ready: BTreeSet<(usize, std::cmp::Reverse<usize>)>,
    heights: Vec<usize>,
}

impl Scheduler {
    /// A graph by the needs of each node, and how long each takes, in any unit.
    pub(super) fn new(needs: &[Vec<usize>], costs: &[usize]) -> Self {
        let mut dependents = vec![Vec::new(); needs.len()];
        let mut heights = vec![0; needs.len()];
        for (node, needs) in needs.iter().enumerate() {
            for need in needs {
                debug_assert!(*need < node, "a node stands after those it needs");
                dependents[*need].push(node);
            }
        }
        for node in (0..needs.len()).rev() {
            heights[node] = costs[node] + dependents[node].iter().map(|node: &usize| heights[*node]).max().unwrap_or(0);
        }
        let states = needs.iter().map(|needs| State::Waiting(needs.len())).collect();
        let mut scheduler = Self { states, dependents, ready: BTreeSet::new(), heights };
        for (node, needs) in needs.iter().enumerate() {
            if needs.is_empty() {
                scheduler.make_ready(node);
            }
        }
        scheduler
    }

    /// Takes the ready node with the longest way to go.
    pub(super) fn next(&mut self) -> Option<usize> {
        let (_, std::cmp::Reverse(node)) = self.ready.pop_last()?;
        self.states[node] = State::Running;
        Some(node)
    }

    /// A running node has passed.
    pub(super) fn passed(&mut self, node: usize) {
        self.states[node] = State::Passed;
        for index in 0..self.dependents[node].len() {
            let dependent = self.dependents[node][index];
            if let State::Waiting(missing) = self.states[dependent] {
                self.states[dependent] = State::Waiting(missing - 1);
                if missing == 1 {
                    self.make_ready(dependent);
                }
            }
        }
    }

    /// A running node has failed: gives the nodes that are lost with it, in order.
    pub(super) fn failed(&mut self, node: usize) -> Vec<usize> {
        self.states[node] = State::Lost;
        let mut lost = BTreeSet::new();
        let mut queue = vec![node];
        while let Some(node) = queue.pop() {
            for dependent in &self.dependents[node] {
                if matches!(self.states[*dependent], State::Waiting(_)) {
                    self.states[*dependent] = State::Lost;
                    lost.insert(*dependent);
                    queue.push(*dependent);
                }
            }
        }
        lost.into_iter().collect()
    }

    /// Nodes that have not run and are not lost.
    pub(super) fn left(&self) -> Vec<usize> {
        (0..self.states.len()).filter(|node| matches!(self.states[*node], State::Waiting(_))).collect()
    }

    fn make_ready(&mut self, node: usize) {
        self.ready.insert((self.heights[node], std::cmp::Reverse(node)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_way_goes_first_and_needs_are_kept() {
        // 0 and 1 are free; 2 needs 1; 3 needs 0 and 2
        let mut scheduler = Scheduler::new(&[vec![], vec![], vec![1], vec![0, 2]], &[1; 4]);
        assert_eq!(scheduler.next(), Some(1));
        assert_eq!(scheduler.next(), Some(0));
        assert_eq!(scheduler.next(), None);
        scheduler.passed(0);
        assert_eq!(scheduler.next(), None);
        scheduler.passed(1);
        assert_eq!(scheduler.next(), Some(2));
        scheduler.passed(2);
        assert_eq!(scheduler.next(), Some(3));
        assert!(scheduler.left().is_empty());
    }

    #[test]
    fn what_takes_longer_counts_for_more() {
        let mut scheduler = Scheduler::new(&[vec![], vec![0], vec![], vec![]], &[1, 1, 5, 2]);
        assert_eq!([scheduler.next(), scheduler.next(), scheduler.next()], [Some(2), Some(0), Some(3)]);
    }

    #[test]
    fn what_needs_a_failed_node_is_lost_and_the_rest_goes_on() {
        let mut scheduler = Scheduler::new(&[vec![], vec![], vec![0], vec![2], vec![1]], &[1; 5]);
        assert_eq!(scheduler.next(), Some(0));
        assert_eq!(scheduler.failed(0), [2, 3]);
        assert_eq!(scheduler.left(), [1, 4]);
        assert_eq!(scheduler.next(), Some(1));
        scheduler.passed(1);
        assert_eq!(scheduler.next(), Some(4));
    }
}
