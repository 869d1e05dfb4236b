//! What versions of one package are numbered among: `1.5.0.dev3` is number 3 of the development versions of `1.5.0`.

use pep440_rs::{PrereleaseKind, Version};

use crate::version::{Numbering, VersionPlan};

/// A base and a numbering. Local labels do not make a series: `1.5.0.dev4+dabcd1234` takes number 4 from `1.5.0.dev4`, so
/// that the order of numbers is the order in which builds were begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Series {
    base: Version,
    numbering: Numbering,
}

impl Series {
    /// The series that a plan takes a number from.
    pub(super) fn of_plan(plan: &VersionPlan) -> Self {
        Self { base: plan.base.clone(), numbering: plan.numbering }
    }

    /// The series of a version, and its number there; a final version has none.
    pub(super) fn of(version: &Version) -> (Self, Option<u64>) {
        let public = version.clone().without_local();
        let (base, numbering, number) = match (public.dev(), public.pre()) {
            (Some(number), _) => (public.with_dev(None), Numbering::Dev, Some(number)),
            (None, Some(pre)) if pre.kind == PrereleaseKind::Rc => {
                (public.with_pre(None), Numbering::Candidate, Some(pre.number))
            }
            _ => (public, Numbering::Final, None),
        };
        (Self { base, numbering }, number)
    }

    /// The version that its versions are on the way to.
    pub(super) fn base(&self) -> &Version {
        &self.base
    }

    /// How its versions are told apart.
    pub(super) fn numbering(&self) -> Numbering {
        self.numbering
    }

    /// Whether its versions have no number: there is one of them.
    pub(super) fn is_final(&self) -> bool {
        self.numbering == Numbering::Final
    }
}

/// What a version's local label says of its bytes (PEP 440, local version identifiers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// None: they may go anywhere.
    None,
    /// `+d` and eight hexadecimal digits: they were built from uncommitted changes.
    Uncommitted,
    /// Any other: they belong to a branch.
    Branch,
}

impl Label {
    pub(super) fn of(version: &Version) -> Self {
        Self::named(&version.local().iter().map(ToString::to_string).collect::<Vec<_>>().join("."))
    }

    /// The label of this text.
    pub(super) fn named(label: &str) -> Self {
        match label.strip_prefix('d') {
            _ if label.is_empty() => Self::None,
            Some(digits) if digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Self::Uncommitted
            }
            _ => Self::Branch,
        }
    }

    /// Whether bytes with this label may stand in for a build that would carry `wanted`: what is fit for more channels may
    /// stand in for what is fit for fewer, never the other way round.
    pub(super) fn may_stand_for(self, wanted: Self) -> bool {
        match self {
            Self::None => true,
            Self::Uncommitted => wanted != Self::None,
            Self::Branch => wanted == Self::Branch,
        }
    }

    /// Whether a version with this label may enter a channel of an embedded store. What is built from uncommitted changes
    /// may: the store is one machine's own. What belongs to a branch may only enter a branch's channel.
    pub(super) fn may_enter(self, channel: &str) -> bool {
        self != Self::Branch || channel.starts_with("feature/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().expect("a version")
    }

    #[test]
    fn a_version_has_a_series_and_a_number() {
        let check = |text: &str, base: &str, numbering, number| {
            assert_eq!(Series::of(&version(text)), (Series { base: version(base), numbering }, number), "{text}");
        };
        check("1.5.0.dev3", "1.5.0", Numbering::Dev, Some(3));
        check("1.5.0.dev3+dabcd1234", "1.5", Numbering::Dev, Some(3));
        check("1.5.0a1.dev3", "1.5.0a1", Numbering::Dev, Some(3));
        check("1.5.0rc2", "1.5.0", Numbering::Candidate, Some(2));
        check("1.5.0", "1.5.0", Numbering::Final, None);
        check("1.5.0b1", "1.5.0b1", Numbering::Final, None);
    }

    #[test]
    fn labels_say_where_bytes_may_go() {
        let label = |text| Label::of(&version(text));
        assert_eq!(label("1.5.0.dev3"), Label::None);
        assert_eq!(label("1.5.0.dev3+d0123abcd"), Label::Uncommitted);
        assert_eq!(label("1.5.0.dev3+discounts"), Label::Branch);
        assert_eq!(label("1.5.0.dev3+discounts.d0123abcd"), Label::Branch);
        assert!(label("1+d0123abcd").may_enter("develop"));
        assert!(!label("1+discounts").may_enter("develop"));
        assert!(label("1+discounts").may_enter("feature/discounts"));
    }
}
