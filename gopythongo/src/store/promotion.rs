//! Promotion: a set of staged releases becomes public, all or none, the same bytes. The decision is pure.

use std::{collections::BTreeMap, fmt};

use pep440_rs::Version;

use super::{
    Generation, Release, Stage, StoreError, deb_promotion as debs,
    deb_release::label as debs_label,
    series::Label,
    settlement::{another_payload, stands_for},
};
use crate::support::words::list;

/// A promotion that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// The generation that it made, or was found in.
    pub generation: u64,
    /// Versions by package name.
    pub set: BTreeMap<String, String>,
}

/// Why a promotion was refused.
#[derive(Debug)]
pub enum PromoteError {
    /// Packages that the run resolved, or staged itself, are not in the channel what they were then: names, sorted.
    Moved(Vec<String>),
    /// The set may not enter the channel: one sentence.
    Refused(String),
    /// The store is broken or full.
    Store(StoreError),
}

impl fmt::Display for PromoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved(names) => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                write!(f, "{} changed in the channel while the run was tested without that", list(&names))
            }
            Self::Refused(why) => f.write_str(why),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PromoteError {}

impl From<StoreError> for PromoteError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The generation that a stage's promotion makes of the current one; `None` if the channel already is what it would be.
///
/// # Errors
/// When a rule refuses the set, or what it was tested with is not the channel's newest any more.
pub(super) fn promote(
    stage: &Stage,
    base: &Generation,
    current: &Generation,
) -> Result<Option<Generation>, PromoteError> {
    let mut next = Generation {
        number: current.number + 1,
        run: stage.run.clone(),
        channel: stage.channel.clone(),
        time: 0,
        set: BTreeMap::new(),
        channels: current.channels.clone(),
    };
    let channel = next.channels.entry(stage.channel.clone()).or_default();
    let mut changed = false;
    for (name, release) in &stage.staged {
        let release = admit(&stage.channel, name, release, current)?;
        let newest = public(&stage.channel, name, release, current);
        next.set.insert(name.clone(), newest.unwrap_or(release).version.clone());
        if newest.is_some() {
            continue;
        }
        changed = true;
        let releases = channel.packages.entry(name.clone()).or_default();
        releases.retain(|found| !found.is(&release.version));
        releases.push(release.clone());
    }
    for (name, staged) in &stage.debs {
        let release = debs::admit(&stage.channel, name, staged, current)?;
        next.set.insert(in_set(&next.set, name), release.version.clone());
        if debs::public(&stage.channel, name, release, current).is_some() {
            continue;
        }
        changed = true;
        let releases = channel.debs.entry(name.clone()).or_default();
        releases.retain(|found| found.version != release.version);
        releases.push(release.clone());
    }
    for (step, figure) in &stage.ratchets {
        changed |= current.figure(&stage.channel, step) != Some(figure);
        channel.ratchets.insert(step.clone(), figure.clone());
    }
    if !changed {
        return Ok(None);
    }
    match moved(stage, base, current) {
        names if names.is_empty() => Ok(Some(next)),
        names => Err(PromoteError::Moved(names)),
    }
}

/// Refuses what other machines must not see: what was built from uncommitted changes cannot be built again by anybody else.
///
/// # Errors
/// When a staged release is such a one.
pub(super) fn fit_for_others(stage: &Stage) -> Result<(), PromoteError> {
    let versions = stage.staged.iter().map(|(name, release)| (name, &release.version));
    let versions = versions.chain(stage.debs.iter().map(|(name, deb)| (name, &deb.version)));
    let unfit: Vec<String> = versions
        .filter(|(_, version)| debs_label(version) == Label::Uncommitted)
        .map(|(name, version)| format!("`{name}` {version}"))
        .collect();
    if unfit.is_empty() {
        return Ok(());
    }
    let verb = if unfit.len() == 1 { "is" } else { "are" };
    Err(PromoteError::Refused(format!(
        "{} {verb} built from uncommitted changes, and `{}` is shared with other machines: commit them, or run with `--shared none`",
        list(&unfit),
        stage.channel
    )))
}

/// What a Debian package is called in a set: by its name, unless a wheel has that already.
pub(super) fn in_set(set: &BTreeMap<String, String>, name: &str) -> String {
    if set.contains_key(name) { format!("{name} (deb)") } else { name.to_owned() }
}

/// The channel's newest release, where it already is what a staged one would make of it: under its own version, or under
/// another that a run which built the same was given.
pub(super) fn public<'a>(
    channel: &str,
    package: &str,
    staged: &Release,
    current: &'a Generation,
) -> Option<&'a Release> {
    current.newest(channel, package).filter(|newest| {
        let same = |version| stands_for(newest, &version, &staged.payload);
        newest.is(&staged.version) || staged.parsed().is_some_and(same)
    })
}

/// The release that enters a channel for a staged one. A version means one payload in the whole store: where it is in a
/// channel already, with the same payload, that one's files are taken, since a file's name stands for one sequence of bytes.
pub(super) fn admit<'a>(
    channel: &str,
    package: &str,
    staged: &'a Release,
    current: &'a Generation,
) -> Result<&'a Release, PromoteError> {
    let version = &staged.version;
    let parsed: Version = version.parse().map_err(|_| {
        PromoteError::Refused(format!("`{package}` has the version `{version}`, which is none (PEP 440)"))
    })?;
    if !Label::of(&parsed).may_enter(channel) {
        return Err(PromoteError::Refused(format!(
            "`{package}` {version} may not enter `{channel}`: its local label keeps it out of channels that others read"
        )));
    }
    if let Some(found) = current.everywhere(package).find(|release| release.is(version)) {
        return if found.payload == staged.payload {
            Ok(found)
        } else {
            let (then, now) = (found.commit.as_deref(), staged.commit.as_deref());
            Err(PromoteError::Refused(another_payload(package, version, then, now)))
        };
    }
    for file in &staged.files {
        let clash =
            |found: &Release| found.files.iter().any(|other| other.file == file.file && other.digest != file.digest);
        if let Some(found) = current.everywhere(package).find(|release| clash(release)) {
            return Err(PromoteError::Refused(format!(
                "`{}` exists with other bytes, in `{package}` {}: a file's name is never used again",
                file.file, found.version
            )));
        }
    }
    Ok(staged)
}

/// Names whose newest release in the stage's channel is not what the run was tested with: what it resolved, or, for what it
/// staged itself, what there was when it began. Another release with the same payload is no other one.
pub(super) fn moved(stage: &Stage, base: &Generation, current: &Generation) -> Vec<String> {
    let payload =
        |generation: &Generation, name: &str| generation.newest(&stage.channel, name).map(|release| release.payload);
    let resolved = stage
        .resolved
        .iter()
        .filter(|(name, _)| !stage.staged.contains_key(*name))
        .filter(|(name, resolved)| payload(current, name) != **resolved)
        .map(|(name, _)| name);
    let staged = stage
        .staged
        .iter()
        .filter(|(name, release)| {
            let now = payload(current, name);
            now != payload(base, name) && now != Some(release.payload)
        })
        .map(|(name, _)| name);
    let mut names: Vec<String> = resolved.chain(staged).chain(debs::moved(stage, base, current)).cloned().collect();
    names.sort();
    names.dedup();
    names
}
