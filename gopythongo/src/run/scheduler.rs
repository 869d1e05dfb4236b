//! In which order: nodes of a graph that become ready when all they need has passed. Knows numbers, knows no steps.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, HashSet},
};

use super::{Manner, edges::Edges};

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

/// What a node takes while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Load {
    /// So many places.
    weight: usize,
    /// Things that no other node has meanwhile.
    exclusive: Vec<String>,
}

impl Load {
    pub(super) fn of(manner: &Manner) -> Self {
        Self { weight: manner.weight, exclusive: manner.exclusive.iter().cloned().collect() }
    }
}

/// A graph that is being worked off. Nodes are numbered so that every node stands after those it needs.
#[derive(Debug, Default)]
pub(super) struct Scheduler {
    states: Vec<State>,
    dependents: Edges,
    /// Ready nodes, the one with the longest way to the end of the graph first.
    ready: BinaryHeap<(u64, Reverse<usize>)>,
    heights: Vec<u64>,
    loads: Vec<Load>,
    free: usize,
    taken: HashSet<String>,
}

impl Scheduler {
    /// A graph by the needs of each node, how long each takes, in any unit, and what it takes of so many places. Of nodes whose ways
    /// to go differ by less than a grain, the first one goes first.
    pub(super) fn new(needs: &Edges, costs: &[u64], grain: u64, mut loads: Vec<Load>, places: usize) -> Self {
        let nodes = 0..needs.nodes();
        debug_assert!(
            nodes.clone().all(|node| needs.of(node).iter().all(|need| *need < node)),
            "a node stands after those it needs"
        );
        let dependents = needs.turned();
        let mut heights = vec![0; nodes.len()];
        for node in nodes.clone().rev() {
            heights[node] = costs[node] + dependents.of(node).iter().map(|node| heights[*node]).max().unwrap_or(0);
        }
        // whole ways, not each step of them: many short steps are no long way
        heights.iter_mut().for_each(|height| *height /= grain);
        // what is heavier than all places runs alone
        loads.iter_mut().for_each(|load| load.weight = load.weight.clamp(1, places));
        let states = nodes.clone().map(|node| State::Waiting(needs.of(node).len())).collect();
        let ready =
            nodes.filter(|node| needs.of(*node).is_empty()).map(|node| (heights[node], Reverse(node))).collect();
        Self { states, dependents, ready, heights, loads, free: places, taken: HashSet::new() }
    }

    /// Takes the ready node with the longest way to go of those that may run now.
    pub(super) fn next(&mut self) -> Option<usize> {
        let mut held = Vec::new();
        let first = loop {
            let first = self.ready.pop();
            match first {
                Some((_, Reverse(node))) if self.is_held(node) => held.extend(first),
                _ => break first,
            }
        };
        self.ready.extend(held);
        let first @ (_, Reverse(node)) = first?;
        // where there is no room for it, nothing lighter goes before it: it would wait for ever
        if self.loads[node].weight > self.free {
            self.ready.push(first);
            return None;
        }
        self.states[node] = State::Running;
        self.free -= self.loads[node].weight;
        self.taken.extend(self.loads[node].exclusive.iter().cloned());
        Some(node)
    }

    /// Whether another node has what it wants for itself.
    fn is_held(&self, node: usize) -> bool {
        self.loads[node].exclusive.iter().any(|thing| self.taken.contains(thing))
    }

    /// A running node has passed.
    pub(super) fn passed(&mut self, node: usize) {
        self.release(node);
        self.states[node] = State::Passed;
        for dependent in self.dependents.of(node) {
            if let State::Waiting(missing) = &mut self.states[*dependent] {
                *missing -= 1;
                if *missing == 0 {
                    self.ready.push((self.heights[*dependent], Reverse(*dependent)));
                }
            }
        }
    }

