//! The key that signs the repository, made on first use and kept in the store; `gpg` does the work.

use std::{
    ffi::OsString,
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use super::view::{sync, sync_below};
use crate::{
    run::process::{Cancel, Command, Status, Supervisor},
    store::StoreError,
    support::copy_tree,
};

/// How long gpg may take: it needs no second, unless it waits for somebody.
const LIMIT: Duration = Duration::from_secs(60);

/// The longest path of a home directory: the agent's socket lies in it, and may have about a hundred bytes.
const SHORT: usize = 70;

/// What of gpg's home directory is the key.
const KEPT: [&str; 4] = ["pubring.kbx", "private-keys-v1.d", "openpgp-revocs.d", KEY];

/// The public half, armoured.
const KEY: &str = "key.asc";

/// Makes a key that does not expire, without a passphrase: it is as safe as the store that it lies in.
const MAKE: &str = r#"
gpg $options --quick-generate-key "gopythongo apt repository <apt@localhost>" ed25519 sign never
gpg $options --armor --output "$GNUPGHOME/key.asc" --export
"#;

/// Signs the `Release` files of the directories that it is given, in both ways that apt knows.
const SIGN: &str = r#"
for suite; do
    gpg $options --clearsign --output "$suite/InRelease" "$suite/Release"
    gpg $options --armor --detach-sign --output "$suite/Release.gpg" "$suite/Release"
done
"#;

/// Before either. Gpg starts an agent, which ends with the command as all its descendants do; if nobody is left to see to
/// that, the script does.
const BEGIN: &str = r#"set -eu
options="--batch --quiet --no-tty --no-options --lock-never --pinentry-mode loopback --passphrase-file /dev/null"
trap 'kill -0 "$OWNER" 2>/dev/null || gpgconf --kill gpg-agent' EXIT
"#;

/// A directory with a key.
#[derive(Debug, Clone)]
pub(in crate::store) struct Keyring {
    directory: PathBuf,
    /// Where `gpg` is looked for.
    path: OsString,
}

impl Keyring {
    /// The keyring in a directory, which may not be there yet.
    pub(in crate::store) fn new(directory: PathBuf) -> Self {
        Self { directory, path: std::env::var_os("PATH").unwrap_or_default() }
    }

    /// The same, looking for `gpg` elsewhere.
    #[cfg(test)]
    pub(in crate::store) fn on_path(mut self, path: impl Into<OsString>) -> Self {
        self.path = path.into();
        self
    }

    /// Whether signatures can be made: with a key, or with one that would be made.
    ///
    /// # Errors
    /// When there is a key and no gpg: what was signed once is not published unsigned.
    pub(super) fn can_sign(&self) -> Result<bool, StoreError> {
        let found = which::which_in("gpg", Some(&self.path), "/").is_ok();
        if !found && self.key().exists() {
            let hint = "install gnupg: clients that were given the key take nothing that is not signed by it";
            return Err(StoreError::new("the apt repository cannot be signed: `gpg` is not on PATH").hint(hint));
        }
        Ok(found)
    }

    /// The public key's file.
    pub(super) fn key(&self) -> PathBuf {
        self.directory.join(KEY)
    }

    /// Signs the `Release` file in each directory: `InRelease` and `Release.gpg`. Makes the key if there is none.
    ///
    /// # Errors
    /// When gpg does not.
    pub(super) fn sign(&self, suites: &[PathBuf]) -> Result<(), StoreError> {
        if !self.key().exists() {
            self.make()?;
        }
        let home = home()?;
        for kept in KEPT.iter().filter(|kept| **kept != KEY) {
            let link = home.path().join(kept);
            symlink(self.directory.join(kept), &link).map_err(StoreError::io("cannot make", &link))?;
        }
        let arguments = suites.iter().map(|suite| suite.clone().into_os_string());
        self.gpg(home.path(), SIGN, arguments.collect()).map_err(|why| {
            let hint = format!(
                "the key is in `{}`: put it right there, without a passphrase; or remove that directory to have another \
                 one made, which every client must then be given",
                self.directory.display()
            );
            StoreError::new(format!("the apt repository cannot be signed: {why}")).hint(hint)
        })
    }

    /// Makes the key, whole or not at all.
    fn make(&self) -> Result<(), StoreError> {
        let home = home()?;
        self.gpg(home.path(), MAKE, Vec::new()).map_err(|why| {
            let hint = "see to gpg and gpg-agent; nothing was promoted";
            StoreError::new(format!("no key can be made for the apt repository: {why}")).hint(hint)
        })?;
        let store = self.directory.parent().unwrap_or(&self.directory);
        let cannot_write = || StoreError::io("cannot write", &self.directory);
        // temporary directories are made for their owner only
        let new = tempfile::Builder::new().prefix(".keyring").tempdir_in(store).map_err(cannot_write())?;
        for kept in KEPT {
            let (from, to) = (home.path().join(kept), new.path().join(kept));
            let copied = if from.is_dir() { copy_tree(&from, &to) } else { fs::copy(&from, &to).map(drop) };
            copied.map_err(cannot_write())?;
        }
        fs::set_permissions(new.path().join(KEY), Permissions::from_mode(0o644)).map_err(cannot_write())?;
        sync_below(new.path())?;
        let new = new.keep();
        fs::rename(&new, &self.directory).map_err(cannot_write())?;
        sync(store)
    }

    /// Runs a script of gpg commands; what gpg said is the error.
    fn gpg(&self, home: &Path, script: &str, arguments: Vec<OsString>) -> Result<(), String> {
        let command = Command::new("/bin/sh")
            .args(["-c", &[BEGIN, script].concat(), "sh"])
            .args(arguments)
            .env("PATH", self.path.clone())
            .env("GNUPGHOME", home)
            .env("LC_ALL", "C.UTF-8")
            .env("OWNER", std::process::id().to_string())
            .timeout(LIMIT);
        let mut said = Vec::new();
        let supervisor = Supervisor::start().map_err(|error| error.to_string())?;
        let finished = supervisor.run(&command, &Cancel::new(), &mut |line| said.push(line.to_owned()));
        match finished.map_err(|error| error.to_string())?.status {
            Status::Exited(0) => Ok(()),
            status => Err(said.pop().unwrap_or_else(|| format!("`gpg` ended with {status}"))),
        }
    }
}

/// A home directory for one use of gpg: its locks and its agent's socket do not belong into the store, whose path may be
/// too long for a socket.
fn home() -> Result<TempDir, StoreError> {
    let usual = std::env::temp_dir();
    let short = if usual.as_os_str().len() <= SHORT { usual } else { PathBuf::from("/tmp") };
    tempfile::Builder::new().prefix("gpg").tempdir_in(&short).map_err(StoreError::io("cannot write in", &short))
}
