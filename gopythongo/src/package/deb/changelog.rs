//! `changelog.gz` of a package (Debian Policy 12.7, deb-changelog(5)): one entry, that of this version.

use std::{
    io::{self, Write},
    time::{Duration, UNIX_EPOCH},
};

use flate2::{Compression, GzBuilder};

use super::package::{MASK, Package};
use crate::support::SOURCE_DATE_EPOCH;

/// The text, in which `version` is the package's and the application's own.
pub(super) fn changelog(package: &Package, version: &str) -> String {
    let upstream = if version == MASK { MASK.to_owned() } else { package.upstream.to_string() };
    let own = vec![format!("Built from {} {upstream}.", package.application)];
    let entries = if package.declared.changelog.is_empty() { &own } else { &package.declared.changelog };
    let entries: String =
        entries.iter().map(|entry| format!("  * {}\n", entry.trim().replace('\n', "\n    "))).collect();
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(SOURCE_DATE_EPOCH)).replace("GMT", "+0000");
    format!(
        "{} ({version}) unstable; urgency=medium\n\n{entries}\n -- {}  {date}\n",
        package.name,
        package.maintainer()
    )
}

/// Compressed as Policy wants it: at the highest level, without name and time.
pub(super) fn compressed(text: &str) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::{Deb, deb::package::shop};

    #[test]
    fn an_entry_has_a_version_what_changed_and_who_says_so() {
        let deb = Deb::new().maintainer("The Shop <shop@example.com>").changelog("Takes cards").changelog("Is faster");
        assert_eq!(
            changelog(&shop(deb), "0.7.0~dev1"),
            "shop (0.7.0~dev1) unstable; urgency=medium\n\n  * Takes cards\n  * Is faster\n\n \
             -- The Shop <shop@example.com>  Sun, 02 Feb 2020 00:00:00 +0000\n"
        );
        assert!(changelog(&shop(Deb::new()), "1").contains("  * Built from shop 0.7.0.dev1.\n"));
        assert!(!changelog(&shop(Deb::new()), MASK).contains("0.7.0"));
    }
}
