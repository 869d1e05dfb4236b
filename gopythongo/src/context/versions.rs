//! The version that a build of a source gets: from its own words or tags, the kind of the build and its branch.

use pep440_rs::{Prerelease, Version};

use super::{Branches, BuildKind, history::History};
use crate::{
    python::name::normalize,
    version::{Bump, Numbering, Stamp, VersionPlan, VersionSource},
};

/// The kind of a build and its branch, as far as versions are concerned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Branch<'a> {
    pub(super) kind: BuildKind,
    pub(super) name: Option<&'a str>,
    /// Its name without the prefix that branches of the kind have: `1.5.0` of `release/1.5.0`.
    pub(super) topic: Option<&'a str>,
    /// Whether a source says the version that the branch is named for: then the others, which are released with it, have
    /// versions of their own.
    pub(super) is_said: bool,
}

impl<'a> Branch<'a> {
    /// The branch that these sources are built on.
    pub(super) fn of<'b>(
        branches: &Branches,
        kind: BuildKind,
        name: Option<&'a str>,
        sources: impl IntoIterator<Item = &'b VersionSource>,
    ) -> Self {
        let topic = name.map(|name| branches.topic(kind, name));
        let named = named_release(kind, topic);
        let says = |source: &VersionSource| {
            let said = source.version().and_then(|version| parsed(version).ok());
            said.is_some_and(|said| Some(release(&said)) == named)
        };
        Self { kind, name, topic, is_said: sources.into_iter().any(says) }
    }
}

/// The version of a build of `source`.
///
/// # Errors
/// When a release branch is named for a version that no source says, or tags are needed and cannot be read. One sentence.
pub(super) fn plan(
    branch: Branch<'_>,
    source: &VersionSource,
    stamp: Stamp,
    history: &History,
) -> Result<VersionPlan, String> {
    let Branch { kind, name, topic, is_said } = branch;
    let said = match source.version() {
        // what comes next may be a post-release
        Some(version) if matches!(source, VersionSource::Index { .. } | VersionSource::Apt { .. }) => {
            parsed(version)?.with_dev(None)
        }
        Some(version) => release(&parsed(version)?),
        None => of_tags(kind, history)?,
    };
    let base = match named_release(kind, topic) {
        None => said,
        // a tag of a candidate is on the way to it
        Some(named) if named == release(&said) || *source == VersionSource::GitTags => named,
        Some(_) if is_said => said,
        Some(named) => {
            let name = name.unwrap_or_default();
            return Err(format!("branch `{name}` is for {named}, which no source says; this one says {said}"));
        }
    };
    let numbering = match kind {
        BuildKind::Feature | BuildKind::PullRequest | BuildKind::Develop => Numbering::Dev,
        BuildKind::Release | BuildKind::Hotfix => Numbering::Candidate,
        BuildKind::Master => Numbering::Final,
    };
    let of_branch = matches!(kind, BuildKind::Feature | BuildKind::PullRequest).then(|| label(topic));
    let of_change = history.changed.as_ref().map(|digest| format!("d{digest}"));
    let labels: Vec<String> = of_branch.into_iter().chain(of_change).collect();
    let local = (!labels.is_empty()).then(|| labels.join("."));
    Ok(VersionPlan { base, numbering, number: history.commits, local, stamp })
}

/// The version of a source that is a release itself.
///
/// # Errors
/// When it is none. One sentence.
pub(super) fn keep(version: &str) -> Result<VersionPlan, String> {
    Ok(VersionPlan { base: parsed(version)?, numbering: Numbering::Final, number: 0, local: None, stamp: Stamp::Keep })
}

/// The last release among tags: of the tags that begin with one of `names` if there are any, else of the plain ones.
pub(super) fn last_release(tags: &[String], names: &[&str]) -> Option<(Version, String)> {
    let names: Vec<String> = names.iter().map(|name| normalize(name)).collect();
    let releases = tags.iter().filter_map(|tag| release_tag(tag).map(|(prefix, version)| (prefix, version, tag)));
    let (own, others): (Vec<_>, Vec<_>) = releases.partition(|(prefix, ..)| names.contains(prefix));
    let plain = others.into_iter().filter(|(prefix, ..)| prefix.is_empty()).collect();
    let candidates = if own.is_empty() { plain } else { own };
    let last = candidates.into_iter().max_by(|(_, left, _), (_, right, _)| left.cmp(right));
    last.map(|(_, version, tag)| (version, tag.clone()))
}

