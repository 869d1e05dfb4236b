//! What the suites need of the machine: on Debian as root it is installed, elsewhere its absence is said.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

/// A program that suites use, and the Debian package that brings it.
const NEEDS: [(&str, &str); 4] = [("git", "git"), ("python3", "python3"), ("curl", "curl"), ("unshare", "util-linux")];

/// Debian packages without a program of their own: `python3 -m venv` needs the first, extension modules the others.
const PACKAGES: [(&str, &str); 3] = [
    ("/usr/share/python-wheels", "python3-venv"),
    ("/usr/include/python3.11/Python.h", "python3-dev"),
    ("/usr/bin/gcc", "gcc"),
];

/// Installs what is missing where that is possible; gives the names of what is still missing.
pub(crate) fn prepare() -> Result<Vec<String>> {
    let missing: Vec<&str> = NEEDS
        .iter()
        .filter(|(program, _)| which::which(program).is_err())
        .map(|(_, package)| *package)
        .chain(PACKAGES.iter().filter(|(path, _)| !Path::new(path).exists()).map(|(_, package)| *package))
        .collect();
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
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(std::process::Stdio::null());
    if !command.status().context("cannot start `apt-get`")?.success() {
        bail!("`apt-get {}` failed", arguments.join(" "));
    }
    Ok(())
}
