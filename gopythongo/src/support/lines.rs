//! Lines of a text that are found by a name in them: nothing of the text is copied, and a line is read when it is asked for.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, BuildHasherDefault, Hasher},
    ops::Range,
};

/// A text of lines that have a name each. The last one of a name counts.
pub(crate) struct Lines {
    text: String,
    hashing: RandomState,
    /// Where a line is, by the hash of its name. Of two names with one hash, which nobody will see, the later one is found.
    places: HashMap<u64, Range<usize>, BuildHasherDefault<Hashed>>,
}

/// The hash of a hash: the same.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Lines {
    /// The lines of a text whose name can be told, each with its end.
    pub(crate) fn of(text: String, name: fn(&str) -> Option<&str>) -> Self {
        let hashing = RandomState::new();
        let count = text.bytes().filter(|byte| *byte == b'\n').count();
        let mut places = HashMap::with_capacity_and_hasher(count, BuildHasherDefault::new());
        let mut begin = 0;
        for line in text.split_inclusive('\n') {
            let place = begin..begin + line.len();
            begin = place.end;
            if let Some(name) = name(line) {
                places.insert(hashing.hash_one(name), place);
            }
        }
        Self { text, hashing, places }
    }

    /// What is read of the line of a name: that name, which is looked at again, and more.
    pub(crate) fn get<'a, T>(&'a self, name: &str, read: impl FnOnce(&'a str) -> Option<(&'a str, T)>) -> Option<T> {
        let line = &self.text[self.places.get(&self.hashing.hash_one(name))?.clone()];
        read(line).filter(|(found, _)| *found == name).map(|(_, more)| more)
    }

    /// The lines that count, in the order of the text.
    pub(crate) fn counting(&self) -> impl Iterator<Item = &str> {
        let mut places: Vec<&Range<usize>> = self.places.values().collect();
        places.sort_by_key(|place| place.start);
        places.into_iter().map(|place| &self.text[place.clone()])
    }

    /// How long the text is, in bytes.
    pub(crate) fn length(&self) -> usize {
        self.text.len()
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.counting()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_name_counts() {
        let lines = Lines::of("a 1\nb 2\nnonsense\na 3\nb 4".to_owned(), |line| Some(line.split_once(' ')?.0));
        let get = |name| lines.get(name, |line| line.trim_end().split_once(' '));
        assert_eq!(["a", "b", "c"].map(get), [Some("3"), Some("4"), None]);
        assert_eq!(lines.get("a", |_| Some(("b", 1))), None, "it is another one's");
        assert_eq!(lines.counting().collect::<Vec<_>>(), ["a 3\n", "b 4"]);
        assert_eq!(lines.length(), 24);
        assert_eq!(Lines::of(String::new(), |line| Some(line)).counting().count(), 0);
    }
}
