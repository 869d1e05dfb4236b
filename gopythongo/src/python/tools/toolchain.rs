//! What steps build Python environments with: interpreters, an installer, the cache of tool environments.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::pythons::Pythons;
use crate::python::{
    Lock, Tool,
    installer::{Installation, Installer},
    tools::tool_cache::user_cache,
    uv,
};
use crate::{
    context::Interpreter,
    index::{IndexUrls, Upstream},
    run::{Failure, FailureKind, Work},
    support::{Durability, FileLock, Hasher, write_atomic},
};

/// Says that an environment of the tool cache is whole.
const COMPLETE: &str = ".complete";

/// A service of a run.
#[derive(Debug)]
pub struct Toolchain {
    cache: PathBuf,
    pythons: Pythons,
    urls: IndexUrls,
    upstream: Option<Arc<Upstream>>,
    path: OsString,
    caches: BTreeMap<OsString, OsString>,
    uv: bool,
    offline: bool,
    installer: Mutex<Option<Installer>>,
}

impl Toolchain {
    /// A toolchain that keeps tool environments below `cache`, the user's tool cache, and installs from `urls`.
    #[must_use]
    pub fn new(cache: &Path, pythons: impl Into<Pythons>, urls: IndexUrls, offline: bool) -> Self {
        // HOME is the step's own, so that the warm caches of the user have to be named.
        let of_user = |variable: &str, program: &str| {
            (OsString::from(variable), env::var_os(variable).unwrap_or_else(|| user_cache(program).into()))
        };
        Self {
            cache: cache.to_owned(),
            pythons: pythons.into(),
            urls,
            upstream: None,
            path: without_shims(&env::var_os("PATH").unwrap_or_default()),
            caches: [of_user("UV_CACHE_DIR", "uv"), of_user("PIP_CACHE_DIR", "pip")].into(),
            uv: true,
            offline,
            installer: Mutex::default(),
        }
    }

    /// Whether no server may be asked.
    pub(in crate::python) fn is_offline(&self) -> bool {
        self.offline
    }

    /// Uses `venv` and `pip` even where there is uv. By default uv is used, found on `PATH` or fetched.
    #[must_use]
    pub fn without_uv(mut self) -> Self {
        self.uv = false;
        self
    }

    /// Asks this index why an installation failed: what stands behind the URLs. None by default.
    #[must_use]
    pub fn behind(mut self, upstream: Option<Arc<Upstream>>) -> Self {
        self.upstream = upstream;
        self
    }

    /// The index URLs of the run.
    #[must_use]
    pub fn urls(&self) -> &IndexUrls {
        &self.urls
    }

    /// The user's tool cache.
    #[must_use]
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The directories of this user in which tools and installers keep what they have made or fetched.
    pub(in crate::python) fn caches(&self) -> impl Iterator<Item = PathBuf> {
        std::iter::once(self.cache.clone()).chain(self.caches.values().map(PathBuf::from))
    }

    /// The interpreters that were found.
    #[must_use]
    pub fn pythons(&self) -> &Pythons {
        &self.pythons
    }

    /// The program that environments are made with: uv on `PATH`, else uv in the tool cache, fetched if it is missing, else
    /// the interpreter's own `venv` and `pip`.
    ///
    /// # Errors
    /// When the run is interrupted while it is looked for.
    pub fn installer(&self, work: &mut Work<'_>) -> Result<Installer, Failure> {
        let mut installer = self.installer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(installer) = &*installer {
            return Ok(installer.clone());
        }
        let found = match uv::on_path(work, &self.path, &self.cache) {
            _ if !self.uv => Installer::Pip,
            Some(program) => Installer::Uv(program),
            None => match uv::fetched(work, &self.cache) {
                Ok(program) => Installer::Uv(program),
                Err(failure) if failure.kind == FailureKind::Cancelled => return Err(failure),
                Err(failure) => {
                    work.say(&format!("{failure}: environments are made with `venv` and `pip`"));
                    Installer::Pip
                }
            },
        };
        *installer = Some(found.clone());
        Ok(found)
    }

