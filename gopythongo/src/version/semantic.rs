//! Semantic versions (semver.org, 2.0.0): what a PEP 440 version is there and the other way round, and their order.

use std::{cmp::Ordering, fmt, str::FromStr};

use pep440_rs::{PrereleaseKind, Version};

/// A semantic version: `1.5.0-rc.1+build`.
///
/// Ordered by precedence (§11); versions that differ in build metadata alone have the same precedence, and here the order of
/// the metadata's text, so that equal versions are the same.
///
/// ```
/// use gopythongo::version::{SemanticVersion, Version};
///
/// let candidate: Version = "1.5rc1".parse()?;
/// assert_eq!(SemanticVersion::of(&candidate)?.to_string(), "1.5.0-rc.1");
/// assert_eq!("1.5.0-rc.1".parse::<SemanticVersion>()?.python()?, candidate);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SemanticVersion {
    numbers: [u64; 3],
    pre: Vec<String>,
    build: Vec<String>,
}

/// A version cannot be said in the other scheme, or the text is none. One sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SemanticVersionError(String);

impl fmt::Display for SemanticVersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SemanticVersionError {}

impl SemanticVersion {
    /// The semantic version of a PEP 440 version: `1.5.0.dev2` is `1.5.0-dev.2`, `1.5.0a1` is `1.5.0-pre.a.1`, `1.5.0rc1` is
    /// `1.5.0-rc.1`, so that the order is kept; a local label becomes build metadata, which has no order.
    ///
    /// # Errors
    /// When there is no semantic version of that place in the order: for an epoch, a fourth number, a post-release, a
    /// development release of a pre-release.
    pub fn of(version: &Version) -> Result<Self, SemanticVersionError> {
        let error = |what: &str| SemanticVersionError(format!("`{version}` is no semantic version: it has {what}"));
        let mut numbers = [0; 3];
        for (at, number) in version.release().iter().enumerate() {
            match numbers.get_mut(at) {
                Some(place) => *place = *number,
                None if *number == 0 => {}
                None => return Err(error("more than three numbers")),
            }
        }
        if version.epoch() > 0 {
            return Err(error("an epoch"));
        }
        if version.post().is_some() {
            return Err(error("a post-release"));
        }
        let words = |words: &[&str], number: u64| {
            words.iter().map(|word| (*word).to_owned()).chain([number.to_string()]).collect::<Vec<_>>()
        };
        let pre = match (version.pre(), version.dev()) {
            (Some(_), Some(_)) => return Err(error("a development release of a pre-release")),
            (None, None) => Vec::new(),
            (None, Some(dev)) => words(&["dev"], dev),
            (Some(pre), None) => match pre.kind {
                PrereleaseKind::Alpha => words(&["pre", "a"], pre.number),
                PrereleaseKind::Beta => words(&["pre", "b"], pre.number),
                PrereleaseKind::Rc => words(&["rc"], pre.number),
            },
        };
        Ok(Self { numbers, pre, build: version.local().iter().map(ToString::to_string).collect() })
    }

    /// The PEP 440 version of a semantic version: its pre-release is `dev`, `a` or `alpha`, `b` or `beta`, `rc`, or `pre` and
    /// one of these, with a number or without; build metadata becomes a local label.
    ///
    /// # Errors
    /// When its pre-release is another one.
    pub fn python(&self) -> Result<Version, SemanticVersionError> {
        let words: Vec<&str> = self.pre.iter().map(String::as_str).collect();
        let words = match words.as_slice() {
            ["pre", rest @ ..] if !rest.is_empty() => rest,
            words => words,
        };
        let number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.to_owned());
        let suffix = match words {
            [] => Some(String::new()),
            [word] | [word, _] => {
                let count = words.get(1).map_or_else(|| Some("0".to_owned()), |count| number(count));
                let kind = match word.to_ascii_lowercase().as_str() {
                    "dev" => Some(".dev"),
                    "a" | "alpha" => Some("a"),
                    "b" | "beta" => Some("b"),
                    "rc" => Some("rc"),
                    _ => None,
                };
                kind.zip(count).map(|(kind, count)| format!("{kind}{count}"))
            }
            _ => None,
        };
        let [major, minor, patch] = self.numbers;
        let local = if self.build.is_empty() { String::new() } else { format!("+{}", self.build.join(".")) };
        let parsed = suffix.and_then(|suffix| format!("{major}.{minor}.{patch}{suffix}{local}").parse().ok());
        parsed.ok_or_else(|| {
            SemanticVersionError(format!(
                "`{self}` has no place in the order of PEP 440: give it `-dev.N`, `-a.N`, `-b.N` or `-rc.N`"
            ))
        })
    }
}

impl fmt::Display for SemanticVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre.join("."))?;
        }
        if !self.build.is_empty() {
            write!(f, "+{}", self.build.join("."))?;
        }
        Ok(())
    }
}

