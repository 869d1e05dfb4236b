//! Build kinds (Git Flow) and sets of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::git::is_branch_name;

/// What a build is for, by Git Flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildKind {
    /// `feature/x` and every branch that is nothing else.
    Feature,
    /// A pull request: Feature's defaults, but never matched by `.on(Feature, …)`.
    PullRequest,
    /// `develop`.
    Develop,
    /// `release/x`.
    Release,
    /// `hotfix/x`.
    Hotfix,
    /// `master` or `main`.
    Master,
}

impl BuildKind {
    /// All of them, in the order of a change's life.
    pub const ALL: [Self; 6] =
        [Self::Feature, Self::PullRequest, Self::Develop, Self::Release, Self::Hotfix, Self::Master];

    /// The kind of the builds that promote into a channel; `None` if no build has such a channel.
    #[must_use]
    pub(crate) fn of_channel(channel: &str) -> Option<Self> {
        match channel.split_once('/') {
            None => [Self::Develop, Self::Master].into_iter().find(|kind| kind.word() == channel),
            Some((kind, branch)) => {
                let of_branch = [Self::Feature, Self::PullRequest, Self::Release, Self::Hotfix];
                of_branch.into_iter().find(|known| known.word() == kind && is_branch_name(branch))
            }
        }
    }

    /// The lowercase word of the command line: `pull-request`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Feature => "feature",
            Self::PullRequest => "pull-request",
            Self::Develop => "develop",
            Self::Release => "release",
            Self::Hotfix => "hotfix",
            Self::Master => "master",
        }
    }
}

impl fmt::Display for BuildKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for BuildKind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
            let words = Self::ALL.map(Self::word);
            format!("`{word}` is not a build kind: one of {} is expected", crate::support::words::list(&words))
        })
    }
}

/// A set of build kinds, written `Feature` or `Develop | Release`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Kinds(u8);

impl Kinds {
    /// No kind.
    pub const NONE: Self = Self(0);
    /// Every kind.
    pub const ALL: Self = Self(0b11_1111);
    /// Develop, Release, Hotfix and Master: builds whose results others use.
    pub const SHARED: Self = Self(0b11_1100);

    /// Whether a kind is in the set.
    #[must_use]
    pub fn contains(self, kind: BuildKind) -> bool {
        self.0 & Self::from(kind).0 != 0
    }

    /// Kinds that are in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Kinds that are in either set.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Kinds that are in this set and not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether no kind is in the set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds in the set.
    pub fn iter(self) -> impl Iterator<Item = BuildKind> {
        BuildKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl From<BuildKind> for Kinds {
    fn from(kind: BuildKind) -> Self {
        Self(1 << kind as u8)
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::support::words::list(&self.iter().map(BuildKind::word).collect::<Vec<_>>()))
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Kinds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Kinds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kinds = Vec::<BuildKind>::deserialize(deserializer)?;
        Ok(kinds.into_iter().fold(Self::NONE, |set, kind| set.or(kind.into())))
    }
}

/// What `.on` and `.except` take: a build kind, or several joined by `|`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of build kinds",
    label = "expected `Develop`, or kinds joined by one `|`: `Release | Master`",
    note = "the kinds are Feature, PullRequest, Develop, Release, Hotfix and Master"
)]
pub trait KindSet {
    /// The set.
    fn kinds(self) -> Kinds;
}

impl KindSet for BuildKind {
    fn kinds(self) -> Kinds {
        self.into()
    }
}

impl KindSet for Kinds {
    fn kinds(self) -> Kinds {
        self
    }
}

impl std::ops::BitOr for BuildKind {
    type Output = Kinds;

    fn bitor(self, other: Self) -> Kinds {
        Kinds::from(self).or(other.into())
    }
}

impl std::ops::BitOr<BuildKind> for Kinds {
    type Output = Self;

    fn bitor(self, other: BuildKind) -> Self {
        self.or(other.into())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Branches, *};

    #[test]
    fn channels_have_kinds_and_other_names_have_none() {
        for kind in BuildKind::ALL {
            let channel = Branches::git_flow().channel(kind, Some("x/y"));
            assert_eq!(BuildKind::of_channel(&channel), Some(kind));
        }
        for name in ["develpo", "develop/x", "release", "release/", "feature/a b", "feature/../x", "topic/x", ""] {
            assert_eq!(BuildKind::of_channel(name), None, "{name}");
        }
    }

    #[test]
    fn kinds_are_sets() {
        let set = BuildKind::Develop | BuildKind::Master;
        assert!(set.contains(BuildKind::Master) && !set.contains(BuildKind::Release));
        assert_eq!(set.to_string(), "develop and master");
        assert_eq!(Kinds::ALL.without(Kinds::SHARED), BuildKind::Feature | BuildKind::PullRequest);
        assert_eq!(
            "Develop".parse::<BuildKind>().unwrap_err(),
            "`Develop` is not a build kind: one of feature, pull-request, develop, release, hotfix and master is expected"
        );
    }
}
