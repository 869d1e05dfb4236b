//! Making a higher version of one that is taken.

use pep440_rs::Version;

use super::{DebianVersion, RpmVersion};

/// Which part of a version is counted up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bump {
    /// The epoch, for a change of the scheme: `2024.1` is followed by `1!2024.1`.
    Epoch,
    /// The last number of the release: `1.4.2` is followed by `1.4.3`, `1.4` by `1.5`.
    Release,
    /// The same release again: `1.4.2.post1` of `1.4.2`; the revision of a Debian package, the release of an RPM package.
    Revision,
    /// The next development version: `1.4.3.dev3` of `1.4.3.dev2`, `1.4.3.dev0` of `1.4.2`.
    Dev,
}

impl Bump {
    /// The next PEP 440 version; a local label is left out.
    #[must_use]
    pub fn python(self, version: &Version) -> Version {
        let version = version.clone().without_local();
        match self {
            Self::Epoch => {
                let epoch = version.epoch() + 1;
                version.with_epoch(epoch)
            }
            Self::Release => next_release(&version),
            Self::Revision => {
                let post = version.post().map_or(1, |post| post + 1);
                version.with_dev(None).with_post(Some(post))
            }
            Self::Dev => match version.dev() {
                Some(dev) => version.with_dev(Some(dev + 1)),
                None => next_release(&version).with_dev(Some(0)),
            },
        }
    }

    /// The next Debian version; `None` for parts that only the version of what is packaged has.
    #[must_use]
    pub fn debian(self, version: &DebianVersion) -> Option<DebianVersion> {
        match self {
            Self::Epoch => Some(version.clone().with_epoch(version.epoch() + 1)),
            Self::Revision => {
                let revision = version.revision().map_or(Some(0), |revision| revision.parse::<u64>().ok())?;
                Some(version.clone().with_revision(revision + 1))
            }
            Self::Release | Self::Dev => None,
        }
    }

    /// The next RPM version; `None` for parts that only the version of what is packaged has. Of a release with a
    /// distribution's tag (`1.el9`) the number is counted up.
    #[must_use]
    pub fn rpm(self, version: &RpmVersion) -> Option<RpmVersion> {
        match self {
            Self::Epoch => Some(version.clone().with_epoch(version.epoch() + 1)),
            Self::Revision => {
                let release = version.release().unwrap_or("0");
                let (number, tag) =
                    release.split_at(release.find(|c: char| !c.is_ascii_digit()).unwrap_or(release.len()));
                let number: u64 = number.parse().ok()?;
                Some(version.clone().with_release(format!("{}{tag}", number + 1)))
            }
            Self::Release | Self::Dev => None,
        }
    }
}

/// The final release after a version: of a pre-release its own release, of `1.4.2` `1.4.3`.
fn next_release(version: &Version) -> Version {
    let release = version.only_release().with_epoch(version.epoch());
    if version.any_prerelease() {
        return release;
    }
    let mut numbers = release.release().to_vec();
    if let Some(last) = numbers.last_mut() {
        *last += 1;
    }
    Version::new(numbers).with_epoch(version.epoch())
}

/// The first version that is not taken, from `first` on.
pub fn next_free<V>(first: V, next: impl Fn(&V) -> V, is_taken: impl Fn(&V) -> bool) -> V {
    let mut version = first;
    while is_taken(&version) {
        version = next(&version);
    }
    version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_counted_up() {
        for (bump, version, expected) in [
            (Bump::Epoch, "2024.1", "1!2024.1"),
            (Bump::Epoch, "1!1.0+x", "2!1.0"),
            (Bump::Release, "1.4.2", "1.4.3"),
            (Bump::Release, "1.4", "1.5"),
            (Bump::Release, "1.5.0rc1", "1.5.0"),
            (Bump::Release, "1!1.4.2.post1", "1!1.4.3"),
            (Bump::Revision, "1.4.2", "1.4.2.post1"),
            (Bump::Revision, "1.4.2.post1", "1.4.2.post2"),
            (Bump::Dev, "1.4.3.dev2+x", "1.4.3.dev3"),
            (Bump::Dev, "1.4.2", "1.4.3.dev0"),
        ] {
            let version: Version = version.parse().expect("a version");
            let next = bump.python(&version);
            assert_eq!(next.to_string(), expected);
            assert!(next > version, "{next} and {version}");
        }
    }

    #[test]
    fn packages_have_epochs_and_revisions() {
        let debian =
            |bump: Bump, text: &str| bump.debian(&text.parse().expect("a version")).map(|next| next.to_string());
        assert_eq!(debian(Bump::Revision, "0.7.0").as_deref(), Some("0.7.0-1"));
        assert_eq!(debian(Bump::Revision, "1:0.7.0-9").as_deref(), Some("1:0.7.0-10"));
        assert_eq!(debian(Bump::Revision, "0.7.0-1ubuntu2"), None);
        assert_eq!(debian(Bump::Epoch, "0.7.0-1").as_deref(), Some("1:0.7.0-1"));
        assert_eq!(debian(Bump::Dev, "0.7.0-1"), None);
        let rpm = |bump: Bump, text: &str| bump.rpm(&text.parse().expect("a version")).map(|next| next.to_string());
        assert_eq!(rpm(Bump::Revision, "0.7.0-1.el9").as_deref(), Some("0.7.0-2.el9"));
        assert_eq!(rpm(Bump::Revision, "0.7.0").as_deref(), Some("0.7.0-1"));
        assert_eq!(rpm(Bump::Epoch, "1:0.7.0-1").as_deref(), Some("2:0.7.0-1"));
    }

    #[test]
    fn what_is_taken_is_passed_over() {
        let taken = ["1.5.0.dev2", "1.5.0.dev3"].map(|text| text.parse::<Version>().expect("a version"));
        let first = taken[0].clone();
        let free = next_free(first, |version| Bump::Dev.python(version), |version| taken.contains(version));
        assert_eq!(free.to_string(), "1.5.0.dev4");
    }
}
