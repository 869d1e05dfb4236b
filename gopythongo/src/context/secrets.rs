//! Fetching secrets from where they are: variables, files, programs, Vault. Does I/O.

use std::{
    collections::BTreeMap,
    env, fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{
    Redactor, Secret, SecretFrom,
    secret::SHORTEST,
    vault::{Vault, VaultAddress},
};
use crate::{
    ci::Variables,
    run::process::{Cancel, Command, Status, Supervisor},
};

/// How long a program that prints a secret may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The secrets of a run: fetched once, when they are asked for, and known to the redactor before anybody has them.
pub struct Secrets {
    root: PathBuf,
    variables: Variables,
    offline: bool,
    redactor: Redactor,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    secrets: BTreeMap<SecretFrom, Secret>,
    /// Logged in at the first question: a secret id may be good for one login.
    vault: Option<Vault>,
}

/// Why a secret cannot be had. It names where the secret is, never what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretError {
    /// One sentence.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Whether it may be otherwise in a moment: no connection, a server that is overloaded.
    pub is_passing: bool,
}

impl SecretError {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), is_passing: false }
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SecretError {}

impl Secrets {
    /// No secrets yet. Relative paths are below `root`; `variables` are those of this process, or a test's.
    #[must_use]
    pub fn new(root: PathBuf, variables: Variables, offline: bool, redactor: Redactor) -> Self {
        Self { root, variables, offline, redactor, known: Mutex::default() }
    }

    /// Makes the redactor know secrets that this process has already, before a step asks for them: any step may print its
    /// environment.
    pub fn foresee<'a>(&self, sources: impl IntoIterator<Item = &'a SecretFrom>) {
        for source in sources {
            if let SecretFrom::Env(name) = source
                && let Some(value) = self.variables.get(name)
            {
                self.redactor.learn(source, Secret::new(value));
            }
        }
    }

    /// What can be said to be missing of a secret without fetching it.
    #[must_use]
    pub fn missing(&self, from: &SecretFrom) -> Option<SecretError> {
        match from {
            SecretFrom::Env(name) => self.variable(name).err(),
            SecretFrom::File(path) => {
                fs::File::open(self.root.join(path)).err().map(|error| self.unreadable(path, &error))
            }
            SecretFrom::Command(argv) => self.program(argv).err(),
            SecretFrom::Vault { .. } => VaultAddress::of(&self.variables).err(),
        }
    }

    /// A secret.
    ///
    /// # Errors
    /// When it is not there, or whoever has it does not give it.
    pub fn get(&self, from: &SecretFrom, supervisor: &Supervisor, cancel: &Cancel) -> Result<Secret, SecretError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = known.secrets.get(from) {
            return Ok(secret.clone());
        }
        let value = match from {
            SecretFrom::Env(name) => self.variable(name)?.to_owned(),
            SecretFrom::File(path) => {
                let text = fs::read_to_string(self.root.join(path)).map_err(|error| self.unreadable(path, &error))?;
                without_last_break(text)
            }
            SecretFrom::Command(argv) => self.printed(argv, supervisor, cancel)?,
            SecretFrom::Vault { path, field, mount } => {
                if self.offline {
                    let message = format!("`{field}` of `{path}` is in Vault, and this run is offline");
                    return Err(SecretError::new(message, "run without `--offline`"));
                }
                if known.vault.is_none() {
                    let address = VaultAddress::of(&self.variables)?;
                    known.vault = Some(Vault::log_in(address, &self.redactor)?);
                }
                let vault = known.vault.as_ref().ok_or_else(|| SecretError::new("there is no Vault", ""))?;
                vault.read(mount.as_deref(), path, field)?
            }
        };
        if value.trim().len() < SHORTEST {
            let message =
                format!("the secret of {from} has fewer than {SHORTEST} characters: it could not be kept out of logs");
            return Err(SecretError::new(message, "take a longer one"));
        }
        let secret = Secret::new(value);
        self.redactor.learn(from, secret.clone());
        known.secrets.insert(from.clone(), secret.clone());
        Ok(secret)
    }

    fn variable(&self, name: &str) -> Result<&str, SecretError> {
        self.variables.get(name).ok_or_else(|| {
            let message = format!("the variable `{name}`, which holds a secret, is not set");
            SecretError::new(message, format!("set `{name}` where this program is started"))
        })
    }

    fn unreadable(&self, path: &Path, error: &io::Error) -> SecretError {
        let message = format!("cannot read the secret in `{}`: {error}", self.root.join(path).display());
        SecretError::new(message, "write it there, readable to whoever runs this")
    }

    fn program(&self, argv: &[String]) -> Result<PathBuf, SecretError> {
        let program = argv.first().map_or("", String::as_str);
        which::which_in(program, env::var_os("PATH"), &self.root).map_err(|_| {
            SecretError::new(
                format!("`{program}`, which prints a secret, is not on PATH"),
                format!("install {program}"),
            )
        })
    }

    /// What a program prints.
    fn printed(&self, argv: &[String], supervisor: &Supervisor, cancel: &Cancel) -> Result<String, SecretError> {
        let found = self.program(argv)?;
        let program = argv.first().map_or("", String::as_str);
        let failed = |why: &dyn fmt::Display| {
            let message = format!("`{program}`, which prints a secret, gave none: {why}");
            SecretError::new(message, format!("try `{program}` by hand, in {}", self.root.display()))
        };
        let command = Command::new(found)
            .args(argv.iter().skip(1).map(String::as_str))
            .directory(&self.root)
            .envs(env::vars_os())
            .timeout(PATIENCE);
        let mut last = String::new();
        let (finished, output) = supervisor
            .capture(&command, cancel, &mut |line| line.clone_into(&mut last))
            .map_err(|error| failed(&error))?;
        match (finished.status, String::from_utf8(output)) {
            (Status::Exited(0), Ok(text)) => Ok(without_last_break(text)),
            (Status::Exited(0), Err(_)) => Err(failed(&"what it prints is no text")),
            (status, _) if last.is_empty() => Err(failed(&status)),
            (status, _) => Err(failed(&format_args!("{status}: {last}"))),
        }
    }
}

fn without_last_break(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}
