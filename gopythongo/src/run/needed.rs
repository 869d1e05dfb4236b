//! What the steps left that a step needs.

use super::Outcome;

/// Outcomes by the ids of their steps.
#[derive(Debug, Default)]
pub struct Needed<'a>(Vec<(&'a str, &'a Outcome)>);

impl<'a> Needed<'a> {
    /// What a step left that is needed.
    #[must_use]
    pub fn get(&self, step: &str) -> Option<&'a Outcome> {
        let place = self.0.binary_search_by_key(&step, |(id, _)| id).ok()?;
        Some(self.0[place].1)
    }

    /// The ids of the steps, in their order, each with what it left.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Outcome)> {
        self.0.iter().copied()
    }
}

impl<'a> FromIterator<(&'a str, &'a Outcome)> for Needed<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a Outcome)>>(left: I) -> Self {
        let mut left: Vec<_> = left.into_iter().collect();
        left.sort_unstable_by_key(|(id, _)| *id);
        Self(left)
    }
}
