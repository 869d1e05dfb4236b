//! RPM versions: what a PEP 440 version is there, and rpm's order (`rpmvercmp`).

use std::{cmp::Ordering, fmt, str::FromStr};

use pep440_rs::Version;

use super::tilde::{self, by_number};

/// An RPM version: `[epoch:]version[-release]`. Ordered, and equal, as rpm says (`1.0` and `1_0` are equal); one without a
/// release is lower than the same with one.
///
/// Of a PEP 440 version it is made so that the order stays strictly what it was, by every rpm since 4.10 (no `^`):
///
/// | PEP 440 | RPM |
/// |---|---|
/// | `0.7.0.dev2` | `0.7.0~dev2` |
/// | `0.7.0a1`, `0.7.0b1` | `0.7.0~pre.a1`, `0.7.0~pre.b1`: `dev` sorts before `pre`, and that before `rc` |
/// | `0.7.0rc1` | `0.7.0~rc1` |
/// | `0.7.0` | `0.7.0` |
/// | `0.7.0.post1` | `0.7.0.post1`: letters sort below every number, so it is below `0.7.0.1` |
/// | `0.7.0.dev2+d1a2b3c4d` | `0.7.0~dev2+local.d1a2b3c4d`: `local` sorts before `post` |
/// | `1!2.0` | `1:2.0.0` |
///
/// Two local labels of one public version have no order worth keeping: there rpm's holds.
///
/// ```
/// use gopythongo::version::{RpmVersion, Version};
///
/// let built: Version = "0.7.0.dev2".parse()?;
/// assert_eq!(RpmVersion::of(&built).with_release("1").to_string(), "0.7.0~dev2-1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RpmVersion {
    epoch: u64,
    version: String,
    release: Option<String>,
}

impl RpmVersion {
    /// The RPM version of a PEP 440 version, without a release.
    #[must_use]
    pub fn of(python: &Version) -> Self {
        let mut version = tilde::release_and_pre(python);
        if let Some(post) = python.post() {
            version += &format!(".post{post}");
        }
        if let Some(dev) = python.dev() {
            version += &format!("~dev{dev}");
        }
        if let Some(local) = tilde::local(python) {
            version += &format!("+local.{local}");
        }
        Self { epoch: python.epoch(), version, release: None }
    }

    /// The same with an RPM release: `0.7.0-1`, `0.7.0-1.el9`.
    #[must_use]
    pub fn with_release(mut self, release: impl Into<String>) -> Self {
        self.release = Some(release.into());
        self
    }

    /// The same with another epoch.
    #[must_use]
    pub fn with_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// The part that the tag `Version` of a package holds: without epoch and release.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The part that the tag `Release` of a package holds.
    #[must_use]
    pub fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    /// The epoch; 0 where there is none.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl fmt::Display for RpmVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch > 0 {
            write!(f, "{}:", self.epoch)?;
        }
        f.write_str(&self.version)?;
        match &self.release {
            Some(release) => write!(f, "-{release}"),
            None => Ok(()),
        }
    }
}

/// The text is no RPM version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseRpmVersionError(String);

impl fmt::Display for ParseRpmVersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseRpmVersionError {}

impl FromStr for RpmVersion {
    type Err = ParseRpmVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why: &str| ParseRpmVersionError(format!("`{text}` is not an RPM version: {why}"));
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().map_err(|_| error("its epoch is not a number"))?, rest),
            None => (0, text),
        };
        let (version, release) = match rest.split_once('-') {
            Some((version, release)) => (version, Some(release.to_owned())),
            None => (rest, None),
        };
        let fits =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._+~^".contains(c));
        if !fits(version) || !release.as_deref().is_none_or(fits) {
            return Err(error("only letters, digits and `.`, `_`, `+`, `~`, `^` may stand in its version and release"));
        }
        Ok(Self { epoch, version: version.to_owned(), release })
    }
}

impl Ord for RpmVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch.cmp(&other.epoch).then_with(|| compare(&self.version, &other.version)).then_with(|| {
            match (&self.release, &other.release) {
                (Some(own), Some(other)) => compare(own, other),
                (own, other) => own.is_some().cmp(&other.is_some()),
            }
        })
    }
}

impl PartialOrd for RpmVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for RpmVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for RpmVersion {}

