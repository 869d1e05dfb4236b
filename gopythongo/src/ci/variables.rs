//! The environment variables of a process, and the files that some of them name: all that this room reads.

use std::{collections::BTreeMap, fs};

use crate::context::git::is_branch_name;

/// Environment variables; an empty one counts as not set, for servers set those that do not apply to nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Those of this process that are text.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Names and values of those whose names begin so, in the order of their names.
    pub(crate) fn starting_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let names = self.0.range(prefix.to_owned()..).map(|(name, _)| name.as_str());
        let names = names.take_while(move |name| name.starts_with(prefix));
        names.filter_map(|name| Some((name, self.get(name)?)))
    }

    /// The first of several that is set.
    pub(super) fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// Whether one is `true`, in any case.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A text, as it stands.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(ToOwned::to_owned)
    }

    /// The name of a branch or tag: without `refs/heads/` or `refs/tags/`, and only if git would take it. Whoever opens a
    /// pull request chooses such names.
    pub(super) fn reference(&self, name: &str) -> Option<String> {
        self.get(name).and_then(reference)
    }

    /// A number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// The text of the file that a variable names.
    pub(super) fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.get(name)?).ok()
    }
}

/// The name of a branch or tag that may have `refs/…/` before it.
pub(super) fn reference(name: &str) -> Option<String> {
    let short = ["refs/heads/", "refs/tags/"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    is_branch_name(short).then(|| short.to_owned())
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_not_set_and_what_git_would_not_take_is_no_branch() {
        let variables: Variables =
            [("A", ""), ("B", " refs/heads/release/1.5.0 "), ("C", "a; rm -rf b"), ("D", "True")].into_iter().collect();
        assert_eq!(variables.get("A"), None);
        assert_eq!(variables.reference("B").as_deref(), Some("release/1.5.0"));
        assert_eq!(variables.reference("C"), None);
        assert!(variables.is_true("D") && !variables.is_true("A"));
        assert_eq!(variables.first(&["A", "X", "D"]), Some("True"));
    }
}
