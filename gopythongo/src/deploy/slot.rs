//! The two slots of an environment.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of two roots, each of which holds one unpacked version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    /// The one that an empty environment begins with.
    Blue,
    /// The other one.
    Green,
}

impl Slot {
    /// Both, in the order in which they are filled.
    pub const BOTH: [Self; 2] = [Self::Blue, Self::Green];

    /// The one that is idle while this one is live.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }

    /// `blue`, `green`: also the name of its directory.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
