//! Where a secret is. Plain data: what stands in a pipeline, in settings and in plans instead of the secret.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Where a secret is: it is fetched when a step asks for it, and never earlier.
///
/// ```
/// use gopythongo::prelude::*;
///
/// let publish = CommandStep::new("mirror", ["./mirror.sh"])
///     .secret("MIRROR_TOKEN", SecretFrom::env("MIRROR_TOKEN"))
///     .secret("MIRROR_KEY", SecretFrom::vault("secret/shop/mirror", "key"));
/// let money = library("money").step(publish);
/// ```
///
/// In a file of settings it is a table with one key: `{ env = "TOKEN" }`, `{ file = "/run/secrets/token" }`,
/// `{ command = ["pass", "show", "shop/token"] }` or `{ vault = { path = "secret/shop", field = "token" } }`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[must_use]
pub enum SecretFrom {
    /// An environment variable of this program.
    Env(String),
    /// A file, relative to the pipeline's root. Its last line break is none of the secret's.
    File(PathBuf),
    /// What a program prints. The last line break is none of the secret's.
    Command(Vec<String>),
    /// A field of a secret in Vault or OpenBao (key-value engine, version 2).
    Vault {
        /// The path below the engine's mount; if `mount` is not given, the mount is its first part.
        path: String,
        /// The field.
        field: String,
        /// Where the engine is mounted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mount: Option<String>,
    },
}

impl SecretFrom {
    /// What serde calls the type.
    pub(super) const NAME: &'static str = "SecretFrom";

    /// The value of an environment variable.
    pub fn env(name: impl Into<String>) -> Self {
        Self::Env(name.into())
    }

    /// The text of a file, without its last line break; a relative path is one below the pipeline's root.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }

    /// What a program prints, without the last line break: `SecretFrom::command(["pass", "show", "shop/token"])`. It sees this
    /// program's whole environment, runs in the pipeline's root, and has 30 seconds.
    pub fn command<A: Into<String>>(argv: impl IntoIterator<Item = A>) -> Self {
        Self::Command(argv.into_iter().map(Into::into).collect())
    }

    /// A field of a secret in Vault or OpenBao, in a key-value engine of version 2: `SecretFrom::vault("secret/shop", "token")` is
    /// what `vault kv get -mount=secret -field=token shop` prints.
    ///
    /// `VAULT_ADDR` says where the server is, `VAULT_NAMESPACE` the namespace if there are any, and `VAULT_CACERT` a file of
    /// certificates. Who asks is said by `VAULT_TOKEN`, else by `VAULT_ROLE_ID` and `VAULT_SECRET_ID` (AppRole, mounted at
    /// `approle`), else by the file `~/.vault-token`. Each of these may also begin with `BAO_`, which counts more.
    pub fn vault(path: impl Into<String>, field: impl Into<String>) -> Self {
        Self::Vault { path: path.into(), field: field.into(), mount: None }
    }

    /// Sets where the engine of [`vault`](Self::vault) is mounted; by default at the first part of its path, which is left out of it
    /// then. Of another source it changes nothing.
    pub fn mount(mut self, place: impl Into<String>) -> Self {
        if let Self::Vault { mount, .. } = &mut self {
            *mount = Some(place.into());
        }
        self
    }
}

impl fmt::Display for SecretFrom {
    /// `variable TOKEN`, ``file `token` ``, ``what `pass` prints``, ``field `token` of `secret/shop` in Vault``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "variable {name}"),
            Self::File(path) => write!(f, "file `{}`", path.display()),
            Self::Command(argv) => write!(f, "what `{}` prints", argv.first().map_or("", String::as_str)),
            Self::Vault { path, field, mount: None } => write!(f, "field `{field}` of `{path}` in Vault"),
            Self::Vault { path, field, mount: Some(mount) } => {
                write!(f, "field `{field}` of `{mount}/{path}` in Vault")
            }
        }
    }
}
