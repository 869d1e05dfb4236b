//! Coverage that may only improve.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::python::{Coverage, Covered, baseline};
use crate::{
    event::Event,
    run::{Failure, FailureKind, Inputs, Key, Outcome, Step, Work},
    store::Figure,
    support::{Digest, words},
};

/// Fails a build whose coverage falls below the channel's: the ratio falls *and* more is missing than before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct CoverageRatchet {
    required: bool,
    file: Option<PathBuf>,
    #[serde(default)]
    tolerance: u64,
}

impl CoverageRatchet {
    /// Compares with the channel; where nothing was recorded before, says so and passes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fails where nothing was recorded before; by default that passes, with a loud word.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Compares with a committed file, relative to the source, and not with the channel.
    pub fn file(mut self, file: impl Into<PathBuf>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Passes a build in which up to this many lines (and branches, where they are measured) more than in the figure to
    /// reach are not covered, for tests that do not cover the same in every run. By default none may be.
    ///
    /// A figure that passes only thereby is not recorded: the best one stays the one to reach, so that coverage cannot
    /// creep down from build to build.
    pub fn tolerance(mut self, lines: u64) -> Self {
        self.tolerance = lines;
        self
    }
}

impl Step for CoverageRatchet {
    const KIND: &'static str = "coverage-ratchet";
    const VERSION: u32 = 1;

    fn inputs(&self) -> Inputs {
        measured()
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        let measured = key.needed().iter().filter_map(|(id, outcome)| Some((id, outcome.artifacts.get("coverage")?)));
        let measured: Vec<(String, Digest)> =
            measured.map(|(id, artifact)| (format!("coverage of {id}"), artifact.digest)).collect();
        for (name, digest) in measured {
            key.part(name, digest);
        }
        Ok(())
    }

    fn is_ratchet(&self) -> bool {
        true
    }

