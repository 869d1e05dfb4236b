//! Debian versions (Debian Policy 5.6.12): what a PEP 440 version is there, and dpkg's order.

use std::{cmp::Ordering, fmt, str::FromStr};

use pep440_rs::Version;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::tilde::{self, by_number};

/// A Debian version: `[epoch:]upstream[-revision]`. Displayed, serialised and parsed as it stands in a control file; ordered,
/// and equal, as dpkg says (`1.0` and `1.00` are equal).
///
/// Of a PEP 440 version it is made so that the order stays strictly what it was:
///
/// | PEP 440 | Debian |
/// |---|---|
/// | `0.7.0.dev2` | `0.7.0~dev2` |
/// | `0.7.0a1`, `0.7.0b1` | `0.7.0~pre.a1`, `0.7.0~pre.b1`: `dev` sorts before `pre`, and that before `rc` |
/// | `0.7.0rc1` | `0.7.0~rc1` |
/// | `0.7.0` | `0.7.0` |
/// | `0.7.0.post1` | `0.7.0++post1`: above every local label of `0.7.0`, below `0.7.0.1` |
/// | `0.7.0.dev2+d1a2b3c4d` | `0.7.0~dev2+d1a2b3c4d` |
/// | `1!2.0` | `1:2.0.0` |
///
/// `1.0` and `1.0.0` are one version in PEP 440 and two in Debian, so a release gets at least three numbers, and no zeros
/// behind them. Two local labels of one public version have no order worth keeping: there dpkg's holds.
///
/// ```
/// use gopythongo::version::{DebianVersion, Version};
///
/// let built: Version = "0.7.0.dev2".parse()?;
/// assert_eq!(DebianVersion::of(&built).to_string(), "0.7.0~dev2");
/// let released: Version = "0.7.0".parse()?;
/// assert_eq!(DebianVersion::of(&released).with_revision(1).to_string(), "0.7.0-1");
/// assert!(DebianVersion::of(&built) < DebianVersion::of(&released));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct DebianVersion {
    epoch: u64,
    upstream: String,
    revision: Option<String>,
}

impl DebianVersion {
    /// The Debian version of a PEP 440 version, without a revision.
    #[must_use]
    pub fn of(version: &Version) -> Self {
        let mut upstream = tilde::release_and_pre(version);
        if let Some(post) = version.post() {
            upstream += &format!("++post{post}");
        }
        if let Some(dev) = version.dev() {
            upstream += &format!("~dev{dev}");
        }
        if let Some(local) = tilde::local(version) {
            upstream += &format!("+{local}");
        }
        Self { epoch: version.epoch(), upstream, revision: None }
    }

    /// The same with a Debian revision: `0.7.0-1`.
    #[must_use]
    pub fn with_revision(mut self, revision: u64) -> Self {
        self.revision = Some(revision.to_string());
        self
    }

    /// The same with another epoch.
    #[must_use]
    pub fn with_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// The epoch; 0 where there is none.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The part behind the last hyphen, if there is one. A version without it is that of a native package.
    #[must_use]
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// The final PEP 440 version that this is a package of: of 1.4.2 for `1.4.2-3`, `1.4.2+dfsg1-1` and `1.4.2`. The epoch stays, so
    /// that what is counted up from it is higher for apt too. `None` before a release, and where it is no such version.
    #[must_use]
    pub fn released(&self) -> Option<Version> {
        if !self.is_final() {
            return None;
        }
        let (release, post) = self.upstream.split_once("++post").unwrap_or((&self.upstream, ""));
        let plain = |text: &str| text.split('+').next().unwrap_or_default().to_owned();
        let version: Version = plain(release).parse().ok().filter(Version::is_stable)?;
        let post = match post {
            "" => version.post(),
            post => Some(plain(post).parse().ok()?),
        };
        Some(version.with_post(post).with_epoch(self.epoch))
    }

    /// Whether it is none on the way to a release: those have a `~`.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !self.upstream.contains('~')
    }

    /// The version as it stands in the name of a file: without its epoch.
    #[must_use]
    pub fn file_part(&self) -> String {
        Self { epoch: 0, ..self.clone() }.to_string()
    }
}