    /// A running node has failed: gives the nodes that are lost with it, in order.
    pub(super) fn failed(&mut self, node: usize) -> Vec<usize> {
        self.release(node);
        self.states[node] = State::Lost;
        let mut lost = BTreeSet::new();
        let mut queue = vec![node];
        while let Some(node) = queue.pop() {
            for dependent in self.dependents.of(node) {
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

    fn release(&mut self, node: usize) {
        self.free += self.loads[node].weight;
        for thing in &self.loads[node].exclusive {
            self.taken.remove(thing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph of light nodes on many places.
    fn light(needs: &[Vec<usize>], costs: &[u64]) -> Scheduler {
        let loads = vec![Load::of(&Manner::default()); needs.len()];
        Scheduler::new(&needs.iter().cloned().collect(), costs, 1, loads, 8)
    }

    fn load(weight: usize, exclusive: &[&str]) -> Load {
        Load { weight, exclusive: exclusive.iter().map(|thing| (*thing).to_owned()).collect() }
    }

    #[test]
    fn the_longest_way_goes_first_and_needs_are_kept() {
        // 0 and 1 are free; 2 needs 1; 3 needs 0 and 2
        let mut scheduler = light(&[vec![], vec![], vec![1], vec![0, 2]], &[1; 4]);
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
        let mut scheduler = light(&[vec![], vec![0], vec![], vec![]], &[1, 1, 5, 2]);
        assert_eq!([scheduler.next(), scheduler.next(), scheduler.next()], [Some(2), Some(0), Some(3)]);
    }

    #[test]
    fn what_needs_a_failed_node_is_lost_and_the_rest_goes_on() {
        let mut scheduler = light(&[vec![], vec![], vec![0], vec![2], vec![1]], &[1; 5]);
        assert_eq!(scheduler.next(), Some(0));
        assert_eq!(scheduler.failed(0), [2, 3]);
        assert_eq!(scheduler.left(), [1, 4]);
        assert_eq!(scheduler.next(), Some(1));
        scheduler.passed(1);
        assert_eq!(scheduler.next(), Some(4));
    }

    #[test]
    fn many_short_steps_are_no_long_way() {
        let needs: Vec<Vec<usize>> =
            [vec![]].into_iter().chain((0..12).map(|node| vec![node])).chain([vec![]]).collect();
        let costs: Vec<u64> = [1; 13].into_iter().chain([400]).collect();
        let loads = vec![Load::of(&Manner::default()); needs.len()];
        let mut scheduler = Scheduler::new(&needs.into_iter().collect(), &costs, 50, loads, 8);
        assert_eq!((scheduler.next(), scheduler.next(), scheduler.next()), (Some(13), Some(0), None));
    }

    #[test]
    fn what_is_heavy_waits_for_room_and_nothing_lighter_overtakes_it() {
        let loads = vec![load(1, &[]), load(2, &[]), load(1, &[]), load(9, &[])];
        let mut scheduler = Scheduler::new(&vec![[]; 4].into_iter().collect(), &[9, 8, 1, 7], 1, loads, 2);
        assert_eq!((scheduler.next(), scheduler.next()), (Some(0), None), "there is no room for 1, and 2 may wait");
        scheduler.passed(0);
        assert_eq!((scheduler.next(), scheduler.next()), (Some(1), None));
        scheduler.passed(1);
        assert_eq!((scheduler.next(), scheduler.next()), (Some(3), None), "what is too heavy runs alone");
        let _ = scheduler.failed(3);
        assert_eq!(scheduler.next(), Some(2));
    }

    #[test]
    fn what_is_exclusive_keeps_others_out_and_lets_the_rest_go_on() {
        let loads = vec![load(1, &["database"]), load(1, &["database", "port"]), load(1, &["port"]), load(1, &[])];
        let mut scheduler = Scheduler::new(&vec![[]; 4].into_iter().collect(), &[9, 8, 7, 6], 1, loads, 4);
        assert_eq!(
            [scheduler.next(), scheduler.next(), scheduler.next(), scheduler.next()],
            [Some(0), Some(2), Some(3), None]
        );
        let _ = scheduler.failed(0);
        assert_eq!(scheduler.next(), None, "the port is taken still");
        scheduler.passed(2);
        assert_eq!(scheduler.next(), Some(1));
    }
}
