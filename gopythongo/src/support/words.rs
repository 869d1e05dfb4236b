//! Plurals, lists and suggestions, in one place so that all sentences agree.

/// `1 test`, `2 tests`; an ending in `y` becomes `ies` after a consonant.
#[must_use]
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{n} {stem}ies"),
        _ => format!("{n} {noun}s"),
    }
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", head.join(", "), last.as_ref())
        }
    }
}

/// How long ago something was: `just now`, `5 minutes ago`, `3 days ago`.
#[must_use]
pub fn ago(age: std::time::Duration) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let seconds = age.as_secs();
    let found = units.into_iter().find(|(unit, _)| seconds >= *unit);
    found.map_or_else(
        || "just now".to_owned(),
        |(unit, noun)| format!("{} ago", count(usize::try_from(seconds / unit).unwrap_or(usize::MAX), noun)),
    )
}

/// A word as a shell would have to be given it, on one line: quoted if need be.
#[must_use]
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else if word.contains('\n') {
        format!("$'{}'", word.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The candidate nearest to `word`, if it is near enough to be a slip of the fingers.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= word.len().max(candidate.len()).div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// The restricted Damerau-Levenshtein distance, in characters.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let swap = if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    rows[i - 2][j - 2] + 1
                } else {
                    usize::MAX
                };
                let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(replace).min(swap)
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        assert_eq!(count(1, "library"), "1 library");
        assert_eq!(count(2, "library"), "2 libraries");
        assert_eq!(count(0, "test"), "0 tests");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        let told = [0, 59, 60, 3_599, 7_200, 86_400, 1_000_000].map(|age| ago(std::time::Duration::from_secs(age)));
        assert_eq!(
            told,
            ["just now", "just now", "1 minute ago", "59 minutes ago", "2 hours ago", "1 day ago", "11 days ago"]
        );
    }

    #[test]
    fn words_for_a_shell() {
        assert_eq!(shell("--path=/opt/shop"), "--path=/opt/shop");
        assert_eq!(shell("a b"), "'a b'");
        assert_eq!(shell("it's"), r"'it'\''s'");
        assert_eq!(shell("import sys\nprint('x')"), r"$'import sys\nprint(\'x\')'");
        assert_eq!(shell(""), "''");
    }

    #[test]
    fn suggestions() {
        let jobs = ["money", "catalog", "shop"];
        assert_eq!(nearest("mnoey", jobs), Some("money"));
        assert_eq!(nearest("catalogue", jobs), Some("catalog"));
        assert_eq!(nearest("billing", jobs), None);
    }
}