impl fmt::Display for DebianVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch > 0 {
            write!(f, "{}:", self.epoch)?;
        }
        f.write_str(&self.upstream)?;
        match &self.revision {
            Some(revision) => write!(f, "-{revision}"),
            None => Ok(()),
        }
    }
}

/// The text is no Debian version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseDebianVersionError(String);

impl fmt::Display for ParseDebianVersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseDebianVersionError {}

impl FromStr for DebianVersion {
    type Err = ParseDebianVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why: &str| ParseDebianVersionError(format!("`{text}` is not a Debian version: {why}"));
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
                (epoch.parse().map_err(|_| error("its epoch is too large"))?, rest)
            }
            Some(_) => return Err(error("its epoch is not a number")),
            None => (0, text),
        };
        let (upstream, revision) = match rest.rsplit_once('-') {
            Some((upstream, revision)) => (upstream, Some(revision)),
            None => (rest, None),
        };
        if !upstream.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(error("it does not begin with a digit"));
        }
        let fits = |part: &str, others: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c));
        if !fits(upstream, ".+~-") {
            return Err(error("only letters, digits and `.`, `+`, `~`, `-` may stand in it"));
        }
        if revision.is_some_and(|revision| revision.is_empty() || !fits(revision, ".+~")) {
            return Err(error("letters, digits and `.`, `+`, `~` must follow the last `-`"));
        }
        Ok(Self { epoch, upstream: upstream.to_owned(), revision: revision.map(str::to_owned) })
    }
}

impl Ord for DebianVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        let revision = |version: &Self| version.revision.clone().unwrap_or_default();
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare(&self.upstream, &other.upstream))
            .then_with(|| compare(&revision(self), &revision(other)))
    }
}

impl PartialOrd for DebianVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for DebianVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for DebianVersion {}

impl Serialize for DebianVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DebianVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Compares two upstream versions or two revisions: parts without digits by character, parts of digits as numbers, by turns.
fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() || !b.is_empty() {
        let (words, numbers) = ((words(&mut a), words(&mut b)), (number(&mut a), number(&mut b)));
        let order = by_character(words.0, words.1).then_with(|| by_number(numbers.0, numbers.1));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn words<'a>(text: &mut &'a str) -> &'a str {
    take(text, |byte| !byte.is_ascii_digit())
}

fn number<'a>(text: &mut &'a str) -> &'a str {
    take(text, |byte| byte.is_ascii_digit())
}

fn take<'a>(text: &mut &'a str, wanted: impl Fn(u8) -> bool) -> &'a str {
    let end = text.bytes().position(|byte| !wanted(byte)).unwrap_or(text.len());
    let (head, tail) = text.split_at(end);
    *text = tail;
    head
}

