//! A directory that a package's service writes to.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A directory outside of the package's tree, made on the host with an owner and a mode, and kept when the package is removed.
///
/// ```
/// use gopythongo::{package::Directory, prelude::*};
///
/// let deb = Deb::new()
///     .service(Service::gunicorn("shop:app"))
///     .directory("/var/lib/shop")
///     .directory(Directory::new("/var/cache/shop").mode(0o755));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Directory {
    /// Its absolute path.
    pub path: String,
    /// Its mode; serialised in octal: `"0750"`.
    #[serde(serialize_with = "octal", deserialize_with = "from_octal")]
    pub mode: u32,
    /// The user who owns it, by name; in a [`Deb`](super::Deb), the service's user where it is empty.
    #[serde(default)]
    pub owner: String,
}

impl Directory {
    /// A directory of mode 0750 that the service's user owns.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), mode: 0o750, owner: String::new() }
    }

    /// Sets the mode, `0o755`; 0750 by default.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the owner; the service's user by default.
    pub fn owner(mut self, user: impl Into<String>) -> Self {
        self.owner = user.into();
        self
    }
}

impl From<&str> for Directory {
    fn from(path: &str) -> Self {
        Self::new(path)
    }
}

impl From<String> for Directory {
    fn from(path: String) -> Self {
        Self::new(path)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde wants")]
fn octal<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}

fn from_octal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    u32::from_str_radix(&text, 8).map_err(|_| serde::de::Error::custom(format!("`{text}` is not a mode in octal")))
}
