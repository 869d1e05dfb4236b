//! SHA-256 digests: PyPI, apt, rpm and OCI all speak it.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest; displayed, serialised and parsed as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(bytes.as_ref()).into())
    }

    /// The digest of what is left of `reader`, and how many bytes that was.
    ///
    /// # Errors
    /// When reading fails.
    pub fn of_reader(mut reader: impl Read) -> io::Result<(Self, u64)> {
        let mut hasher = Sha256::new();
        // most files are small: to allocate more takes longer than to hash them
        let mut buffer = [0; 16 * 1024];
        let mut size = 0;
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok((Self(hasher.finalize().into()), size)),
                n => {
                    hasher.update(&buffer[..n]);
                    size += n as u64;
                }
            }
        }
    }

    /// The digest of a file's bytes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        Ok(Self::of_reader(File::open(path)?)?.0)
    }

    /// The digest whose raw bytes these are.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first `digits` hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self, digits: usize) -> String {
        let mut text = self.to_string();
        text.truncate(digits);
        text
    }

    /// The 64 hexadecimal digits, in ASCII.
    #[must_use]
    pub(crate) fn hexadecimal(&self) -> [u8; 64] {
        let mut text = [0; 64];
        for (two, byte) in text.as_chunks_mut().0.iter_mut().zip(self.0) {
            *two = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
        }
        text
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.hexadecimal()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseDigestError(String);

impl fmt::Display for ParseDigestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a SHA-256 digest: 64 hexadecimal digits are expected", self.0)
    }
}

impl std::error::Error for ParseDigestError {}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseDigestError(text.to_owned());
        // a number may begin with a sign
        if text.len() != 64 || !text.is_ascii() || text.contains('+') {
            return Err(error());
        }
        let number = |half: &str| u128::from_str_radix(half, 16).map(u128::to_be_bytes).map_err(|_| error());
        let (high, low) = text.split_at(32);
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&number(high)?);
        bytes[16..].copy_from_slice(&number(low)?);
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A digest made of several parts, each with its length, so that no two lists of parts collide.
pub struct Hasher {
    hash: Sha256,
    /// Bytes that are hashed together: most parts are short.
    held: [u8; CHUNK],
    /// How many they are.
    length: usize,
}

/// How many bytes are hashed at once.
const CHUNK: usize = 512;

impl Default for Hasher {
    fn default() -> Self {
        Self { hash: Sha256::new(), held: [0; CHUNK], length: 0 }
    }
}

impl Hasher {
    /// A hasher that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one part.
    pub fn part(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref();
        self.bytes(&(bytes.len() as u64).to_le_bytes());
        self.bytes(bytes);
        self
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.length + bytes.len() > CHUNK {
            self.hash.update(&self.held[..self.length]);
            self.length = 0;
        }
        match self.held.get_mut(self.length..self.length + bytes.len()) {
            Some(held) => {
                held.copy_from_slice(bytes);
                self.length += bytes.len();
            }
            None => self.hash.update(bytes),
        }
    }

    /// The digest of all parts.
    #[must_use]
    pub fn finish(mut self) -> Digest {
        self.hash.update(&self.held[..self.length]);
        Digest(self.hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_known_one() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of("").to_string(), text);
        assert_eq!(text.parse(), Ok(Digest::of("")));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let digest = |parts: &[&str]| {
            let mut hasher = Hasher::new();
            parts.iter().for_each(|part| {
                hasher.part(part);
            });
            hasher.finish()
        };
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        let long = "x".repeat(CHUNK);
        let text = ["ab", &long, "c"].map(|part| [&(part.len() as u64).to_le_bytes(), part.as_bytes()].concat());
        assert_eq!(digest(&["ab", &long, "c"]), Digest::of(text.concat()));
    }

    #[test]
    fn what_is_no_digest_is_said() {
        assert_eq!(
            "abc".parse::<Digest>().expect_err("it is too short").to_string(),
            "`abc` is not a SHA-256 digest: 64 hexadecimal digits are expected"
        );
        let text = Digest::of("").to_string();
        for damaged in [text.replacen('e', "+", 1), text.replacen('e', "g", 1), text.replacen("e3", "é", 1)] {
            assert!(damaged.parse::<Digest>().is_err(), "{damaged}");
        }
    }
}
