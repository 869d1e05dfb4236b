//! What Debian versions of one package are numbered among: `0.7.0~dev3` is number 3 of those on the way to `0.7.0`.

use pep440_rs::Version;

use super::series::{Label, Series};
use crate::version::{DebianVersion, Numbering};

/// How a package whose application has one PEP 440 version is numbered. The number is the package's own: a package changes
/// when a library in it does, and the application's version does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DebSeries {
    /// What stands before the number: `0.7.0~dev`, `0.7.0~rc`, `0.7.0-`.
    prefix: String,
    /// The number at which the package begins: that of the application, 1 for a final version.
    pub(super) start: u64,
    /// The local label, which the version keeps.
    local: Option<String>,
    /// Whether its versions are final ones.
    pub(super) is_final: bool,
}

impl DebSeries {
    /// The series of a package of an application of this version.
    pub(super) fn of(upstream: &Version) -> Self {
        let (series, number) = Series::of(upstream);
        let separator = match series.numbering() {
            Numbering::Dev => "~dev",
            Numbering::Candidate => "~rc",
            Numbering::Final => "-",
        };
        let local = upstream.local().iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        Self {
            prefix: format!("{}{separator}", DebianVersion::of(series.base())),
            start: number.unwrap_or(1),
            local: (!local.is_empty()).then_some(local),
            is_final: series.is_final(),
        }
    }

    /// The version with a number.
    pub(super) fn version(&self, number: u64) -> String {
        match &self.local {
            // a revision ends a version: a label that keeps bytes at home belongs before it
            Some(local) if self.is_final => {
                format!("{}+{local}-{number}", self.prefix.strip_suffix('-').unwrap_or(&self.prefix))
            }
            Some(local) => format!("{}{number}+{local}", self.prefix),
            None => format!("{}{number}", self.prefix),
        }
    }

    /// The number that a version has in this series, whatever its label; `None` if it is of another one.
    pub(super) fn number(&self, version: &str) -> Option<u64> {
        if self.is_final {
            let (upstream, revision) = version.rsplit_once('-')?;
            let own = self.prefix.strip_suffix('-')?;
            let labelled = |rest: &str| rest.strip_prefix('+').is_some_and(|label| !label.starts_with('+'));
            let same = upstream == own || upstream.strip_prefix(own).is_some_and(labelled);
            return revision.parse().ok().filter(|_| same);
        }
        let rest = version.strip_prefix(&self.prefix)?;
        let (number, _) = rest.split_once('+').unwrap_or((rest, ""));
        number.parse().ok()
    }

    /// What the label says of the bytes.
    pub(super) fn label(&self) -> Label {
        self.local.as_deref().map_or(Label::None, Label::named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(text: &str) -> DebSeries {
        DebSeries::of(&text.parse().expect("a version"))
    }

    #[test]
    fn numbers_follow_the_application_and_then_the_package() {
        for (upstream, start, version) in [
            ("0.7.0.dev3", 3, "0.7.0~dev3"),
            ("0.7.0rc2", 2, "0.7.0~rc2"),
            ("0.7.0", 1, "0.7.0-1"),
            ("0.7.0.dev2+d1a2b3c4d", 2, "0.7.0~dev2+d1a2b3c4d"),
            ("0.7.0+d1a2b3c4d", 1, "0.7.0+d1a2b3c4d-1"),
            ("1!2.0.post1", 1, "1:2.0.0++post1-1"),
        ] {
            let series = series(upstream);
            assert_eq!((series.start, series.version(series.start)), (start, version.to_owned()));
            assert_eq!(series.number(version), Some(start), "{version}");
            assert_eq!(series.number(&series.version(12)), Some(12), "{version}");
        }
    }

    #[test]
    fn labels_share_numbers_and_bases_do_not() {
        assert_eq!(series("0.7.0.dev1").number("0.7.0~dev4+d1a2b3c4d"), Some(4));
        assert_eq!(series("0.7.0").number("0.7.0+d1a2b3c4d-3"), Some(3));
        assert_eq!(series("0.7.0").number("0.7.0++post1-3"), None);
        assert_eq!(series("0.7.0.dev1").number("0.7.0~rc4"), None);
        assert_eq!(series("0.7.0.dev1").number("0.7.1~dev4"), None);
        assert_eq!(series("0.7.0").number("0.7.0~dev4"), None);
    }
}
