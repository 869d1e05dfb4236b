//! What the versions of Debian and of RPM have in common: `~` sorts before the end.

use std::cmp::Ordering;

use pep440_rs::{PrereleaseKind, Version};

/// The release of a PEP 440 version and its pre-release: `0.7.0~rc1`, `0.7.0~pre.a1`. At least three numbers and no zeros
/// behind them, for `1.0` and `1.0.0` are one version in PEP 440.
pub(super) fn release_and_pre(version: &Version) -> String {
    let mut numbers = version.release().to_vec();
    while numbers.len() > 3 && numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers.resize(numbers.len().max(3), 0);
    let mut text = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
    if let Some(pre) = version.pre() {
        let kind = match pre.kind {
            PrereleaseKind::Alpha => "pre.a",
            PrereleaseKind::Beta => "pre.b",
            PrereleaseKind::Rc => "rc",
        };
        text += &format!("~{kind}{}", pre.number);
    }
    text
}

/// The parts of a PEP 440 version's local label, joined by full stops; nothing where there is none.
pub(super) fn local(version: &Version) -> Option<String> {
    let parts: Vec<String> = version.local().iter().map(ToString::to_string).collect();
    (!parts.is_empty()).then(|| parts.join("."))
}

/// Compares digits as numbers of any length; none at all is zero.
pub(super) fn by_number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