    /// The figure to reach is no part of the key: a first promotion records the very figure that was measured, and
    /// nothing has to be measured again for that. A known outcome stands unless today's figure refuses it.
    fn recall(&self, work: &mut Work<'_>, outcome: &Outcome, _run: &str) -> Result<(), Failure> {
        let recorded = Figure::left(outcome).as_ref().and_then(covered);
        let tolerated = outcome.facts.get(TOLERATED).and_then(|counts| serde_json::from_str(counts).ok());
        let tolerated = tolerated.as_ref().and_then(covered);
        let stale = |why: &str| Err(Failure::of(FailureKind::Stale, why));
        match (self.baseline(work)?, recorded.or(tolerated)) {
            (None, _) if self.required => stale("no figure is recorded any more"),
            (None, Some(_)) if tolerated.is_some() => stale("no figure is recorded any more"),
            (None, known) => {
                // what is compared with nothing stays loud
                let known = known.map_or_else(|| "unknown".to_owned(), |known| known.to_string());
                let message = format!("coverage of `{}` is {known}, {UNCOMPARED}", work.step().job);
                work.emit(Event::Warning { message });
                Ok(())
            }
            (Some(_), None) => stale("there is a figure to reach now"),
            // a figure that was good enough to be recorded may be one that is only tolerated now, and the other way round
            (Some(baseline), Some(now))
                if fell(baseline.figure, now, 0) != tolerated.is_some()
                    || fell(baseline.figure, now, self.tolerance) =>
            {
                stale(&format!("{} is the figure in {} now", baseline.figure, baseline.place))
            }
            _ => Ok(()),
        }
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let job = work.step().job.clone();
        let measured = union(work)?;
        let now = measured.covered();
        let baseline = self.baseline(work)?;
        if now.total == 0 {
            let message = format!("coverage of `{job}` is unknown: no step measured any");
            if self.required || baseline.is_some() {
                return Err(Failure::new(message).hint(MEASURE));
            }
            work.emit(Event::Warning { message });
            work.summary(format!("unknown, {UNCOMPARED}"));
            return Ok(());
        }
        let counts = [("covered".to_owned(), now.covered), ("total".to_owned(), now.total)].into();
        let Some(baseline) = baseline else {
            Figure::leave(work, &counts);
            let place = match &self.file {
                Some(file) => format!("`{}` does not exist", file.display()),
                None => format!("channel `{}` holds no figure", baseline::channel(work.context())),
            };
            let message = format!("coverage of `{job}` is compared with nothing: {place}");
            if self.required {
                return Err(Failure::new(message).hint(match self.file {
                    Some(_) => format!("commit the file: `covered = {}` and `total = {}`", now.covered, now.total),
                    None => {
                        "a promotion records the first figure: leave `.ratchet_required()` out until then".to_owned()
                    }
                }));
            }
            work.emit(Event::Warning { message });
            work.summary(format!("{now}, {UNCOMPARED}"));
            return Ok(());
        };
        if fell(baseline.figure, now, self.tolerance) {
            return Err(Failure::new(format!(
                "coverage of `{job}` fell from {} ({}) to {now}: {} not covered, {} before{}",
                baseline.figure,
                baseline.place,
                now.missing(),
                baseline.figure.missing(),
                if self.tolerance > 0 { format!(", {} more tolerated", self.tolerance) } else { String::new() },
            ))
            .hint(format!("most is missing in {}", most_missing(&measured))));
        }
        let compared = format!("{now}, {} in {}", baseline.figure.percent(), baseline.place);
        if fell(baseline.figure, now, 0) {
            work.fact(TOLERATED, serde_json::json!(counts));
            let more = now.missing() - baseline.figure.missing();
            work.summary(format!("{compared}, which stays the figure to reach: {more} more not covered are tolerated"));
        } else {
            Figure::leave(work, &counts);
            work.summary(compared);
        }
        Ok(())
    }
}

impl CoverageRatchet {
    fn baseline(&self, work: &Work<'_>) -> Result<Option<Baseline>, Failure> {
        match &self.file {
            Some(file) => committed(&work.source().join(file)),
            None => Ok(baseline::recorded(work)?
                .and_then(|found| Some(Baseline { figure: covered(&found.counts)?, place: found.place }))),
        }
    }
}

/// The fact that holds a figure which is worse than the one to reach, and within the tolerance.
const TOLERATED: &str = "tolerated";

/// How the summary ends where there is no figure to compare with.
const UNCOMPARED: &str = "compared with nothing";

/// What to do where nothing was measured.
const MEASURE: &str = "`.pytest()` measures; tox and nox do where their commands run coverage, with `source_pkgs` in its \
                       configuration, and leave `.coverage` files";

/// What is compared with.
struct Baseline {
    figure: Covered,
    /// `develop`, `coverage.toml`.
    place: String,
}

/// It fell if the ratio did *and* more is missing than before, by more than is tolerated: deleting covered code is no harm.
fn fell(before: Covered, now: Covered, tolerance: u64) -> bool {
    let ratio = u128::from(now.covered) * u128::from(before.total) < u128::from(before.covered) * u128::from(now.total);
    ratio && now.missing() > before.missing().saturating_add(tolerance)
}

/// The figure that counts are.
fn covered(counts: &BTreeMap<String, u64>) -> Option<Covered> {
    Some(Covered { covered: *counts.get("covered")?, total: *counts.get("total")? })
}

/// The figure in a committed file: `covered = 1174` and `total = 1204`.
fn committed(file: &Path) -> Result<Option<Baseline>, Failure> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(Failure::io("cannot read", file))?,
    };
    let wrong = |what: &str| {
        Failure::refused(format!("`{}` is no coverage baseline: {what}", file.display()))
            .hint("it holds two lines: `covered = 1174` and `total = 1204`")
    };
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(error.message()))?;
    let number = |name: &str| {
        let value = table.get(name).and_then(toml::Value::as_integer).and_then(|value| u64::try_from(value).ok());
        value.ok_or_else(|| wrong(&format!("`{name}` is not a count")))
    };
    let figure = Covered { covered: number("covered")?, total: number("total")? };
    let place = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Some(Baseline { figure, place }))
}

/// What the steps that measure leave.
pub(super) fn measured() -> Inputs {
    Inputs::none().artifact("pytest").artifact("tox").artifact("nox").artifact("integration-tests")
}

/// What all suites of the job covered together.
pub(super) fn union(work: &Work<'_>) -> Result<Coverage, Failure> {
    let mut all = Coverage::default();
    for artifact in work.needed().iter().filter_map(|(_, outcome)| outcome.artifacts.get("coverage")) {
        let blob = work.blob(&artifact.digest);
        let bytes = fs::read(&blob).map_err(Failure::io("cannot read", &blob))?;
        let one = serde_json::from_slice(&bytes)
            .map_err(|error| Failure::refused(format!("`{}` is no coverage: {error}", blob.display())))?;
        all.unite(one);
    }
    Ok(all)
}

