//! Flaky tests that fail nobody's build for a while: they run and are reported, and somebody answers for them.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::support::words;

/// A test whose failures are reported and fail nothing, until a day. A pass in which such a test failed is no later run's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Quarantine {
    test: String,
    owner: String,
    until: String,
}

impl Quarantine {
    /// A test as pytest names it (`tests/test_rates.py::test_live`; a file, a class, or a test with all its parameters too),
    /// who answers for it, and the last day (`2026-12-31`, in UTC).
    pub fn new(test: impl Into<String>, owner: impl Into<String>, until: impl Into<String>) -> Self {
        Self { test: test.into(), owner: owner.into(), until: until.into() }
    }

    /// What is wrong with it, if anything.
    pub(crate) fn mistake(&self) -> Option<String> {
        if self.test.is_empty() || self.owner.trim().is_empty() {
            return Some("a quarantine without a test or without an owner".to_owned());
        }
        let until = &self.until;
        self.end().is_none().then(|| format!("a quarantine of `{}` that ends on no day: `{until}`", self.test))
    }

    /// The moment after its last day.
    fn end(&self) -> Option<SystemTime> {
        let midnight = humantime::parse_rfc3339(&format!("{}T00:00:00Z", self.until)).ok()?;
        midnight.checked_add(Duration::from_secs(24 * 60 * 60))
    }

    fn holds(&self, now: SystemTime) -> bool {
        self.end().is_some_and(|end| now < end)
    }

    fn is_of(&self, test: &str) -> bool {
        test.strip_prefix(&self.test)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('[') || rest.starts_with("::"))
    }
}

/// The failed tests, sorted out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::python) struct Sorted {
    /// Failed, and nothing holds them.
    pub(in crate::python) free: Vec<String>,
    /// Failed in quarantine, each with who answers for it until when.
    pub(in crate::python) held: Vec<String>,
    /// Sentences about quarantines of failed tests that have ended.
    pub(in crate::python) ended: Vec<String>,
}

/// Sorts failed tests by the quarantines that hold now.
pub(in crate::python) fn sort(failed: &[String], quarantines: &[Quarantine], now: SystemTime) -> Sorted {
    let mut sorted = Sorted::default();
    for test in failed {
        let of_it = || quarantines.iter().filter(|quarantine| quarantine.is_of(test));
        match of_it().find(|quarantine| quarantine.holds(now)) {
            Some(Quarantine { owner, until, .. }) => {
                sorted.held.push(format!("{test} ({owner} answers for it, until {until})"));
            }
            None => {
                let ended = of_it().map(|quarantine| format!("the quarantine of {test} ended on {}", quarantine.until));
                sorted.ended.extend(ended);
                sorted.free.push(test.clone());
            }
        }
    }
    sorted
}

impl Sorted {
    /// `1 quarantined test failed: …`; `None` if none did.
    pub(in crate::python) fn sentence(&self) -> Option<String> {
        let count = words::count(self.held.len(), "quarantined test");
        (!self.held.is_empty()).then(|| format!("{count} failed: {}", words::list(&self.held)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: &str) -> SystemTime {
        humantime::parse_rfc3339(&format!("{day}T23:59:59Z")).expect("a day")
    }

    #[test]
    fn a_quarantine_holds_through_its_last_day() {
        let flaky = [Quarantine::new("tests/test_x.py::test_y", "ana", "2026-12-31")];
        let failed = ["tests/test_x.py::test_y[a-b]".to_owned(), "tests/test_x.py::test_yy".to_owned()];
        let sorted = sort(&failed, &flaky, on("2026-12-31"));
        assert_eq!(sorted.free, ["tests/test_x.py::test_yy"]);
        assert_eq!(
            sorted.sentence().as_deref(),
            Some("1 quarantined test failed: tests/test_x.py::test_y[a-b] (ana answers for it, until 2026-12-31)")
        );
        let sorted = sort(&failed[..1], &flaky, on("2027-01-01"));
        assert_eq!(sorted.free, failed[..1]);
        assert_eq!(sorted.ended, ["the quarantine of tests/test_x.py::test_y[a-b] ended on 2026-12-31"]);
        assert_eq!(sorted.sentence(), None);
    }

    #[test]
    fn whole_files_and_classes_may_be_in_quarantine() {
        let of = |test: &str, failed: &str| Quarantine::new(test, "ana", "2026-12-31").is_of(failed);
        assert!(of("tests/test_x.py", "tests/test_x.py::TestA::test_b"));
        assert!(of("tests/test_x.py::TestA", "tests/test_x.py::TestA::test_b"));
        assert!(!of("tests/test_x.py::Test", "tests/test_x.py::TestA::test_b"));
    }

    #[test]
    fn a_quarantine_has_an_owner_and_a_day() {
        assert_eq!(Quarantine::new("t", "ana", "2026-02-28").mistake(), None);
        let mistake = Quarantine::new("t", "ana", "2026-02-30").mistake();
        assert_eq!(mistake.as_deref(), Some("a quarantine of `t` that ends on no day: `2026-02-30`"));
        assert!(Quarantine::new("t", " ", "2026-02-28").mistake().is_some());
    }
}
