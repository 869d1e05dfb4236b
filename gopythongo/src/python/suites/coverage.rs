//! Measured coverage: which lines and branches of which files ran. Files are named by their paths in the checkout.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

/// Coverage by file. The artifact `coverage` of the steps that test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// By path, relative to the source, with slashes.
    pub files: BTreeMap<String, FileCoverage>,
}

/// Coverage of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCoverage {
    /// Numbers of the lines with statements that ran.
    pub executed: BTreeSet<u32>,
    /// Numbers of the lines with statements that did not.
    pub missing: BTreeSet<u32>,
    /// Branches that were taken, from a line to a line (negative: out of the code that begins there). Empty where branches
    /// are not measured.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub executed_branches: BTreeSet<(i64, i64)>,
    /// Branches that were not.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub missing_branches: BTreeSet<(i64, i64)>,
}

/// How much is covered, in integers: lines, and branches where they are measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Covered {
    /// What ran.
    pub covered: u64,
    /// What there is.
    pub total: u64,
}

impl Coverage {
    /// Reads what `coverage json` writes; `checkout` gives the path in the checkout for a path there, or `None` to leave
    /// the file out.
    pub(in crate::python) fn read(
        text: &[u8],
        checkout: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, serde_json::Error> {
        let report: Report = serde_json::from_slice(text)?;
        let mut coverage = Self::default();
        for (path, file) in report.files {
            if let Some(path) = checkout(&path.replace('\\', "/")) {
                coverage.files.entry(path).or_default().unite(FileCoverage {
                    executed: file.executed_lines,
                    missing: file.missing_lines,
                    executed_branches: file.executed_branches,
                    missing_branches: file.missing_branches,
                });
            }
        }
        Ok(coverage)
    }

    /// Adds what another suite, or the same one on another Python, measured: what ran anywhere is covered.
    pub fn unite(&mut self, other: Self) {
        for (path, file) in other.files {
            self.files.entry(path).or_default().unite(file);
        }
    }

    /// The figure.
    #[must_use]
    pub fn covered(&self) -> Covered {
        let mut sum = Covered::default();
        for file in self.files.values() {
            let covered = file.executed.len() + file.executed_branches.len();
            sum.covered += covered as u64;
            sum.total += (covered + file.missing.len() + file.missing_branches.len()) as u64;
        }
        sum
    }

    /// Whether branches were measured.
    #[must_use]
    pub fn has_branches(&self) -> bool {
        self.files.values().any(|file| !file.executed_branches.is_empty() || !file.missing_branches.is_empty())
    }
}

impl FileCoverage {
    /// The lines with statements in their order, and whether they ran.
    pub(in crate::python) fn lines(&self) -> impl Iterator<Item = (u32, bool)> {
        let all: BTreeSet<u32> = self.executed.union(&self.missing).copied().collect();
        all.into_iter().map(|line| (line, self.executed.contains(&line)))
    }

    /// Where the branches of a line lead, and whether they were taken.
    pub(in crate::python) fn branches_by_line(&self) -> BTreeMap<i64, BTreeMap<i64, bool>> {
        let mut lines: BTreeMap<i64, BTreeMap<i64, bool>> = BTreeMap::new();
        for (branches, taken) in [(&self.missing_branches, false), (&self.executed_branches, true)] {
            for (line, to) in branches {
                lines.entry(*line).or_default().insert(*to, taken);
            }
        }
        lines
    }

    fn unite(&mut self, other: Self) {
        self.executed.extend(other.executed);
        self.executed_branches.extend(other.executed_branches);
        self.missing.extend(other.missing);
        self.missing_branches.extend(other.missing_branches);
        self.missing.retain(|line| !self.executed.contains(line));
        self.missing_branches.retain(|branch| !self.executed_branches.contains(branch));
    }
}

impl Covered {
    /// `97.5 %`, cut and not rounded: 100.0 % is all of it.
    #[must_use]
    pub fn percent(self) -> String {
        let mille = (self.covered * 1000).checked_div(self.total).unwrap_or(1000);
        format!("{}.{} %", mille / 10, mille % 10)
    }

    /// What did not run.
    #[must_use]
    pub fn missing(self) -> u64 {
        self.total.saturating_sub(self.covered)
    }
}

impl fmt::Display for Covered {
    /// `97.5 % of 1,204 lines`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.total.to_string();
        let mut grouped = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        write!(f, "{} of {grouped} lines", self.percent())
    }
}

#[derive(Deserialize)]
struct Report {
    files: BTreeMap<String, ReportFile>,
}

#[derive(Deserialize)]
struct ReportFile {
    #[serde(default)]
    executed_lines: BTreeSet<u32>,
    #[serde(default)]
    missing_lines: BTreeSet<u32>,
    #[serde(default)]
    executed_branches: BTreeSet<(i64, i64)>,
    #[serde(default)]
    missing_branches: BTreeSet<(i64, i64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(text: &str) -> Coverage {
        let path = |path: &str| path.strip_prefix("env/").map(|path| format!("src/{path}"));
        Coverage::read(text.as_bytes(), path).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn what_ran_anywhere_is_covered() {
        let mut all = coverage(
            r#"{"files": {"env/money/__init__.py": {"executed_lines": [1, 2], "missing_lines": [3, 4],
                "excluded_lines": [9], "executed_branches": [[2, 3]], "missing_branches": [[2, 4], [4, -1]]},
                "tests/test_x.py": {"executed_lines": [1], "missing_lines": []}}}"#,
        );
        assert_eq!(all.covered(), Covered { covered: 3, total: 7 });
        all.unite(coverage(
            r#"{"files": {"env/money/__init__.py": {"executed_lines": [1, 3], "missing_lines": [2, 4],
                "executed_branches": [[2, 4]], "missing_branches": [[2, 3], [4, -1]]}}}"#,
        ));
        assert_eq!(all.covered(), Covered { covered: 5, total: 7 });
        assert_eq!(all.files.keys().collect::<Vec<_>>(), ["src/money/__init__.py"]);
        assert!(all.has_branches());
    }

    #[test]
    fn a_figure_is_cut_and_not_rounded() {
        let display = |covered, total| Covered { covered, total }.to_string();
        assert_eq!(display(1174, 1204), "97.5 % of 1,204 lines");
        assert_eq!(display(9999, 10000), "99.9 % of 10,000 lines");
        assert_eq!(display(0, 0), "100.0 % of 0 lines");
    }
}
