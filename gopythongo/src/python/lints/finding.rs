//! What a linter finds.

use std::collections::BTreeMap;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::python) enum Level {
    Error,
    Warning,
    Note,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::python) struct Finding {
    /// The file, relative to the source.
    pub(in crate::python) path: String,
    /// Counted from 1.
    pub(in crate::python) line: u32,
    /// Counted from 1; `None` where the tool does not say it.
    pub(in crate::python) column: Option<u32>,
    /// What tells findings of its sort apart from others: `F401`.
    pub(in crate::python) code: String,
    pub(in crate::python) message: String,
    pub(in crate::python) level: Level,
}

impl Finding {
    /// Reads a line as most linters print it: `src/money/rates.py:3:1: F401 'os' imported but unused`. `first` is the number
    /// of a line's first column.
    pub(super) fn read(line: &str, first: u32) -> Option<Self> {
        let mut parts = line.splitn(4, ':');
        let path = parts.next()?;
        let at = parts.next()?.parse().ok()?;
        let column: u32 = parts.next()?.parse().ok()?;
        let text = parts.next()?.strip_prefix(' ')?;
        let (code, message) = text.split_once(' ')?;
        let code = code.trim_end_matches(':');
        if code.is_empty() || code.starts_with(|first: char| !first.is_ascii_alphanumeric()) {
            return None;
        }
        Some(Self {
            path: path.to_owned(),
            line: at,
            column: Some((column + 1).saturating_sub(first).max(1)),
            code: code.to_owned(),
            message: message.trim().to_owned(),
            level: Level::Warning,
        })
    }

    /// The same, of another level.
    pub(super) fn of(mut self, level: Level) -> Self {
        self.level = level;
        self
    }
}

/// How many findings there are of each code.
pub(super) fn by_code(findings: &[Finding]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.code.clone()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_told_from_other_lines() {
        let found = Finding::read("src/money/rates.py:3:1: F401 'os' imported but unused", 1).expect("a finding");
        assert_eq!((found.path.as_str(), found.line, found.column), ("src/money/rates.py", 3, Some(1)));
        assert_eq!((found.code.as_str(), found.message.as_str()), ("F401", "'os' imported but unused"));
        assert_eq!(
            Finding::read("m.py:3:0: C0114 Missing module docstring", 0).and_then(|found| found.column),
            Some(1)
        );
        for other in
            ["16", "3     F401 'os' imported but unused", "************* Module m", "m.py:1: error: no", "a:1:1: "]
        {
            assert_eq!(Finding::read(other, 1), None, "{other}");
        }
    }
}
