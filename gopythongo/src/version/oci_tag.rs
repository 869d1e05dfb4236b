//! Tags of container images (OCI distribution specification): `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.

use pep440_rs::Version;

use crate::support::Digest;

/// The longest tag.
const LONGEST: usize = 128;

/// The tag of a version: its normal form with `_` for `+` and `-` for `!`, which no version has, so that different versions
/// have different tags: `1.5.0.dev7+fix` is `1.5.0.dev7_fix`. What would be longer than a tag may be is cut, and ends in `-`
/// and the SHA-256 digest of the whole.
///
/// ```
/// use gopythongo::version::{Version, oci_tag};
///
/// assert_eq!(oci_tag(&"1.5.0.dev7+fix".parse::<Version>()?), "1.5.0.dev7_fix");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn oci_tag(version: &Version) -> String {
    let text = version.to_string();
    let tag = text.replace('+', "_").replace('!', "-");
    if tag.len() <= LONGEST {
        return tag;
    }
    let digest = Digest::of(&text).short(64);
    // versions are ASCII
    format!("{}-{digest}", &tag[..LONGEST - digest.len() - 1])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn is_tag(text: &str) -> bool {
        let mut characters = text.chars();
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        characters.next().is_some_and(is_word)
            && text.len() <= LONGEST
            && characters.all(|c| is_word(c) || c == '.' || c == '-')
    }

    #[test]
    fn tags_are_valid_and_different() {
        let mut seen = BTreeMap::new();
        let long = |end: &str| format!("1.0+{}{end}", "a.".repeat(80));
        let texts = ["1.0", "1.0.0", "1!1.0", "1.0.dev7", "1.0a1", "1.0.post1.dev2", "1.0+a.b", "1.0+a.1", "1.0+a"];
        for text in texts.map(str::to_owned).into_iter().chain([long("x"), long("y")]) {
            let tag = oci_tag(&text.parse().expect("a version"));
            assert!(is_tag(&tag), "{tag}");
            assert_eq!(seen.insert(tag.clone(), text.clone()), None, "{text}: {tag}");
        }
    }
}
