//! A value that several hold and nobody changes any more, and its JSON, which is written once.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};
use serde_json::value::{RawValue, to_raw_value};

/// A value that several hold and nobody changes any more: a clone is the same one. Its JSON is written when it is wanted
/// first, and then kept: that of a plan of ten thousand steps is megabytes, and goes into a run's journal and into its record.
pub struct Written<T>(Arc<Known<T>>);

struct Known<T> {
    value: T,
    json: OnceLock<Box<RawValue>>,
}

impl<T> Written<T> {
    /// A value that stays as it is.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Known { value, json: OnceLock::new() }))
    }
}

impl<T> Deref for Written<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> Clone for Written<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: PartialEq> PartialEq for Written<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl<T: Eq> Eq for Written<T> {}

impl<T: fmt::Debug> fmt::Debug for Written<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: Serialize> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = match self.0.json.get() {
            Some(json) => json,
            None => {
                let json = to_raw_value(&self.0.value).map_err(S::Error::custom)?;
                self.0.json.get_or_init(|| json)
            }
        };
        json.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A value that counts how often it is written.
    struct Counted(Cell<u32>);

    impl Serialize for Counted {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.set(self.0.get() + 1);
            ["a \"quoted\" text"].serialize(serializer)
        }
    }

    #[test]
    fn it_is_written_once_whoever_holds_it() {
        let one = Written::new(Counted(Cell::new(0)));
        let other = one.clone();
        let texts = [&one, &other].map(|held| serde_json::to_string(held).expect("it can be written"));
        assert_eq!(texts, [r#"["a \"quoted\" text"]"#; 2]);
        assert_eq!(serde_json::to_value(&one).expect("it can be written"), serde_json::json!(["a \"quoted\" text"]));
        assert_eq!(one.0.value.0.get(), 1);
    }

    #[test]
    fn it_is_read_as_what_it_holds_and_equals_it() {
        let read: Written<Vec<u32>> = serde_json::from_str("[1, 2]").expect("a list");
        assert_eq!(*read, [1, 2]);
        assert_eq!(read, Written::new(vec![1, 2]));
        assert_ne!(read, Written::new(vec![1]));
        assert_eq!(serde_json::to_string(&read).expect("it can be written"), "[1,2]");
    }
}
