//! What a promotion decides of Debian packages; the rules are those of wheels. Pure.

use super::{DebRelease, Generation, PromoteError, Stage, deb_series::DebSeries, settlement::another_payload};
use crate::support::Digest;

/// The version that a build of a package gets: one whose bytes are used again, or the next number that nobody has.
pub(super) struct Build<'a> {
    pub(super) package: &'a str,
    pub(super) series: &'a DebSeries,
    pub(super) payload: &'a Digest,
    pub(super) channel: &'a str,
}

/// A release whose bytes are those of this build: the run's staged one, or the channel's newest, whatever its series. A
/// final version is asked for by its number: only a final one of its own stands for it. A build without a local label
/// never uses bytes again that have one.
pub(super) fn existing<'a>(
    build: &Build<'_>,
    current: &'a Generation,
    stage: Option<&'a Stage>,
) -> Option<&'a DebRelease> {
    let staged = stage.and_then(|stage| stage.debs.get(build.package));
    let newest = current.newest_deb(build.channel, build.package);
    staged.into_iter().chain(newest).find(|release| {
        release.payload == *build.payload
            && release.label().may_stand_for(build.series.label())
            && (!build.series.is_final || build.series.number(&release.version).is_some())
    })
}

/// The channel's newest release, where it already is what a staged one would make of it.
pub(super) fn public<'a>(
    channel: &str,
    package: &str,
    staged: &DebRelease,
    current: &'a Generation,
) -> Option<&'a DebRelease> {
    current.newest_deb(channel, package).filter(|newest| newest.version == staged.version)
}

/// The release that enters a channel for a staged one: where its version is in a channel already, that one's bytes.
pub(super) fn admit<'a>(
    channel: &str,
    package: &str,
    staged: &'a DebRelease,
    current: &'a Generation,
) -> Result<&'a DebRelease, PromoteError> {
    let version = &staged.version;
    if !staged.label().may_enter(channel) {
        return Err(PromoteError::Refused(format!(
            "`{package}` {version} may not enter `{channel}`: its local label keeps it out of channels that others read"
        )));
    }
    let same = |found: &&DebRelease| found.version == staged.version && found.architecture == staged.architecture;
    if let Some(found) = current.debs_everywhere(package).find(same) {
        return if found.payload == staged.payload {
            Ok(found)
        } else {
            let (then, now) = (found.commit.as_deref(), staged.commit.as_deref());
            Err(PromoteError::Refused(another_payload(package, version, then, now)))
        };
    }
    // a path of the pool is never used again, and `1:0.7.0` has the file name of `0.7.0`
    let clash = |found: &&DebRelease| found.file == staged.file && found.digest != staged.digest;
    match current.debs_everywhere(package).find(clash) {
        Some(found) => Err(PromoteError::Refused(format!(
            "`{}` exists with other bytes, in `{package}` {}: a file's name is never used again",
            staged.file, found.version
        ))),
        None => Ok(staged),
    }
}

/// Names of staged packages whose newest release in the channel is neither what it was when the run began, nor what the run
/// would make it.
pub(super) fn moved<'a>(stage: &'a Stage, base: &Generation, current: &Generation) -> impl Iterator<Item = &'a String> {
    let payload = |generation: &Generation, name: &str| {
        generation.newest_deb(&stage.channel, name).map(|release| release.payload)
    };
    stage.debs.iter().filter_map(move |(name, release)| {
        let now = payload(current, name);
        (now != payload(base, name) && now != Some(release.payload)).then_some(name)
    })
}

/// Numbers of a package's series that nobody else may be given: those of its releases.
pub(super) fn released<'a>(package: &str, series: &'a DebSeries, current: &'a Generation) -> impl Iterator<Item = u64> {
    current.debs_everywhere(package).filter_map(|release| series.number(&release.version))
}
