//! The key whose owner lets versions into protected environments. `gpg` signs and checks (OpenPGP, RFC 9580), with the keys of
//! whoever runs this program.

use std::{
    fmt, fs,
    io::{self, IsTerminal as _, Write as _},
    process::{Command, Output, Stdio},
};

use serde::{Deserialize, Serialize};

use crate::run::Failure;

/// The OpenPGP key whose owner lets versions into protected environments, by its fingerprint: a pipeline names keys and
/// holds none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SigningKey(String);

impl fmt::Display for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SigningKey {
    /// The key of a fingerprint: 40 hexadecimal digits (RFC 4880), or 64 (RFC 9580), with or without spaces.
    pub fn fingerprint(fingerprint: impl AsRef<str>) -> Self {
        let digits = fingerprint.as_ref().chars().filter(|c| !c.is_whitespace());
        Self(digits.map(|c| c.to_ascii_uppercase()).collect())
    }

    /// Whether it is a fingerprint, and no short id, which several keys may have.
    pub(crate) fn is_whole(&self) -> bool {
        [40, 64].contains(&self.0.len()) && self.0.chars().all(|c| c.is_ascii_hexdigit())
    }

    /// Signs a statement; gives the signature, armoured. gpg's agent asks for a passphrase where the key has one.
    ///
    /// # Errors
    /// When there is no gpg, or it does not sign: it has no such secret key, or the passphrase was wrong.
    pub(crate) fn sign(&self, statement: &str) -> Result<String, Failure> {
        let mut gpg = gpg();
        // the statement is its standard input, so that it cannot find out by itself where somebody could be asked
        if io::stdin().is_terminal()
            && let Ok(terminal) = fs::read_link("/proc/self/fd/0")
        {
            gpg.env("GPG_TTY", terminal);
        }
        let output = told(gpg.args(["--local-user", &self.0, "--armor", "--detach-sign"]), statement)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let hint = "whoever holds the key approves: `gpg --list-secret-keys` lists those that are here";
        Err(Failure::lacking(format!("nothing is signed by key {self}: {}", last_line(&output))).hint(hint))
    }

    /// Checks that the key has signed a statement.
    ///
    /// # Errors
    /// When it has not, it has expired or been revoked, or there is no gpg or none that knows the key.
    pub(crate) fn verify(&self, statement: &str, signature: &str) -> Result<(), Failure> {
        let mut file = tempfile::NamedTempFile::new().map_err(|error| Failure::lacking(error.to_string()))?;
        file.write_all(signature.as_bytes()).map_err(Failure::io("cannot write", file.path()))?;
        let verify = ["--no-auto-key-retrieve", "--status-fd", "1", "--verify"];
        let output = told(gpg().args(verify).arg(file.path()).arg("-"), statement)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let said: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("[GNUPG:] ")).collect();
        let says = |word: &str| said.iter().any(|line| line.split(' ').next() == Some(word));
        if says("NO_PUBKEY") {
            let hint = format!("`gpg --import` what `gpg --armor --export {self}` gives to whoever holds it");
            return Err(Failure::lacking(format!("gpg does not know key {self}, or it has not signed this")).hint(hint));
        }
        // of keys that have expired or been revoked it says other words than that the signature is good
        let valid = said.iter().filter_map(|line| line.strip_prefix("VALIDSIG "));
        let is_by = |line: &str| {
            let mut words = line.split(' ');
            words.next() == Some(&self.0) || words.next_back() == Some(&self.0)
        };
        if output.status.success() && says("GOODSIG") && valid.into_iter().any(is_by) {
            return Ok(());
        }
        let why = match () {
            () if says("REVKEYSIG") => "the key was revoked".to_owned(),
            () if says("EXPKEYSIG") || says("EXPSIG") => "it has expired".to_owned(),
            () if says("BADSIG") => "what was signed is something else".to_owned(),
            () => last_line(&output),
        };
        Err(Failure::refused(format!("no good signature of key {self}: {why}")))
    }
}

fn gpg() -> Command {
    let mut gpg = Command::new("gpg");
    gpg.args(["--batch", "--quiet"]).env("LC_ALL", "C.UTF-8");
    gpg.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    gpg
}

/// Runs gpg with a statement as its standard input.
fn told(gpg: &mut Command, statement: &str) -> Result<Output, Failure> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Failure::lacking("`gpg` is not on PATH: approvals are signed").hint("install gnupg"),
        _ => Failure::lacking(format!("cannot run gpg: {error}")),
    };
    let mut child = gpg.spawn().map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // whoever does not read it says why
        let _ = input.write_all(statement.as_bytes());
    }
    child.wait_with_output().map_err(failed)
}

fn last_line(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("gpg does not say why");
    line.trim_start_matches("gpg: ").to_owned()
}