/// `src/money/coins.py (12), …`: the files with most lines to cover.
fn most_missing(coverage: &Coverage) -> String {
    let mut files: Vec<(usize, &String)> =
        coverage.files.iter().map(|(path, file)| (file.missing.len() + file.missing_branches.len(), path)).collect();
    files.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let named: Vec<String> =
        files.iter().take(3).filter(|(n, _)| *n > 0).map(|(n, path)| format!("`{path}` ({n})")).collect();
    words::list(&named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pipeline::{JobBuilder, Pipeline, library},
        testing::{Simulation, simulate},
    };

    fn covered(covered: u64, total: u64) -> Covered {
        Covered { covered, total }
    }

    #[test]
    fn it_falls_only_if_the_ratio_falls_and_more_is_missing() {
        let fell = |before, now| fell(before, now, 0);
        assert!(fell(covered(90, 100), covered(89, 100)));
        assert!(fell(covered(90, 100), covered(98, 110)));
        assert!(!fell(covered(90, 100), covered(90, 100)));
        // ten covered lines are deleted: the ratio falls, nothing new is uncovered
        assert!(!fell(covered(90, 100), covered(80, 90)));
        // as good as before by ratio, although more is missing
        assert!(!fell(covered(90, 100), covered(180, 200)));
        assert!(!fell(covered(0, 0), covered(5, 10)));
    }

    #[test]
    fn lines_within_the_tolerance_do_not_count() {
        assert!(!fell(covered(90, 100), covered(87, 100), 3));
        assert!(fell(covered(90, 100), covered(86, 100), 3));
        // new code brings no tolerance of its own
        assert!(!fell(covered(90, 100), covered(97, 110), 3));
        assert!(fell(covered(90, 100), covered(96, 110), 3));
        assert!(!fell(covered(90, 100), covered(0, 100), u64::MAX));
    }

    /// A library of 1,000 lines whose ratchet tolerates three.
    fn tolerant() -> Simulation {
        let money = library("money").pytest().step(CoverageRatchet::new().tolerance(3)).upload();
        simulate(Pipeline::new("p").job(money))
    }

    #[test]
    fn coverage_cannot_creep_down_within_the_tolerance() {
        let fallen = tolerant().coverage("money", 95.0).run().promotes(["money"]);
        let fallen = fallen.coverage("money", 94.8).changes("money").run().promotes(["money"]);
        let fallen = fallen.run().does_not_begin("money/coverage-ratchet");
        let fallen = fallen.coverage("money", 94.7).changes("money").run().promotes(["money"]);
        fallen.coverage("money", 94.6).changes("money").run().has_failed("money/coverage-ratchet").promotes_nothing();
    }

    #[test]
    fn an_outcome_of_the_cache_lowers_no_figure() {
        let back = tolerant().coverage("money", 94.8).run().coverage("money", 95.0).run();
        let back = back.coverage("money", 94.8).run().passes("money/coverage-ratchet");
        back.coverage("money", 94.6).run().has_failed("money/coverage-ratchet");
    }

    #[test]
    fn a_better_figure_is_recorded() {
        let better = tolerant().coverage("money", 95.0).run().coverage("money", 95.2).run();
        better.coverage("money", 94.8).run().has_failed("money/coverage-ratchet");
    }

    #[test]
    fn a_committed_baseline_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("coverage.toml");
        assert!(committed(&file).expect("no file is no error").is_none());
        fs::write(&file, "covered = 1174\ntotal = 1204\n").expect("written");
        let baseline = committed(&file).expect("it is read").expect("it is there");
        assert_eq!((baseline.figure, baseline.place.as_str()), (covered(1174, 1204), "coverage.toml"));
        fs::write(&file, "covered = -1\n").expect("written");
        let failure = committed(&file).err().expect("it is wrong");
        assert!(failure.message.ends_with("is no coverage baseline: `covered` is not a count"), "{failure}");
    }

    #[test]
    fn the_files_with_most_to_cover_are_named() {
        let mut coverage = Coverage::default();
        for (path, missing) in [("a.py", 0..0), ("b.py", 0..5), ("c.py", 0..7)] {
            coverage.files.entry(path.to_owned()).or_default().missing.extend(missing);
        }
        assert_eq!(most_missing(&coverage), "`c.py` (7) and `b.py` (5)");
    }
}