    /// The directory of a tool's environment, made from the base index if it is missing; its programs are in `bin`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn tool(&self, work: &mut Work<'_>, tool: &Tool) -> Result<PathBuf, Failure> {
        let python = match &tool.python {
            Some(python) => python.clone(),
            None => self.pythons.interpreter(None)?.clone(),
        };
        let made = self.cached(work, &tool.name, &tool.parts(&python), |work, directory| {
            let installer = self.installer(work)?;
            installer.venv(self, work, &python, directory)?;
            if tool.requirements.is_empty() {
                return Ok(());
            }
            let installation = Installation {
                index: self.urls.base.clone(),
                requirements: self.file(work, "requirements.txt", &tool.requirements)?,
                constraints: self.file(work, "constraints.txt", &tool.constraints)?,
                ..Installation::default()
            };
            installer.install(self, work, &python, directory, &installation)?;
            self.compile(work, directory)
        });
        made.map_err(|failure| self.explained(failure, &format!("the environment of `{}`", tool.name)))
    }

    /// Makes a fresh environment in `directory` of what `lock` names, out of the run's index, and then installs `wheels`
    /// into it, without their dependencies. Nothing is resolved.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn environment(
        &self,
        work: &mut Work<'_>,
        directory: &Path,
        python: &Interpreter,
        lock: &Lock,
        wheels: &[PathBuf],
    ) -> Result<(), Failure> {
        let installer = self.installer(work)?;
        let explained = |failure| self.explained(failure, "the environment");
        installer.venv(self, work, python, directory).map_err(explained)?;
        self.fill(work, directory, python, lock, wheels, &[])
    }

    /// Installs into an environment what `lock` names, out of the run's index, and then `wheels`, without their
    /// dependencies. Nothing is resolved. `under` are the words under which commands see the environment in `directory`.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub(in crate::python) fn fill(
        &self,
        work: &mut Work<'_>,
        directory: &Path,
        python: &Interpreter,
        lock: &Lock,
        wheels: &[PathBuf],
        under: &[OsString],
    ) -> Result<(), Failure> {
        let installer = self.installer(work)?;
        let explained = |failure| self.explained(failure, "the environment");
        let installation =
            Installation { index: self.urls.run.clone(), exactly: true, under: under.to_vec(), ..Default::default() };
        if !lock.packages.is_empty() {
            let requirements = Some(self.write(work, "lock.txt", &lock.requirements())?);
            let locked = Installation { requirements, hashes: true, ..installation.clone() };
            installer.install(self, work, python, directory, &locked).map_err(explained)?;
        }
        if !wheels.is_empty() {
            let own = Installation { wheels: wheels.to_vec(), ..installation };
            installer.install(self, work, python, directory, &own).map_err(explained)?;
        }
        Ok(())
    }

    /// Installs requirements, resolved against the run's index under constraints, into an environment that exists.
    ///
    /// # Errors
    /// When they cannot be installed.
    pub(crate) fn extend(
        &self,
        work: &mut Work<'_>,
        directory: &Path,
        python: &Interpreter,
        requirements: &[String],
        constraints: &[String],
    ) -> Result<(), Failure> {
        let installation = Installation {
            index: self.urls.run.clone(),
            requirements: self.file(work, "extension.txt", requirements)?,
            constraints: self.file(work, "extension-constraints.txt", constraints)?,
            ..Default::default()
        };
        let installer = self.installer(work)?;
        let result = installer.install(self, work, python, directory, &installation);
        result.map_err(|failure| self.explained(failure, "the environment"))
    }

    /// The clean environment of commands: `PATH` without shims, `HOME` and `TMPDIR` in the step's scratch directory,
    /// `LANG=C.UTF-8`, `PYTHONDONTWRITEBYTECODE`; no variable of pip, uv or Python of the user's.
    #[must_use]
    pub fn base_env(&self, work: &Work<'_>) -> BTreeMap<OsString, OsString> {
        let directory = |name: &str| {
            let directory = work.scratch().join(name);
            // Whoever uses it says that it is missing.
            let _ = fs::create_dir_all(&directory);
            directory.into_os_string()
        };
        let fixed = [
            ("LANG", "C.UTF-8"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("PYTHONNOUSERSITE", "1"),
            ("PYTHONIOENCODING", "utf-8"),
            ("TZ", "UTC"),
        ];
        let mut environment: BTreeMap<OsString, OsString> =
            fixed.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        environment.insert("PATH".into(), self.path.clone());
        environment.insert("HOME".into(), directory(".home"));
        environment.insert("TMPDIR".into(), directory(".tmp"));
        environment
    }

    /// The environment of uv and pip: clean, with the user's caches; the index comes by argument, and no configuration is read.
    #[must_use]
    pub fn installer_env(&self, work: &Work<'_>) -> BTreeMap<OsString, OsString> {
        let mut environment = self.base_env(work);
        environment.extend(self.caches.clone());
        // what has to be compiled is built in the scratch directory or in a cache, and debug information names both
        let directories = self.caches().chain([work.scratch().to_owned()]).map(|path| path.display().to_string());
        // flags are split at spaces
        let directories = directories.filter(|path| !path.contains(char::is_whitespace));
        let flags = directories.map(|path| format!("-ffile-prefix-map={path}=.")).collect::<Vec<_>>().join(" ");
        environment.extend(["CFLAGS", "CXXFLAGS"].map(|name| (name.into(), flags.clone().into())));
        for (name, value) in [
            ("PIP_CONFIG_FILE", "/dev/null"),
            ("UV_NO_PROGRESS", "1"),
            ("UV_PYTHON_DOWNLOADS", "never"),
            ("UV_PYTHON_PREFERENCE", "only-system"),
        ] {
            environment.insert(name.into(), value.into());
        }
        environment
    }

    /// Where the tool cache keeps an environment of a name and parts.
    pub(in crate::python) fn place(&self, name: &str, parts: &[String]) -> PathBuf {
        let mut hasher = Hasher::new();
        parts.iter().for_each(|part| {
            hasher.part(part);
        });
        self.cache.join("tools").join(format!("{name}-{}", hasher.finish().short(16)))
    }

    /// The directory in the tool cache of a name and parts, filled by `make` once; later callers wait for the first.
    pub(in crate::python) fn cached<'a>(
        &self,
        work: &mut Work<'a>,
        name: &str,
        parts: &[String],
        make: impl FnOnce(&mut Work<'a>, &Path) -> Result<(), Failure>,
    ) -> Result<PathBuf, Failure> {
        let directory = self.place(name, parts);
        let whole = || directory.join(COMPLETE).exists() && directory.join("bin/python").exists();
        if whole() {
            return Ok(directory);
        }
        let lock = directory.with_extension("lock");
        let _lock = FileLock::wait(&lock).map_err(Failure::io("cannot lock", &lock))?;
        if whole() {
            return Ok(directory);
        }
        let remove = || match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        // An environment holds its own path: it is made where it stays, and the marker says that it is whole.
        remove().map_err(Failure::io("cannot remove", &directory))?;
        work.say(&format!("making `{}`", directory.display()));
        if let Err(failure) = make(work, &directory) {
            let _ = remove();
            return Err(failure);
        }
        let marker = directory.join(COMPLETE);
        let text = format!("{}\n", parts.join("\n"));
        write_atomic(&marker, text.as_bytes(), Durability::Cached).map_err(Failure::io("cannot write", &marker))?;
        Ok(directory)
    }

    /// Compiles an environment's modules once, since commands are told to write no bytecode.
    fn compile(&self, work: &mut Work<'_>, directory: &Path) -> Result<(), Failure> {
        let python = directory.join("bin/python");
        let command = crate::run::process::Command::new(python)
            .args(["-I", "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash"])
            .arg(directory.join("lib"))
            .envs(self.base_env(work));
        // A module for another Python than this one does not compile, and nobody imports it.
        work.observe(&command).map(|_| ())
    }

    /// A file with an item a line; none for no items.
    fn file(&self, work: &Work<'_>, name: &str, items: &[String]) -> Result<Option<PathBuf>, Failure> {
        let text: String = items.iter().map(|item| format!("{item}\n")).collect();
        if items.is_empty() { Ok(None) } else { self.write(work, name, &text).map(Some) }
    }

    fn write(&self, work: &Work<'_>, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = work.scratch().join(".install").join(name);
        write_atomic(&path, text.as_bytes(), Durability::Cached).map_err(Failure::io("cannot write", &path))?;
        Ok(path)
    }

    fn explained(&self, failure: Failure, what: &str) -> Failure {
        if failure.kind != FailureKind::Failed || failure.command.is_none() {
            return failure;
        }
        let mut failure = self.unanswered(failure);
        failure.message = format!("cannot make {what}: {}", failure.message);
        let mut tail = failure.command.iter().flat_map(|command| &command.tail);
        if !self.offline && tail.any(|line| is_about_connections(line)) {
            failure.kind = FailureKind::Infrastructure;
        }
        failure
    }

    /// What fails where no server answers, or none may be asked, may fail for want of one: the machine lacks it, rather than
    /// that the project is wrong.
    pub(crate) fn unanswered(&self, mut failure: Failure) -> Failure {
        if failure.kind != FailureKind::Failed || failure.command.is_none() {
            return failure;
        }
        if let Some(trouble) = self.upstream.as_ref().and_then(|upstream| upstream.trouble()) {
            let passing = trouble.is_passing && !self.offline;
            failure.kind = if passing { FailureKind::Infrastructure } else { FailureKind::Lacking };
            failure.message = trouble.message;
            failure.hint = trouble.hint.or(failure.hint);
        } else if self.offline {
            failure.kind = FailureKind::Lacking;
            failure.hint.get_or_insert_with(|| "this run is offline: run once without `--offline`".to_owned());
        }
        failure
    }
}