impl FromStr for SemanticVersion {
    type Err = SemanticVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || SemanticVersionError(format!("`{text}` is not a semantic version (`1.5.0-rc.1+build`)"));
        let (rest, build) = split(text, '+').ok_or_else(error)?;
        let (core, pre) = split(rest, '-').ok_or_else(error)?;
        let is_number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_padded = |part: &str| part.len() > 1 && part.starts_with('0');
        if pre.iter().any(|part| is_number(&part.as_str()) && is_padded(part)) {
            return Err(error());
        }
        let parts: Vec<&str> = core.split('.').collect();
        let number = |part: &str| part.parse().ok().filter(|_| is_number(&part) && !is_padded(part));
        let [major, minor, patch] = parts.as_slice() else { return Err(error()) };
        let numbers = number(major).zip(number(minor)).zip(number(patch));
        let ((major, minor), patch) = numbers.ok_or_else(error)?;
        Ok(Self { numbers: [major, minor, patch], pre, build })
    }
}

/// What stands before a mark, and the identifiers behind it; `None` if one of these is none.
fn split(text: &str, mark: char) -> Option<(&str, Vec<String>)> {
    let Some((head, tail)) = text.split_once(mark) else { return Some((text, Vec::new())) };
    let is_identifier =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let parts: Vec<String> = tail.split('.').map(ToOwned::to_owned).collect();
    parts.iter().all(|part| is_identifier(part)).then_some((head, parts))
}

impl Ord for SemanticVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers
            .cmp(&other.numbers)
            // a version with a pre-release is lower than the same without
            .then_with(|| self.pre.is_empty().cmp(&other.pre.is_empty()))
            .then_with(|| identifiers(&self.pre, &other.pre))
            .then_with(|| self.build.cmp(&other.build))
    }
}

impl PartialOrd for SemanticVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Numbers as numbers and below words, words by their bytes, and fewer before more.
fn identifiers(own: &[String], other: &[String]) -> Ordering {
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let by_part = |(own, other): (&String, &String)| match (is_number(own), is_number(other)) {
        (true, true) => own.len().cmp(&other.len()).then_with(|| own.cmp(other)),
        (own_number, other_number) => other_number.cmp(&own_number).then_with(|| own.cmp(other)),
    };
    let differing = own.iter().zip(other).map(by_part).find(|order| *order != Ordering::Equal);
    differing.unwrap_or_else(|| own.len().cmp(&other.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn semantic(text: &str) -> SemanticVersion {
        text.parse().expect("a semantic version")
    }

    #[test]
    fn a_version_goes_there_and_comes_back() {
        for (python, expected) in [
            ("1.5.0", "1.5.0"),
            ("1.5.0.dev7", "1.5.0-dev.7"),
            ("1.5.0.dev7+fix.7", "1.5.0-dev.7+fix.7"),
            ("1.5.0a1", "1.5.0-pre.a.1"),
            ("1.5.0b2", "1.5.0-pre.b.2"),
            ("1.5rc1", "1.5.0-rc.1"),
            ("1.5.0.0", "1.5.0"),
        ] {
            let python: Version = python.parse().expect("a version");
            let there = SemanticVersion::of(&python).expect("a semantic version");
            assert_eq!(there.to_string(), expected);
            assert_eq!(there.python(), Ok(python));
        }
        for (text, python) in [("1.5.0-alpha", "1.5.0a0"), ("1.5.0-BETA.3", "1.5.0b3"), ("1.5.0-rc.1", "1.5.0rc1")] {
            assert_eq!(semantic(text).python().map(|python| python.to_string()).as_deref(), Ok(python));
        }
        for python in ["1!1.0", "1.2.3.4", "1.0.post1", "1.0a1.dev2"] {
            let error = SemanticVersion::of(&python.parse().expect("a version")).expect_err(python).to_string();
            assert!(error.starts_with(&format!("`{python}` is no semantic version: it has ")), "{error}");
        }
        assert!(semantic("1.0.0-x.7.z.92").python().is_err());
    }

    #[test]
    fn the_order_is_that_of_the_specification() {
        let in_order = [
            "0.9.9",
            "1.0.0-1",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.0+a",
            "1.0.0+b",
            "1.0.1",
        ];
        for (at, lower) in in_order.iter().enumerate() {
            for higher in &in_order[at + 1..] {
                assert!(semantic(lower) < semantic(higher), "{lower} and {higher}");
            }
        }
    }

    #[test]
    fn what_is_no_semantic_version_is_refused() {
        for text in
            ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "1.0.0-a..b", "v1.0.0", "1.0.0-ä"]
        {
            assert!(text.parse::<SemanticVersion>().is_err(), "{text}");
        }
        for text in ["1.0.0-0", "1.0.0--", "1.0.0-a-b.1+001", "1.0.0+x-y"] {
            assert_eq!(semantic(text).to_string(), text);
        }
    }
}
