//! What lintian, which looks at packages of the distribution, says of an application's, each with the reason why it stays.

use super::package::Package;

/// The overrides file of a package; empty if lintian has nothing to say.
pub(super) fn overrides(package: &Package) -> String {
    let mut text = String::new();
    let mut add = |tag: &str, reason: &str| text += &format!("# {reason}\n{}: {tag}\n", package.name);
    if package.path.starts_with("/opt/") {
        add("dir-or-file-in-opt", "The package is not part of a distribution: /opt is the place for it (FHS 3.13).");
    }
    add(
        "package-installs-python-pycache-dir",
        "Byte code is compiled for the one interpreter that the package depends on.",
    );
    if !package.declared.gzip {
        add("malformed-deb-archive", "dpkg reads zstd since 1.21.18; lintian does not know it yet.");
    }
    if package.is_native() {
        add(
            "unstripped-binary-or-object",
            "Wheels are installed as their authors built them: their digests are recorded.",
        );
    }
    text
}