/// Compares by runs of digits and of letters; what stands between them only separates, but `~` sorts before everything, the
/// end included, and `^` after the end and before everything else.
fn compare(a: &str, b: &str) -> Ordering {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '~' || c == '^';
    let (mut a, mut b) = (a, b);
    loop {
        a = a.trim_start_matches(|c| !is_part(c));
        b = b.trim_start_matches(|c| !is_part(c));
        match (a.chars().next(), b.chars().next()) {
            (None, None) => return Ordering::Equal,
            (Some('~'), Some('~')) | (Some('^'), Some('^')) => {
                (a, b) = (&a[1..], &b[1..]);
                continue;
            }
            (Some('~'), _) => return Ordering::Less,
            (_, Some('~')) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Greater,
            (None, Some(_)) => return Ordering::Less,
            (Some('^'), Some(_)) => return Ordering::Less,
            (Some(_), Some('^')) => return Ordering::Greater,
            (Some(own), Some(other)) if own.is_ascii_digit() != other.is_ascii_digit() => {
                return own.is_ascii_digit().cmp(&other.is_ascii_digit());
            }
            (Some(own), Some(_)) => {
                let is_number = own.is_ascii_digit();
                let in_run = |c: char| if is_number { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
                let ((own, rest), (other, others_rest)) = (run(a, in_run), run(b, in_run));
                let order = if is_number { by_number(own, other) } else { own.cmp(other) };
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (rest, others_rest);
            }
        }
    }
}

fn run(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !wanted(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        RpmVersion::of(&text.parse().expect("a version")).to_string()
    }

    #[test]
    fn each_part_of_a_version_has_its_place() {
        for (python, expected) in [
            ("0.7.0.dev2", "0.7.0~dev2"),
            ("0.7.0.dev2+d1a2b3c4d", "0.7.0~dev2+local.d1a2b3c4d"),
            ("0.7a1.dev2", "0.7.0~pre.a1~dev2"),
            ("0.7.0rc1", "0.7.0~rc1"),
            ("0.7.0.post1.dev2", "0.7.0.post1~dev2"),
            ("1!2", "1:2.0.0"),
            ("1.2.3.0.0", "1.2.3"),
        ] {
            assert_eq!(of(python), expected, "{python}");
        }
    }

    #[test]
    fn the_order_is_that_of_rpms_own_tests() {
        // rpm's tests/rpmvercmp.at
        for (lower, higher) in [
            ("1.0", "2.0"),
            ("2.0", "2.0.1"),
            ("2.0.1", "2.0.1a"),
            ("5.5p1", "5.5p2"),
            ("5.5p1", "5.5p10"),
            ("10xyz", "10.1xyz"),
            ("xyz.4", "8"),
            ("xyz.4", "2"),
            ("5.5p2", "5.6p1"),
            ("6.5p1", "5.6p1x"),
            ("6.0", "6.0.rc1"),
            ("10b2", "10a1"),
            ("1.0a", "1.0aa"),
            ("10.0001", "10.0039"),
            ("4.999.9", "5.0"),
            ("20101121", "20101122"),
            ("1.0~rc1", "1.0"),
            ("1.0~rc1", "1.0~rc2"),
            ("1.0~rc1~git123", "1.0~rc1"),
            ("1.0", "1.0^"),
            ("1.0^git1", "1.01"),
            ("1.0^git1", "1.0^git2"),
            ("1.0^20160101", "1.0.1"),
            ("1.0^20160101", "1.0^20160101^git1"),
            ("1.0~rc1^git1", "1.0"),
            ("1.0^git1~pre", "1.0^git1"),
        ] {
            let reversed = [("6.5p1", "5.6p1x"), ("10b2", "10a1")].contains(&(lower, higher));
            let expect = if reversed { Ordering::Greater } else { Ordering::Less };
            assert_eq!(compare(lower, higher), expect, "{lower} and {higher}");
            assert_eq!(compare(higher, lower), expect.reverse(), "{higher} and {lower}");
        }
        for (one, other) in [("2_0", "2.0"), ("10.0001", "10.1"), ("2a", "2.a"), ("fc4", "fc.4"), ("1.0.", "1.0")] {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} and {other}");
        }
    }

    #[test]
    fn what_is_displayed_is_parsed_and_what_rpm_refuses_is_not() {
        for text in ["0.7.0", "1:0.7.0~dev2-1.el9", "1.0^git1-3"] {
            assert_eq!(text.parse::<RpmVersion>().expect("an RPM version").to_string(), text);
        }
        for text in ["", "x:1", "1-", "1-2-3", "1 0", "-1", "1.0!"] {
            let error = text.parse::<RpmVersion>().expect_err(text).to_string();
            assert!(error.starts_with(&format!("`{text}` is not an RPM version: ")), "{error}");
        }
    }
}
