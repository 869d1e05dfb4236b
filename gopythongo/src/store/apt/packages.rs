//! Indices of packages (`Packages`; the Debian repository format, Debian Policy 5.1). Pure.

use std::fmt::Write as _;

use crate::{store::DebRelease, support::words, version::DebianVersion};

/// Fields that the repository adds.
const OWN: [&str; 3] = ["Filename", "Size", "SHA256"];

/// Where a file lies below the repository's top, in the shape of Debian's own pool.
pub(in crate::store) fn pool_path(package: &str, file: &str) -> String {
    let length = if package.starts_with("lib") { 4 } else { 1 };
    let prefix = package.get(..length).unwrap_or(package);
    format!("pool/main/{prefix}/{package}/{file}")
}

/// The paragraph of a release in an index, with an empty line behind it.
pub(super) fn paragraph(package: &str, release: &DebRelease) -> String {
    let mut text = release.control.trim_end().to_owned();
    let (path, size, digest) = (pool_path(package, &release.file), release.size, release.digest);
    // writing to a string cannot fail
    let _ = write!(text, "\nFilename: {path}\nSize: {size}\nSHA256: {digest}\n\n");
    text
}

/// Checks that a release can stand in an index: that its name and version are what Debian Policy takes for such, and that
/// its control paragraph is one, of this package.
///
/// # Errors
/// What is wrong with it: a sentence.
pub(in crate::store) fn check(package: &str, release: &DebRelease) -> Result<(), String> {
    let fits = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte))
    };
    if package.len() < 2 || !package.starts_with(|c: char| c.is_ascii_alphanumeric()) || !fits(package) {
        return Err(format!("`{package}` is no name of a Debian package: two or more of a-z, 0-9 and `+-.`"));
    }
    let version: DebianVersion = release.version.parse().map_err(|error| format!("{error}"))?;
    if release.architecture.is_empty() || !fits(&release.architecture) {
        return Err(format!("`{}` is no architecture", release.architecture));
    }
    let file = format!("{package}_{}_{}.deb", version.file_part(), release.architecture);
    if release.file != file {
        return Err(format!("its file is called `{}`, and should be called `{file}`", release.file));
    }
    let control = &release.control;
    if control.is_empty() || control.lines().any(|line| line.trim().is_empty()) {
        return Err("its control paragraph has an empty line".to_owned());
    }
    let field = |wanted: &str| {
        let mut fields =
            control.lines().filter(|line| !line.starts_with([' ', '\t'])).filter_map(|line| line.split_once(':'));
        fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    for (name, value) in [("Package", package), ("Version", &release.version), ("Architecture", &release.architecture)]
    {
        match field(name) {
            Some(found) if found == value => {}
            found => {
                let found = found.map_or_else(|| "is missing".to_owned(), |found| format!("is `{found}`"));
                return Err(format!("`{name}` {found} in its control paragraph, and should be `{value}`"));
            }
        }
    }
    let own: Vec<&str> = OWN.into_iter().filter(|name| field(name).is_some()).collect();
    if own.is_empty() { Ok(()) } else { Err(format!("its control paragraph holds {}", words::list(&own))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Digest;

    fn shop() -> DebRelease {
        DebRelease {
            version: "1:0.7.0~dev1".to_owned(),
            architecture: "amd64".to_owned(),
            payload: Digest::of("payload"),
            file: "shop_0.7.0~dev1_amd64.deb".to_owned(),
            digest: Digest::of("bytes"),
            size: 5,
            control: "Package: shop\nVersion: 1:0.7.0~dev1\nArchitecture: amd64\nDescription: a shop\n with: a colon"
                .to_owned(),
            commit: None,
            run: "r1".to_owned(),
        }
    }

    #[test]
    fn a_paragraph_says_where_the_file_is() {
        let (release, digest) = (shop(), Digest::of("bytes"));
        assert_eq!(check("shop", &release), Ok(()));
        let expected = format!(
            "{}\nFilename: pool/main/s/shop/shop_0.7.0~dev1_amd64.deb\nSize: 5\nSHA256: {digest}\n\n",
            release.control
        );
        assert_eq!(paragraph("shop", &release), expected);
        assert_eq!(pool_path("libmoney", "x.deb"), "pool/main/libm/libmoney/x.deb");
    }

    #[test]
    fn what_would_spoil_an_index_is_refused() {
        let refused = |package: &str, change: fn(&mut DebRelease)| {
            let mut release = shop();
            change(&mut release);
            check(package, &release).expect_err("refused")
        };
        for (package, change, why) in [
            ("../shop", (|_| {}) as fn(&mut DebRelease), "`../shop` is no name"),
            ("Shop", |_| {}, "`Shop` is no name"),
            ("shop", |release| release.version = "v1".to_owned(), "`v1` is not a Debian version"),
            ("shop", |release| release.architecture = "../x".to_owned(), "`../x` is no architecture"),
            ("shop", |release| release.file = "shop.deb".to_owned(), "its file is called `shop.deb`"),
            ("shop", |release| release.control.push_str("\n\nPackage: other"), "has an empty line"),
            ("shop", |release| release.control.push_str("\nSize: 7"), "holds Size"),
            (
                "shop",
                |release| release.control = release.control.replace("0.7.0", "0.8.0"),
                "`Version` is `1:0.8.0~dev1`",
            ),
            ("shop", |release| release.control = "Package: shop".to_owned(), "`Version` is missing"),
        ] {
            let error = refused(package, change);
            assert!(error.contains(why), "{error}");
        }
    }
}
