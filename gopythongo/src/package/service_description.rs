//! What a host needs to know to run a package's service: a file of the package.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Directory;

/// How the service is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bind {
    /// It listens on the Unix socket that stands in its arguments for [`ServiceDescription::SOCKET`].
    #[default]
    Socket,
}

/// Everything that a host needs to run a package: `/usr/share/<package>/service.json` in it.
///
/// ```json
/// {"version":1,"package":"shop","path":"/opt/shop",
///  "argv":["/opt/shop/bin/gunicorn","--bind=unix:{socket}","--workers=2","shop:app"],
///  "environment":{},"user":"shop",
///  "directories":[{"path":"/var/lib/shop","mode":"0750","owner":"shop"}],
///  "configuration":["/etc/shop/shop.toml"],"bind":"socket"}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceDescription {
    /// The format's version, 1.
    pub version: u32,
    /// The package's name.
    pub package: String,
    /// Where its tree is, and where the service must see it: `/opt/shop`.
    pub path: String,
    /// The program and its arguments, in which [`SOCKET`](Self::SOCKET) stands for the path of the socket to listen on.
    pub argv: Vec<String>,
    /// Variables of its environment.
    pub environment: BTreeMap<String, String>,
    /// The user that it runs as, where there is a choice.
    pub user: String,
    /// Directories that must be there before it starts.
    pub directories: Vec<Directory>,
    /// Configuration files of the package, by their paths on the host.
    pub configuration: Vec<String>,
    /// How it is reached.
    pub bind: Bind,
}

impl ServiceDescription {
    /// The version of the format that this program writes.
    pub const VERSION: u32 = 1;
    /// What stands in [`argv`](Self::argv) for the path of the socket.
    pub const SOCKET: &'static str = "{socket}";

    /// Where the description of a package is, below the root: `usr/share/shop/service.json`.
    #[must_use]
    pub fn member(package: &str) -> String {
        format!("usr/share/{package}/service.json")
    }

    /// The program and its arguments with a socket's path.
    #[must_use]
    pub fn argv(&self, socket: &str) -> Vec<String> {
        self.argv.iter().map(|word| word.replace(Self::SOCKET, socket)).collect()
    }
}
