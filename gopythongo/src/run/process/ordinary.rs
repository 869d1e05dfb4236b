//! Running as an ordinary user where we are root: suites that look at file modes fail as root, who may do everything.

use std::{ffi::OsString, path::PathBuf};

use rustix::process::geteuid;

/// How a command is kept from being root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ordinary {
    /// This program is no root itself.
    Already,
    /// A user namespace: the user is nobody inside and the files' owner outside, without any capability.
    Namespace(PathBuf),
    /// Still called root, but without root's capabilities: file modes apply.
    Powerless(PathBuf),
    /// Neither works here.
    Impossible,
}

impl Ordinary {
    /// What works here; `works` tells whether a command that is given as words ends well.
    pub(super) fn probe(mut works: impl FnMut(&[OsString]) -> bool) -> Self {
        if !geteuid().is_root() {
            return Self::Already;
        }
        let found = |name| which::which(name).ok();
        [found("unshare").map(Self::Namespace), found("setpriv").map(Self::Powerless)]
            .into_iter()
            .flatten()
            .find(|way| {
                let mut words = way.prefix();
                words.push("true".into());
                works(&words)
            })
            .unwrap_or(Self::Impossible)
    }

    /// The words before the command's own.
    pub(super) fn prefix(&self) -> Vec<OsString> {
        let (program, arguments): (_, &[&str]) = match self {
            Self::Already | Self::Impossible => return Vec::new(),
            // 65534 is nobody everywhere, and has a passwd entry: 1000 may have none.
            Self::Namespace(program) => (program, &["--user", "--map-user=65534", "--map-group=65534", "--"]),
            // Another user id would lose the scratch directory, which root owns.
            Self::Powerless(program) => (program, &["--bounding-set=-all", "--inh-caps=-all", "--"]),
        };
        std::iter::once(program.into()).chain(arguments.iter().map(Into::into)).collect()
    }
}