/// Whether a tag is that of a release.
pub(crate) fn is_release_tag(tag: &str) -> bool {
    release_tag(tag).is_some()
}

/// The release, and the normalised name before it, of a tag.
fn release_tag(tag: &str) -> Option<(String, Version)> {
    version_tag(tag).filter(|(_, version)| version.is_stable())
}

/// `v1.4.2`, `1.4.2`, `money-1.4.2`, `money/v1.4.2`, `money@1.4.2`: the normalised name before it, and the version.
pub(super) fn version_tag(tag: &str) -> Option<(String, Version)> {
    let starts = std::iter::once(0).chain(tag.match_indices(['-', '/', '@', '_']).map(|(at, _)| at + 1));
    starts.into_iter().find_map(|start| {
        let text = tag[start..].strip_prefix('v').unwrap_or(&tag[start..]);
        // PEP 440 reads `1-2` as a post-release: nobody means that by a tag.
        let version: Version = text.parse().ok().filter(|_| !text.contains('-'))?;
        (!version.is_local()).then(|| (normalize(tag[..start].trim_end_matches(['-', '/', '@', '_'])), version))
    })
}

fn of_tags(kind: BuildKind, history: &History) -> Result<Version, String> {
    if let Some(problem) = &history.problem {
        return Err(problem.clone());
    }
    match &history.last {
        None => Ok(Version::new([0, 1, 0])),
        // The tagged commit itself is that release.
        Some((version, _)) if kind == BuildKind::Master && history.commits == 0 && history.changed.is_none() => {
            Ok(version.clone())
        }
        Some((version, _)) if matches!(kind, BuildKind::Feature | BuildKind::PullRequest | BuildKind::Develop) => {
            Ok(next(version))
        }
        Some((version, _)) => Ok(Bump::Release.python(version)),
    }
}

/// The version that development after a tag is on the way to, as setuptools_scm guesses it: the last number is counted up,
/// whatever it belongs to. 1.4.3 after 1.4.2, 1.5 after 1.4, 1.5.0rc2 after 1.5.0rc1.
fn next(version: &Version) -> Version {
    let version = version.clone();
    match (version.dev(), version.post(), version.pre()) {
        (Some(_), ..) => version.with_dev(None),
        (None, Some(post), _) => version.with_post(Some(post + 1)),
        (None, None, Some(pre)) => version.with_pre(Some(Prerelease { number: pre.number + 1, ..pre })),
        (None, None, None) => Bump::Release.python(&version),
    }
}

/// The release that a branch is for: 1.5.0 of `release/1.5.0`. None where it has another name.
fn named_release(kind: BuildKind, topic: Option<&str>) -> Option<Version> {
    if !matches!(kind, BuildKind::Release | BuildKind::Hotfix) {
        return None;
    }
    let name = topic?;
    name.strip_prefix('v').unwrap_or(name).parse().ok().map(|version| release(&version))
}

/// What a version is on the way to: 1.5.0 of 1.5.0.dev3.
fn release(version: &Version) -> Version {
    version.only_release().with_epoch(version.epoch())
}

fn parsed(version: &str) -> Result<Version, String> {
    version.parse().map_err(|_| format!("`{version}` is not a version (PEP 440)"))
}

