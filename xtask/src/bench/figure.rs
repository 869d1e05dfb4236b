//! One figure of a bench, and how it is printed.

use std::time::Duration;

use serde_json::{Value, json};

/// What was measured, of us and of a peer if there is one.
pub(super) struct Figure {
    what: &'static str,
    unit: &'static str,
    ours: Vec<f64>,
    peer: Option<(&'static str, Vec<f64>)>,
    limit: Option<f64>,
    ratio_limit: Option<f64>,
}

impl Figure {
    /// Seconds, of one or more runs.
    pub(super) fn seconds(what: &'static str, ours: impl IntoIterator<Item = Duration>) -> Self {
        Self::new(what, "s", ours.into_iter().map(|time| time.as_secs_f64()).collect())
    }

    /// Any unit.
    pub(super) fn new(what: &'static str, unit: &'static str, ours: Vec<f64>) -> Self {
        Self { what, unit, ours, peer: None, limit: None, ratio_limit: None }
    }

    /// What the same took the peer.
    pub(super) fn against(mut self, peer: &'static str, theirs: impl IntoIterator<Item = Duration>) -> Self {
        self.peer = Some((peer, theirs.into_iter().map(|time| time.as_secs_f64()).collect()));
        self
    }

    /// What our median may be at most.
    pub(super) fn at_most(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// What our median may be at most, as a multiple of the peer's.
    pub(super) fn ratio_at_most(mut self, limit: f64) -> Self {
        self.ratio_limit = Some(limit);
        self
    }

    /// Whether our median is within the limits, if there are any.
    pub(super) fn is_within(&self) -> bool {
        self.limit.is_none_or(|limit| median(&self.ours) <= limit)
            && self.ratio_limit.is_none_or(|limit| self.ratio().is_some_and(|ratio| ratio <= limit))
    }

    fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().map(|(_, theirs)| median(&self.ours) / median(theirs))
    }

    fn row(&self) -> [String; 5] {
        let number = |value: f64| format!("{value:.2} {}", self.unit);
        let (peer, ratio) = match &self.peer {
            Some((name, theirs)) => (
                format!("{name} {}", number(median(theirs))),
                self.ratio().map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            ),
            None => (String::new(), String::new()),
        };
        let limit = self.limit.map(number).or_else(|| self.ratio_limit.map(|limit| format!("{limit:.2} ×")));
        let verdict = match limit {
            Some(limit) if self.is_within() => format!("at most {limit}"),
            Some(limit) => format!("MORE THAN {limit}"),
            None => String::new(),
        };
        [self.what.to_owned(), number(median(&self.ours)), peer, ratio, verdict]
    }
}

/// A table: what, ours, the peer, the ratio of the medians, the limit.
pub(super) fn table(figures: &[Figure]) -> String {
    let head = ["", "ours", "peer", "ratio", "limit"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(figures.iter().map(Figure::row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 5] = std::array::from_fn(width);
    let line = |row: &[String; 5]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("  {}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// The same as one line of JSON, with every single measurement.
pub(super) fn json(bench: &str, figures: &[Figure]) -> Value {
    let figures: Vec<Value> = figures
        .iter()
        .map(|figure| {
            json!({
                "what": figure.what,
                "unit": figure.unit,
                "ours": median(&figure.ours),
                "ours_runs": figure.ours,
                "peer": figure.peer.as_ref().map(|(name, _)| name),
                "peers": figure.peer.as_ref().map(|(_, theirs)| median(theirs)),
                "peers_runs": figure.peer.as_ref().map(|(_, theirs)| theirs),
                "ratio": figure.ratio(),
                "limit": figure.limit,
                "within": figure.is_within(),
            })
        })
        .collect();
    json!({"version": 1, "bench": bench, "figures": figures})
}

/// The middle one, or the mean of the two in the middle; not a number without any.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[count / 2],
        count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(seconds: [u64; 3]) -> impl Iterator<Item = Duration> {
        seconds.into_iter().map(Duration::from_secs)
    }

    #[test]
    fn the_ratio_is_that_of_the_medians() {
        let figure = Figure::seconds("wall", times([9, 1, 3])).against("by hand", times([6, 100, 1]));
        assert_eq!(figure.ratio(), Some(0.5));
        assert!(table(&[figure]).contains("3.00 s  by hand 6.00 s  0.50"));
    }

    #[test]
    fn a_median_beyond_the_limit_is_seen() {
        assert!(Figure::seconds("wall", times([1, 2, 9])).at_most(2.0).is_within());
        let beyond = Figure::seconds("wall", times([3, 3, 1])).at_most(2.0);
        assert!(!beyond.is_within());
        assert!(table(&[beyond]).contains("MORE THAN 2.00 s"));
    }

    #[test]
    fn no_measurement_is_within_no_limit() {
        assert!(!Figure::new("cpu", "s", Vec::new()).at_most(1.0).is_within());
    }
}
