//! What becomes of an allocated version when the payload is known. Pure.

use pep440_rs::Version;

use super::{
    Generation, Release, Stage, StoreError,
    series::{Label, Series},
};
use crate::support::Digest;

/// What became of an allocated version when the payload was known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The payload is new: the version is its own.
    New,
    /// The payload exists under another version (or this one): its bytes are used again, the new ones are dropped.
    Existing(Box<Release>),
}

/// A build whose payload is known.
pub(super) struct Build<'a> {
    pub(super) package: &'a str,
    pub(super) version: &'a Version,
    pub(super) payload: &'a Digest,
    pub(super) channel: &'a str,
    pub(super) commit: Option<&'a str>,
}

/// Finds a release to use again, or says that the version is the build's own.
///
/// A release with the same payload is used again if its label allows it, in this order:
/// 1. the channel's newest release, whatever its base (a final version excepted: it is asked for by its number);
/// 2. one of the same base and numbering: without a label before one with a label, the run's own stage, the channel newest
///    first, the other channels.
///
/// # Errors
/// When the version is in a channel with another payload. What another run has only staged is in nobody's way: whoever is
/// promoted first keeps the version.
pub(super) fn settle(build: &Build<'_>, current: &Generation, stage: Option<&Stage>) -> Result<Settled, StoreError> {
    let (series, _) = Series::of(build.version);
    let wanted = Label::of(build.version);
    let label = |release: &Release| release.parsed().as_ref().map(Label::of);
    let fits = |release: &&Release| {
        release.payload == *build.payload && label(release).is_some_and(|label| label.may_stand_for(wanted))
    };
    let same_series = |release: &&Release| release.parsed().is_some_and(|version| Series::of(&version).0 == series);

    let newest = current.newest(build.channel, build.package);
    if let Some(release) = newest.filter(|release| stands_for(release, build.version, build.payload)) {
        return Ok(Settled::Existing(Box::new(release.clone())));
    }
    let staged = stage.and_then(|stage| stage.staged.get(build.package));
    let existing = staged
        .into_iter()
        .chain(current.releases(build.channel, build.package).iter().rev())
        .chain(current.everywhere(build.package))
        .filter(fits)
        .filter(same_series)
        .min_by_key(|release| label(release) != Some(Label::None));
    if let Some(release) = existing {
        return Ok(Settled::Existing(Box::new(release.clone())));
    }
    let version = build.version.to_string();
    match current.everywhere(build.package).find(|release| release.is(&version)) {
        Some(release) => Err(clash(build, &series, release)),
        None => Ok(Settled::New),
    }
}

/// Whether a channel's newest release is what a build of a version with this payload would be: the same bytes but for the
/// version, with a label that allows it. A final version is asked for by its number: only itself stands for it.
pub(super) fn stands_for(newest: &Release, version: &Version, payload: &Digest) -> bool {
    let (series, _) = Series::of(version);
    newest.payload == *payload
        && newest.parsed().is_some_and(|own| {
            Label::of(&own).may_stand_for(Label::of(version)) && (!series.is_final() || Series::of(&own).0 == series)
        })
}

fn clash(build: &Build<'_>, series: &Series, found: &Release) -> StoreError {
    let then = found.commit.as_deref();
    let error = StoreError::new(another_payload(build.package, &found.version, then, build.commit));
    if !series.is_final() {
        error.hint("build its sdist again: it will be given the next free number")
    } else if then.is_some() && then == build.commit {
        error.hint("the build does not give the same files twice: raise the version, or find what differs")
    } else {
        error.hint("raise the version: a final version never changes")
    }
}

/// `money 1.5.0` exists with another payload, and both commits.
pub(super) fn another_payload(package: &str, version: &str, then: Option<&str>, now: Option<&str>) -> String {
    let from = |commit: Option<&str>| commit.map_or("no known commit".to_owned(), |commit| format!("commit {commit}"));
    format!("`{package}` {version} exists with another payload: built from {}, now from {}", from(then), from(now))
}
