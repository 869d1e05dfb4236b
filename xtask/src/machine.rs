//! What the suites need of the machine: on Debian as root it is installed, elsewhere its absence is said.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

/// A program or file that suites use, and the Debian package that brings it.
pub(crate) type Need = (&'static str, &'static str);

/// What unit tests are checked with.
pub(crate) const UNIT: &[Need] = &[("strace", "strace")];

/// What the chain of the examples needs: `python3 -m venv` and extension modules have no program of their own.
pub(crate) const CHAIN: &[Need] = &[
    ("git", "git"),
    ("python3", "python3"),
    ("curl", "curl"),
    ("unshare", "util-linux"),
    ("gpg", "gpg"),
    ("gpg-agent", "gpg-agent"),
    ("zstd", "zstd"),
    ("/usr/share/python-wheels", "python3-venv"),
    ("/usr/include/python3.11/Python.h", "python3-dev"),
    ("/usr/bin/gcc", "gcc"),
    ("rpm", "rpm"),
    ("/usr/share/perl5/Dpkg/Version.pm", "libdpkg-perl"),
];

/// What throw-away Debians need, and the tools that judge packages.
pub(crate) const LIVE: &[Need] = &[
    ("mmdebstrap", "mmdebstrap"),
    ("eatmydata", "eatmydata"),
    ("systemd-nspawn", "systemd-container"),
    ("nsenter", "util-linux"),
    ("lintian", "lintian"),
    ("dpkg-deb", "dpkg"),
    ("dpkg-scanpackages", "dpkg-dev"),
    ("strace", "strace"),
];

/// Installs what is missing where that is possible; gives the names of what is still missing.
pub(crate) fn prepare(needs: &[Need]) -> Result<Vec<String>> {
    let is_there =
        |need: &str| if need.starts_with('/') { Path::new(need).exists() } else { which::which(need).is_ok() };
    let mut missing: Vec<&str> =
        needs.iter().filter(|(need, _)| !is_there(need)).map(|(_, package)| *package).collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    if !(is_root() && Path::new("/etc/debian_version").exists()) {
        return Ok(missing.iter().map(|package| (*package).to_owned()).collect());
    }
    println!("installing {}", missing.join(", "));
    apt(&["update", "-q"])?;
    apt(&[&["install", "-q", "-y", "--no-install-recommends"], missing.as_slice()].concat())?;
    Ok(Vec::new())
}

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(["-o", "Dpkg::Use-Pty=0"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(std::process::Stdio::null());
    if !command.status().context("cannot start `apt-get`")?.success() {
        bail!("`apt-get {}` failed", arguments.join(" "));
    }
    Ok(())
}
