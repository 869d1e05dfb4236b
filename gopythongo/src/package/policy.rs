//! What Debian Policy lets a package be called, hold and ask for. Pure.

use std::fmt;

/// Why something is refused: one sentence, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The sentence: lowercase, no final stop.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// Places that belong to others: the administrator, users, the kernel, what does not outlive a boot, or dpkg itself.
const OTHERS: [&str; 14] = [
    "/usr/local",
    "/home",
    "/root",
    "/tmp",
    "/var/tmp",
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/var/run",
    "/mnt",
    "/media",
    "/boot",
    "/var/lib/dpkg",
];

/// Directories of the system, which hold more than one package: a tree goes below one of them, never in its place.
const SHARED: [&str; 16] = [
    "/bin",
    "/etc",
    "/lib",
    "/lib64",
    "/opt",
    "/sbin",
    "/srv",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
];

/// What is right where a path is not.
const SUGGESTION: &str = "write a path like `/opt/shop`";

/// Whether a package may have a tree or a directory at a path on the host: absolute, plain, below a place that packages may
/// use (Policy 9.1, FHS).
///
/// # Errors
/// When it may not, with the reason.
pub fn check_path(path: &str) -> Result<(), Refusal> {
    check_plain(path)?;
    check_place(path)
}

/// A path that scripts, units and archives can name as it is: absolute, nothing to resolve, nothing to quote.
pub(super) fn check_plain(path: &str) -> Result<(), Refusal> {
    if !path.starts_with('/') {
        return Err(Refusal::new(format!("`{path}` is not an absolute path")).hint(SUGGESTION));
    }
    let parts: Vec<&str> = path[1..].split('/').collect();
    if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
        let plain = "without `.`, `..`, doubled slashes and a slash at the end";
        return Err(Refusal::new(format!("`{path}` is not a plain path")).hint(format!("{SUGGESTION}, {plain}")));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+~@-".contains(c);
    if let Some(character) = path.chars().find(|c| !plain(*c)) {
        let message = format!("`{path}` holds `{}`", character.escape_default());
        let hint = "scripts and units name the path: letters, digits and `._+~@-` are safe in all of them";
        return Err(Refusal::new(message).hint(hint));
    }
    Ok(())
}