/// Whether a line of uv's or pip's says that a server did not answer, rather than that it lacks something.
fn is_about_connections(line: &str) -> bool {
    let signs =
        ["error sending request", "Request failed after", "Failed to establish a new connection", "Read timed out"];
    signs.iter().any(|sign| line.contains(sign))
}

/// `PATH` without the directories of version managers' shims: what a shim starts depends on files that no key knows.
fn without_shims(path: &OsStr) -> OsString {
    let kept = env::split_paths(path).filter(|directory| !directory.ends_with("shims"));
    env::join_paths(kept).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::FailedCommand;

    fn python() -> Interpreter {
        Interpreter { path: "/opt/python".into(), version: "3.11.2".to_owned(), implementation: "cpython".to_owned() }
    }

    fn toolchain() -> Toolchain {
        let urls = IndexUrls { run: "http://run/".to_owned(), base: "http://base/".to_owned() };
        Toolchain::new(Path::new("/nowhere"), Pythons::default(), urls, false)
    }

    fn failure() -> Failure {
        let (argv, directory) = (vec!["uv".to_owned()], PathBuf::new());
        let (status, tail) = ("exit code 1".to_owned(), Vec::new());
        Failure::new("no").command(FailedCommand { argv, directory, status, tail })
    }

    #[test]
    fn what_fails_because_the_index_cannot_be_asked_says_which_and_why() {
        let cache = tempfile::tempdir().expect("a directory");
        let upstream = Upstream::of_url("https://index.example/simple/", cache.path(), true);
        let toolchain = toolchain().behind(Some(Arc::clone(&upstream)));
        assert_eq!(toolchain.unanswered(failure()), failure(), "it was not asked");
        upstream.files("flake8").expect_err("nobody may be asked");
        let explained = toolchain.explained(failure(), "it");
        assert_eq!(explained.kind, FailureKind::Lacking);
        let expect =
            "cannot make it: `https://index.example/simple/flake8/` is not in the cache, and this run is offline";
        assert_eq!(explained.message, expect);
        assert_eq!(explained.hint.as_deref(), Some("run once without `--offline`"));
        let own = Failure::new("money is red");
        assert_eq!(toolchain.unanswered(own.clone()), own);
    }

    #[test]
    fn offline_a_failed_installation_is_what_the_machine_lacks() {
        let online = toolchain();
        assert_eq!(online.explained(failure(), "it").kind, FailureKind::Failed);
        let offline = Toolchain { offline: true, ..toolchain() }.explained(failure(), "it");
        assert_eq!((offline.kind, offline.message.as_str()), (FailureKind::Lacking, "cannot make it: no"));
        assert!(offline.hint.is_some_and(|hint| hint.contains("without `--offline`")));
        let conflict = Toolchain { offline: true, ..toolchain() }.unanswered(Failure::new("money is red"));
        assert_eq!(conflict.kind, FailureKind::Failed, "no command, no want of a server");
    }

    #[test]
    fn tools_share_an_environment_only_if_everything_is_the_same() {
        let toolchain = toolchain();
        let place = |tool: &Tool| toolchain.place(&tool.name, &tool.parts(&python()));
        let plain = place(&Tool::new("flake8", "7.5.0"));
        assert_eq!(place(&Tool::new("flake8", "7.5.0")), plain);
        assert_ne!(place(&Tool::new("flake8", "7.4.0")), plain);
        assert_ne!(place(&Tool::new("flake8", "7.5.0").with(["flake8-bugbear"])), plain);
        assert_ne!(place(&Tool::new("flake8", "7.5.0").constrained(["flake8-bugbear"])), plain);
    }

    #[test]
    fn shims_are_not_on_the_path_of_commands() {
        assert_eq!(without_shims(OsStr::new("/home/a/.pyenv/shims:/usr/bin:/bin")), "/usr/bin:/bin");
    }
}
