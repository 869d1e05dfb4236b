//! Which nodes of a graph each node is joined to, all in one list. Knows numbers, knows no steps.

/// Numbers of nodes for each node.
#[derive(Debug, Default)]
pub(super) struct Edges {
    /// Where the numbers of a node end in the list; those of the next one begin there.
    ends: Vec<usize>,
    list: Vec<usize>,
}

impl Edges {
    /// How many nodes there are.
    pub(super) fn nodes(&self) -> usize {
        self.ends.len()
    }

    /// The nodes that a node is joined to.
    pub(super) fn of(&self, node: usize) -> &[usize] {
        let begin = node.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.list[begin..self.ends[node]]
    }

    /// The same edges, seen from their other ends.
    pub(super) fn turned(&self) -> Self {
        let mut next = vec![0; self.nodes()];
        self.list.iter().for_each(|to| next[*to] += 1);
        let mut begin = 0;
        for count in &mut next {
            begin += std::mem::replace(count, begin);
        }
        let mut list = vec![0; self.list.len()];
        for from in 0..self.nodes() {
            for to in self.of(from) {
                list[next[*to]] = from;
                next[*to] += 1;
            }
        }
        // where the next one of a node would stand, its numbers end
        Self { ends: next, list }
    }
}

impl<N: IntoIterator<Item = usize>> FromIterator<N> for Edges {
    fn from_iter<I: IntoIterator<Item = N>>(nodes: I) -> Self {
        let mut edges = Self::default();
        for to in nodes {
            edges.list.extend(to);
            edges.ends.push(edges.list.len());
        }
        edges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(edges: &Edges) -> Vec<&[usize]> {
        (0..edges.nodes()).map(|node| edges.of(node)).collect()
    }

    #[test]
    fn edges_can_be_turned() {
        let needs = Edges::from_iter([vec![], vec![0], vec![], vec![0, 2], vec![3, 0]]);
        assert_eq!(lists(&needs), [&[][..], &[0], &[], &[0, 2], &[3, 0]]);
        assert_eq!(lists(&needs.turned()), [&[1, 3, 4][..], &[], &[3], &[4], &[]]);
        assert_eq!(lists(&needs.turned().turned()), [&[][..], &[0], &[], &[0, 2], &[0, 3]]);
        assert_eq!(Edges::default().turned().nodes(), 0);
    }
}