fn check_place(path: &str) -> Result<(), Refusal> {
    if let Some(other) = OTHERS
        .iter()
        .find(|other| path.strip_prefix(**other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    {
        let message = format!("`{path}` is not a place for a package: `{other}` belongs to others (Debian Policy 9.1)");
        return Err(Refusal::new(message).hint(SUGGESTION));
    }
    if SHARED.contains(&path) {
        let message = format!("`{path}` is a directory of the whole system");
        return Err(Refusal::new(message).hint(format!("write one of the package's own, as `{path}/shop`")));
    }
    Ok(())
}

/// A package's name (Policy 5.6.7): at least two of lowercase letters, digits and `+-.`, the first a letter or digit.
pub(super) fn check_package(name: &str) -> Result<(), Refusal> {
    let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.len() >= 2 && name.starts_with(first) && name.chars().all(|c| first(c) || "+-.".contains(c)) {
        return Ok(());
    }
    let hint = "a name has at least two characters: lowercase letters, digits, `+`, `-` and `.`, the first a letter or a digit";
    Err(Refusal::new(format!("`{name}` is not a name for a Debian package (Policy 5.6.7)")).hint(hint))
}

/// A system user's name, as `useradd` and `sysusers.d` take it everywhere.
pub(super) fn check_user(name: &str) -> Result<(), Refusal> {
    let first = |c: char| c.is_ascii_lowercase() || c == '_';
    let fits = |c: char| first(c) || c.is_ascii_digit() || c == '-';
    if name.len() <= 31 && name.starts_with(first) && name.chars().all(fits) {
        return Ok(());
    }
    let hint =
        "a user's name has at most 31 characters: lowercase letters, digits, `_` and `-`, the first a letter or `_`";
    Err(Refusal::new(format!("`{name}` is not a name for a system user")).hint(hint))
}

/// A relation to other packages (Policy 7.1): `libc6 (>= 2.36) | musl`, each alternative a package, perhaps with `:any` and a
/// version.
pub(super) fn check_relation(relation: &str) -> Result<(), Refusal> {
    let error = |why: String| {
        let hint = "write `libc6 (>= 2.36)`, and `a | b` for alternatives; each relation is a call of its own";
        Err(Refusal::new(format!("`{relation}` is not a relation to a package (Policy 7.1): {why}")).hint(hint))
    };
    for alternative in relation.split('|') {
        let alternative = alternative.trim();
        let (name, version) = match alternative.split_once('(') {
            Some((name, rest)) => match rest.trim_end().strip_suffix(')') {
                Some(version) => (name.trim(), Some(version.trim())),
                None => return error(format!("`{alternative}` has an open parenthesis")),
            },
            None => (alternative, None),
        };
        let (name, architecture) = name.split_once(':').map_or((name, None), |(name, rest)| (name, Some(rest)));
        if check_package(name).is_err() {
            return error(format!("`{name}` is not a name of a package"));
        }
        let is_architecture = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        if let Some(architecture) = architecture.filter(|text| !is_architecture(text)) {
            return error(format!("`{architecture}` is not an architecture"));
        }
        let Some(version) = version else { continue };
        let Some(number) = ["<<", "<=", ">=", ">>", "="].iter().find_map(|operator| version.strip_prefix(operator))
        else {
            return error(format!("`{version}` does not begin with `<<`, `<=`, `=`, `>=` or `>>`"));
        };
        if let Err(problem) = number.trim().parse::<crate::version::DebianVersion>() {
            return error(problem.to_string());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(check: fn(&str) -> Result<(), Refusal>, text: &str) -> String {
        check(text).expect_err(text).message
    }

    #[test]
    fn a_path_is_absolute_plain_and_in_a_place_for_packages() {
        for path in ["/opt/shop", "/usr/lib/shop", "/srv/shop-2", "/var/lib/shop/media"] {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
        for (path, why) in [
            ("opt/shop", "is not an absolute path"),
            ("", "is not an absolute path"),
            ("/opt/../etc", "is not a plain path"),
            ("/opt/shop/", "is not a plain path"),
            ("/opt//shop", "is not a plain path"),
            ("/", "is not a plain path"),
            ("/opt/my shop", "holds ` `"),
            ("/opt/sh%op", "holds `%`"),
            ("/usr/local/shop", "`/usr/local` belongs to others"),
            ("/home/shop", "`/home` belongs to others"),
            ("/tmp", "`/tmp` belongs to others"),
            ("/proc/self", "`/proc` belongs to others"),
            ("/opt", "is a directory of the whole system"),
            ("/usr/bin", "is a directory of the whole system"),
        ] {
            let message = refused(check_path, path);
            assert!(message.contains(why), "{message}");
        }
        assert_eq!(check_path("/homestead/shop"), Ok(()));
    }

    #[test]
    fn names_of_packages_and_users_are_those_of_policy() {
        for name in ["shop", "lib2", "g++", "0ad", "python3.11-shop"] {
            assert_eq!(check_package(name), Ok(()), "{name}");
        }
        for name in ["", "s", "Shop", "my_shop", "-shop", ".shop", "shöp", "sh op"] {
            assert!(refused(check_package, name).contains("is not a name for a Debian package"), "{name}");
        }
        for name in ["shop", "_shop", "shop-2"] {
            assert_eq!(check_user(name), Ok(()), "{name}");
        }
        for name in ["", "2shop", "Shop", "shop.web", "a-name-that-is-longer-than-31-chars"] {
            assert!(refused(check_user, name).contains("is not a name for a system user"), "{name}");
        }
    }

    #[test]
    fn relations_are_packages_with_versions() {
        for relation in ["libc6", "libc6 (>= 2.36)", "python3:any (<< 3.12)", "libpq5 (= 1:15.3-1) | libpq6", "a1(>=1)"]
        {
            assert_eq!(check_relation(relation), Ok(()), "{relation}");
        }
        for (relation, why) in [
            ("", "`` is not a name of a package"),
            ("libc6, zlib1g", "is not a name of a package"),
            ("libc6 >= 2", "is not a name of a package"),
            ("libc6 (>= 2", "open parenthesis"),
            ("libc6 (> 2)", "does not begin with"),
            ("libc6 (>= two)", "does not begin with a digit"),
            ("libc6 |", "`` is not a name of a package"),
            ("libc6:AMD64", "is not an architecture"),
        ] {
            let message = refused(check_relation, relation);
            assert!(message.contains(why), "{message}");
        }
    }
}
