//! Names of packages.

/// The normalised form of a package's name (PEP 503): lowercase, runs of `-`, `_` and `.` are one `-`.
#[must_use]
pub fn normalize(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    let mut separated = false;
    for c in name.chars() {
        if matches!(c, '-' | '_' | '.') {
            separated = true;
        } else {
            if separated {
                normal.push('-');
            }
            separated = false;
            normal.push(c.to_ascii_lowercase());
        }
    }
    if separated {
        normal.push('-');
    }
    normal
}

/// Whether text may be the name of a package (core metadata, `Name`): ASCII letters, digits, `-`, `_` and `.`, with a letter or
/// digit at both ends.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.chars().all(inner) && end(text.chars().next()) && end(text.chars().last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_separators_are_one_dash() {
        assert_eq!(normalize("Friendly-._.-Bard"), "friendly-bard");
        assert_eq!(normalize("zope.interface"), "zope-interface");
        assert_eq!(normalize("money"), "money");
    }

    #[test]
    fn a_name_begins_and_ends_with_a_letter_or_digit() {
        assert!(is_name("a") && is_name("zope.interface") && is_name("3to2"));
        assert!(!is_name("") && !is_name("-a") && !is_name("a.") && !is_name("a/b") && !is_name("naïve"));
    }
}