/// A branch as a local label (PEP 440): `Fix/rounding_up` becomes `fix.rounding.up`. Without
/// a branch there is a label all the same: it keeps the bytes out of channels that others read.
fn label(topic: Option<&str>) -> String {
    let branch = topic.unwrap_or("detached").to_ascii_lowercase();
    let words: Vec<&str> = branch.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "branch".to_owned() } else { words.join(".") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(kind: BuildKind, branch: &str, source: &VersionSource, history: &History) -> String {
        match plan(Branch::of(&Branches::git_flow(), kind, Some(branch), [source]), source, Stamp::Keep, history) {
            Ok(plan) => plan.version(plan.number).to_string(),
            Err(problem) => problem,
        }
    }

    fn said(version: &str) -> VersionSource {
        VersionSource::Static(version.to_owned())
    }

    #[test]
    fn each_kind_of_build_has_its_versions() {
        let history = History { commits: 7, ..History::default() };
        let of = |kind, branch| version(kind, branch, &said("1.5.0"), &history);
        assert_eq!(of(BuildKind::Feature, "feature/Fix_007-now"), "1.5.0.dev7+fix.7.now");
        assert_eq!(of(BuildKind::PullRequest, "x"), "1.5.0.dev7+x");
        assert_eq!(of(BuildKind::Feature, "ü"), "1.5.0.dev7+branch");
        assert_eq!(of(BuildKind::Develop, "develop"), "1.5.0.dev7");
        assert_eq!(of(BuildKind::Release, "release/1.5.0"), "1.5.0rc7");
        assert_eq!(of(BuildKind::Hotfix, "hotfix/v1.5"), "1.5rc7");
        assert_eq!(of(BuildKind::Release, "release/spring"), "1.5.0rc7");
        assert_eq!(of(BuildKind::Master, "master"), "1.5.0");
    }

    #[test]
    fn what_is_not_committed_has_a_label() {
        let history = History { changed: Some("1a2b3c4d".to_owned()), ..History::default() };
        let of = |kind, branch| version(kind, branch, &said("1.5.0.dev3"), &history);
        assert_eq!(of(BuildKind::Develop, "develop"), "1.5.0.dev0+d1a2b3c4d");
        assert_eq!(of(BuildKind::Feature, "feature/x"), "1.5.0.dev0+x.d1a2b3c4d");
        assert_eq!(of(BuildKind::Master, "main"), "1.5.0+d1a2b3c4d");
    }

    #[test]
    fn a_release_branch_and_its_source_agree() {
        let history = History::default();
        assert_eq!(version(BuildKind::Release, "release/1.6.0", &said("1.5.0"), &history), {
            "branch `release/1.6.0` is for 1.6.0, which no source says; this one says 1.5.0"
        });
        assert_eq!(version(BuildKind::Release, "release/1.6.0", &VersionSource::GitTags, &history), "1.6.0rc0");
    }

    #[test]
    fn sources_that_are_released_together_have_versions_of_their_own() {
        let (money, catalog) = (said("1.6.0"), said("0.3.0"));
        let of = |source, all: &[&VersionSource]| {
            let branch =
                Branch::of(&Branches::git_flow(), BuildKind::Release, Some("release/1.6.0"), all.iter().copied());
            plan(branch, source, Stamp::Keep, &History::default()).map(|plan| plan.version(1).to_string())
        };
        assert_eq!(of(&money, &[&money, &catalog]).as_deref(), Ok("1.6.0rc1"));
        assert_eq!(of(&catalog, &[&money, &catalog]).as_deref(), Ok("0.3.0rc1"));
        let alone = Err("branch `release/1.6.0` is for 1.6.0, which no source says; this one says 0.3.0".to_owned());
        assert_eq!(of(&catalog, &[&catalog]), alone);
    }

    #[test]
    fn tags_give_the_next_version() {
        let of = |kind, tag: Option<&str>, commits| {
            let last = tag.and_then(|tag| last_release(&[tag.to_owned()], &["money"]));
            version(kind, "x", &VersionSource::GitTags, &History { last, commits, ..History::default() })
        };
        assert_eq!(of(BuildKind::Develop, None, 3), "0.1.0.dev3");
        assert_eq!(of(BuildKind::Develop, Some("v1.4.2"), 3), "1.4.3.dev3");
        assert_eq!(of(BuildKind::Develop, Some("v1.4"), 3), "1.5.dev3");
        assert_eq!(of(BuildKind::Master, Some("v1.4.2"), 0), "1.4.2");
        assert_eq!(of(BuildKind::Master, Some("v1.4.2"), 1), "1.4.3");
        let shallow = History { problem: Some("no tags".to_owned()), ..History::default() };
        assert_eq!(version(BuildKind::Develop, "x", &VersionSource::GitTags, &shallow), "no tags");
    }

    #[test]
    fn the_last_release_is_the_highest_of_the_sources_own_tags() {
        let last = |tags: &[&str]| {
            let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
            last_release(&tags, &["Money.Lib", "money"]).map(|(version, tag)| format!("{version} {tag}"))
        };
        assert_eq!(last(&["v1.4.2", "v1.10.0", "v2.0.0rc1", "nightly"]).as_deref(), Some("1.10.0 v1.10.0"));
        assert_eq!(last(&["v9", "money-lib-1.0", "money/v1.1"]).as_deref(), Some("1.1 money/v1.1"));
        assert_eq!(last(&["shop-3.0", "1.0"]).as_deref(), Some("1.0 1.0"));
        assert_eq!(last(&["shop-3.0", "x"]), None);
    }

    #[test]
    fn a_release_keeps_its_version() {
        assert_eq!(keep("2.9.0.post0").map(|plan| plan.version(0).to_string()).as_deref(), Ok("2.9.0.post0"));
    }
}
