//! Why two keys differ, in words.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::words::count;

/// The first part that differs, in the order of the walk that made the keys, and how many more do: what is near to the user
/// (options, sources) stands before what is far (tools). What has come or gone moves all that follows it, so at one place it
/// stands first.
pub(super) fn between(last: &[(String, String)], now: &[(String, String)]) -> String {
    if last.len() == now.len() && last.iter().zip(now).all(|(before, after)| before.0 == after.0) {
        let changed = last.iter().zip(now).filter(|(before, after)| before.1 != after.1);
        let names: BTreeSet<&str> = changed.clone().map(|(_, (name, _))| name.as_str()).collect();
        let first = changed.map(|(_, (name, _))| name).next();
        return told(first.map(|name| format!("{name} changed")), names.len());
    }
    let (before, after) = (by_name(last), by_name(now));
    let mut differences = Vec::new();
    let mut seen = BTreeSet::new();
    for (place, (name, _)) in now.iter().enumerate() {
        if seen.insert(name) && before.get(name.as_str()) != after.get(name.as_str()) {
            let (rank, verb) = if before.contains_key(name.as_str()) { (2, "changed") } else { (0, "is new") };
            differences.push(((place, rank), format!("{name} {verb}")));
        }
    }
    for (place, (name, _)) in last.iter().enumerate() {
        if seen.insert(name) {
            differences.push(((place, 1), format!("{name} is gone")));
        }
    }
    differences.sort_by_key(|(place, _)| *place);
    let many = differences.len();
    told(differences.into_iter().next().map(|(_, first)| first), many)
}

/// The first difference, of so many.
fn told(first: Option<String>, many: usize) -> String {
    match first {
        None => "the order of its inputs changed".to_owned(),
        Some(only) if many == 1 => only,
        Some(first) => format!("{first}, and {} with it", count(many - 1, "other input")),
    }
}

/// All values of each name: one name may stand for several parts.
fn by_name(parts: &[(String, String)]) -> BTreeMap<&str, Vec<&str>> {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in parts {
        names.entry(name).or_default().push(value);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_reasons() {
        let last = "`a.py` 1;`b.py` 1;wheel of sdist 1;program git 1";
        let table = [
            ("`a.py` 2;`b.py` 1;wheel of sdist 1;program git 1", "`a.py` changed"),
            ("`a.py` 1;`b.py` 1;wheel of sdist 2;program git 1", "wheel of sdist changed"),
            ("`a.py` 1;`b.py` 1;`c.py` 1;wheel of sdist 1;program git 1", "`c.py` is new"),
            ("`a.py` 1;wheel of sdist 1;program git 1", "`b.py` is gone"),
            ("`a.py` 1;wheel of sdist 2;program git 1", "`b.py` is gone, and 1 other input with it"),
            ("`a.py` 1;`c.py` 1;wheel of sdist 1;program git 1", "`c.py` is new, and 1 other input with it"),
            ("`a.py` 2;`b.py` 2;wheel of sdist 2;program git 1", "`a.py` changed, and 2 other inputs with it"),
            ("`b.py` 1;`a.py` 1;wheel of sdist 1;program git 1", "the order of its inputs changed"),
            ("`a.py` 1;`a.py` 2;`b.py` 1;wheel of sdist 1;program git 1", "`a.py` changed"),
        ];
        let parts = |text: &str| -> Vec<(String, String)> {
            let pairs = text.split(';').filter_map(|part| part.rsplit_once(' '));
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        for (now, expected) in table {
            assert_eq!(between(&parts(last), &parts(now)), expected, "{now}");
        }
    }
}
