//! Coverage of the lines that a change touches.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::{Command, Stdio},
};

use serde::{Deserialize, Serialize};

use super::{coverage::Covered, coverage_ratchet};
use crate::{
    context::{BuildKind, Context, Kinds},
    run::{Failure, Inputs, Key, Step, Work},
    support::words,
};

/// Fails a build of a branch or a pull request that leaves too many of the lines that it changes untested. Changed are those
/// that differ from where the branch left its target (`git merge-base`), committed or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct DiffCoverage {
    percent: u8,
}

impl DiffCoverage {
    /// Wants so many of a hundred changed lines with statements to be covered.
    pub fn at_least(percent: u8) -> Self {
        Self { percent: percent.min(100) }
    }
}

impl Step for DiffCoverage {
    const KIND: &'static str = "diff-coverage";
    const VERSION: u32 = 1;

    fn default_kinds(&self) -> Kinds {
        Kinds::from(BuildKind::Feature).or(BuildKind::PullRequest.into())
    }

    fn inputs(&self) -> Inputs {
        coverage_ratchet::measured()
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        key.declared(&self.inputs())?;
        let changes = Changes::of(key.context(), &key.job()?.directory)?;
        key.part("what has changed", format!("{:?}", changes.lines));
        Ok(())
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let coverage = coverage_ratchet::union(work)?;
        let changes = Changes::of(work.context(), &work.source())?;
        let mut figure = Covered::default();
        let mut untested = Vec::new();
        for (path, lines) in &changes.lines {
            let Some(file) = coverage.files.get(path) else { continue };
            let changed: Vec<(u32, bool)> = file.lines().filter(|(line, _)| lines.contains(line)).collect();
            let missing: Vec<u32> = changed.iter().filter(|(_, ran)| !ran).map(|(line, _)| *line).collect();
            figure.total += changed.len() as u64;
            figure.covered += (changed.len() - missing.len()) as u64;
            if !missing.is_empty() {
                untested.push(format!("{path}: {}", ranges(&missing)));
            }
        }
        if figure.total == 0 {
            work.summary(format!("nothing that is measured has changed since {}", changes.base));
            return Ok(());
        }
        untested.iter().for_each(|line| work.say(&format!("not covered: {line}")));
        let told = format!("{figure} that changed since {}", changes.base);
        if figure.covered * 100 < figure.total * u64::from(self.percent) {
            let message = format!("{told} are covered, at least {} % should be", self.percent);
            return Err(Failure::new(message).hint(format!("test {}", words::list(&untested))));
        }
        work.summary(told);
        Ok(())
    }
}

/// Lines by file, relative to a source.
struct Changes {
    /// Where the branch left its target: `develop (0123456789ab)`.
    base: String,
    lines: BTreeMap<String, BTreeSet<u32>>,
}

impl Changes {
    fn of(context: &Context, source: &Path) -> Result<Self, Failure> {
        let target = context.target.as_deref().unwrap_or("develop");
        // a build server's checkout has no branches of its own
        let bases = [format!("origin/{target}"), target.to_owned()];
        let base = bases.iter().find_map(|name| git(source, &["merge-base", name, "HEAD"]).ok());
        let base = base.ok_or_else(|| {
            Failure::lacking(format!("`{}` has no commit in common with `{target}`", source.display()))
                .hint(format!("fetch `{target}`, with its history: `git fetch origin {target}`"))
        })?;
        let base = base.trim();
        let diff = git(source, &["diff", "--unified=0", "--no-color", "--no-ext-diff", "--relative", base, "--", "."])?;
        let mut lines = changed(&diff);
        for path in git(source, &["ls-files", "--others", "--exclude-standard", "--", "."])?.lines() {
            lines.insert(path.to_owned(), (1..=u32::from(u16::MAX)).collect());
        }
        Ok(Self { base: format!("{target} ({base:.12})"), lines })
    }
}

fn git(directory: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let mut command = Command::new("git");
    command.args(["-c", "core.quotePath=false"]).args(arguments).current_dir(directory).stdin(Stdio::null());
    let output = command.output().map_err(|error| Failure::lacking(format!("cannot start `git`: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or_default();
    Err(Failure::lacking(format!("`git {}` in `{}`: {said}", arguments.join(" "), directory.display())))
}

/// The lines that a diff without context adds, by file.
fn changed(diff: &str) -> BTreeMap<String, BTreeSet<u32>> {
    let mut changed: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    let mut path = None;
    let mut lines = diff.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("+++ ") {
            path = name.strip_prefix("b/").map(|name| name.trim_end_matches('\t').to_owned());
        } else if let Some(hunk) = line.strip_prefix("@@ ") {
            // `-3,0 +4,2 @@ def f():`
            let mut ranges = hunk.split(' ').filter_map(|range| range.strip_prefix(['-', '+'])).map(|range| {
                let (first, count) = range.split_once(',').unwrap_or((range, "1"));
                (first.parse::<u32>().unwrap_or_default(), count.parse::<u32>().unwrap_or_default())
            });
            let (Some((_, removed)), Some((first, added))) = (ranges.next(), ranges.next()) else { continue };
            if let Some(path) = &path {
                changed.entry(path.clone()).or_default().extend(first..first + added);
            }
            // what was removed or added may look like a header
            lines.by_ref().take((removed + added) as usize).for_each(drop);
        }
    }
    changed
}

/// `3-5, 9`
fn ranges(lines: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for line in lines {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *line => *last = *line,
            _ => ranges.push((*line, *line)),
        }
    }
    let shown = |(first, last): &(u32, u32)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_a_diff_adds_are_found() {
        let diff = "diff --git a/src/m.py b/src/m.py\n--- a/src/m.py\n+++ b/src/m.py\n@@ -3,0 +4,2 @@ def f():\n+++ x\n+y\n\
                    @@ -9 +11 @@\n-a\n+b\n@@ -20,2 +21,0 @@\n-a\n-b\n--- a/gone.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n";
        let found = changed(diff);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["src/m.py"]);
        assert_eq!(found["src/m.py"], [4, 5, 11].into());
        assert_eq!(ranges(&[3, 4, 5, 9]), "3-5, 9");
    }
}
