//! The parts of a step's key: what each is, and its value or digest. They stand as they are hashed, in one piece: most keys
//! are hashed, and nothing else.

use std::fmt::{self, Write};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
};

use crate::support::Digest;

/// As many bytes as most keys have.
const FEW: usize = 512;

/// Pairs of a name and a value, in the order of the walk that collected them; serialised as a list of pairs.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// Each name and each value after its length.
    bytes: Vec<u8>,
}

impl Parts {
    /// Adds a part.
    pub fn add(&mut self, name: impl fmt::Display, value: impl fmt::Display) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(FEW);
        }
        self.text(name);
        self.text(value);
    }

    fn text(&mut self, text: impl fmt::Display) {
        let begin = self.bytes.len();
        self.bytes.extend([0; 8]);
        // a vector takes everything
        let _ = write!(Text(&mut self.bytes), "{text}");
        let length = (self.bytes.len() - begin - 8) as u64;
        self.bytes[begin..begin + 8].copy_from_slice(&length.to_le_bytes());
    }

    /// The names, each with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || Some((taken(&mut rest)?, taken(&mut rest)?)))
    }

    /// The digest of them all.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

/// Writes text to the end of bytes.
struct Text<'a>(&'a mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// The text with which bytes begin, taken away from them.
fn taken<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *bytes = rest;
    str::from_utf8(text).ok()
}

impl<N: fmt::Display, V: fmt::Display> FromIterator<(N, V)> for Parts {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut parts = Self::default();
        for (name, value) in pairs {
            parts.add(name, value);
        }
        parts
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Parts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Parts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of names with their values")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<Parts, A::Error> {
                let mut parts = Parts::default();
                while let Some((name, value)) = pairs.next_element::<(String, String)>()? {
                    parts.add(name, value);
                }
                Ok(parts)
            }
        }

        deserializer.deserialize_seq(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Hasher;

    #[test]
    fn parts_are_hashed_one_by_one_and_read_again() -> serde_json::Result<()> {
        let long = "x".repeat(10_000);
        let pairs = [("its code", "command 1"), ("", ""), ("café", "\"\n"), ("long", &long)];
        let parts = Parts::from_iter(pairs);
        assert_eq!(parts.iter().collect::<Vec<_>>(), pairs);
        let mut hasher = Hasher::new();
        for (name, value) in pairs {
            hasher.part(name).part(value);
        }
        assert_eq!(parts.digest(), hasher.finish());
        let json = serde_json::to_string(&parts)?;
        assert_eq!(json, serde_json::to_string(&pairs)?);
        assert_eq!(serde_json::from_str::<Parts>(&json)?, parts);
        assert_eq!(format!("{:?}", Parts::from_iter([("a", 1)])), "[(\"a\", \"1\")]");
        Ok(())
    }
}