/// `~` sorts before the end, the end before letters, and letters before everything else.
fn by_character(a: &str, b: &str) -> Ordering {
    let rank = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let differing = (0..a.len().max(b.len())).map(|at| rank(a.get(at)).cmp(&rank(b.get(at))));
    differing.into_iter().find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;
    use crate::support::seeded;

    fn debian(text: &str) -> DebianVersion {
        text.parse().expect("a Debian version")
    }

    fn of(text: &str) -> String {
        DebianVersion::of(&text.parse().expect("a version")).to_string()
    }

    #[test]
    fn each_part_of_a_version_has_its_place() {
        for (python, expected) in [
            ("0.7.0.dev2", "0.7.0~dev2"),
            ("0.7.0.dev2+d1a2b3c4d", "0.7.0~dev2+d1a2b3c4d"),
            ("0.7.0a1.dev2", "0.7.0~pre.a1~dev2"),
            ("0.7.0b3", "0.7.0~pre.b3"),
            ("0.7.0rc1", "0.7.0~rc1"),
            ("0.7.0.post1.dev2", "0.7.0++post1~dev2"),
            ("1!2", "1:2.0.0"),
            ("1.2.3.0.0", "1.2.3"),
            ("1.2.3.4", "1.2.3.4"),
        ] {
            assert_eq!(of(python), expected, "{python}");
        }
        assert_eq!(DebianVersion::of(&"1!0.7".parse().expect("a version")).with_revision(2).file_part(), "0.7.0-2");
    }

    #[test]
    fn what_policy_refuses_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "does not begin with a digit"),
            ("v1", "does not begin with a digit"),
            ("1_0", "only letters"),
            ("1 0", "only letters"),
            ("1-", "must follow the last `-`"),
            ("x:1", "epoch is not a number"),
            (":1", "epoch is not a number"),
            ("1:2:3", "only letters"),
        ] {
            let error = text.parse::<DebianVersion>().expect_err(text).to_string();
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(debian("1:2.0-rc1-3").to_string(), "1:2.0-rc1-3");
        assert_eq!(debian("2.0-rc1-3").revision(), Some("3"));
    }

    /// PEP 440 versions around one release, so that neighbours meet often.
    fn version() -> impl Strategy<Value = String> {
        let number = 0u64..12;
        let release = prop::collection::vec(0u64..3, 1..5);
        let epoch = prop::option::weighted(0.1, 1u64..3);
        let pre = prop::option::of((prop::sample::select(vec!["a", "b", "rc"]), number.clone()));
        let (post, dev) = (prop::option::weighted(0.3, number.clone()), prop::option::weighted(0.3, number));
        let local = prop::option::weighted(0.2, prop::sample::select(vec!["d1a2b3c4d", "zeta", "7"]));
        (epoch, release, pre, post, dev, local).prop_map(|(epoch, release, pre, post, dev, local)| {
            let mut text = epoch.map(|epoch| format!("{epoch}!")).unwrap_or_default();
            text += &release.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
            text += &pre.map(|(kind, number)| format!("{kind}{number}")).unwrap_or_default();
            text += &post.map(|number| format!(".post{number}")).unwrap_or_default();
            text += &dev.map(|number| format!(".dev{number}")).unwrap_or_default();
            text + &local.map(|local| format!("+{local}")).unwrap_or_default()
        })
    }

    proptest! {
        #![proptest_config(seeded(4000))]

        #[test]
        fn the_order_of_python_is_kept(a in version(), b in version()) {
            let (a, b): (Version, Version) = (a.parse().expect("a version"), b.parse().expect("a version"));
            let public = |version: &Version| version.clone().without_local();
            if public(&a) == public(&b) && !a.local().is_empty() && !b.local().is_empty() {
                return Ok(());
            }
            prop_assert_eq!(a.cmp(&b), DebianVersion::of(&a).cmp(&DebianVersion::of(&b)), "{} and {}", a, b);
        }

        #[test]
        fn what_is_displayed_is_parsed(text in version()) {
            let version = DebianVersion::of(&text.parse().expect("a version")).with_revision(3);
            prop_assert_eq!(version.to_string(), debian(&version.to_string()).to_string());
        }
    }

    /// Pairs of texts that meet every rule of the order; the same ones every time.
    fn pairs() -> Vec<(String, String)> {
        let mut random = fastrand::Rng::with_seed(1);
        let mut text = || {
            let pieces = ["0", "1", "9", "10", "01", ".", "~", "+", "a", "b", "rc", "dev", "Z", "~~", "-1", "-0"];
            let tail: String = (0..random.usize(0..5)).map(|_| pieces[random.usize(0..pieces.len())]).collect();
            format!("1{tail}")
        };
        let pairs = std::iter::repeat_with(|| (text(), text()));
        pairs.filter(|(a, b)| [a, b].iter().all(|text| text.parse::<DebianVersion>().is_ok())).take(400).collect()
    }

    /// Asked in one shell, as each call of dpkg takes milliseconds.
    #[test]
    fn the_order_is_that_of_dpkg() {
        if which::which("dpkg").is_err() {
            return;
        }
        let script: String = pairs()
            .iter()
            .map(|(a, b)| {
                format!("if dpkg --compare-versions '{a}' lt '{b}'; then echo lt; elif dpkg --compare-versions '{a}' eq '{b}'; then echo eq; else echo gt; fi\n")
            })
            .collect();
        let output = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).output().expect("a shell");
        let said = String::from_utf8(output.stdout).expect("words");
        assert_eq!(said.lines().count(), pairs().len());
        for ((a, b), said) in pairs().iter().zip(said.lines()) {
            let own = match debian(a).cmp(&debian(b)) {
                Ordering::Less => "lt",
                Ordering::Equal => "eq",
                Ordering::Greater => "gt",
            };
            assert_eq!(own, said, "{a} and {b}");
        }
    }
}
