//! The step: its options, and how its parts follow each other.

use std::{
    any::Any,
    fs, io,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    application::{Application, FILES, version_of_tree},
    host_python::HostPython,
    inspection::{self, Leak},
    needed::Needed,
    place::Place,
    records::{self, Installed},
    relocation, skeleton, tree_archive,
};
use crate::python::{Lock, Toolchain, installed, wheel};
use crate::{
    context::Kinds,
    event::Event,
    isolation::View,
    run::{AnyStep, Failure, FailureKind, Inputs, Key, Outcome, Step, Work},
    support::words,
};

/// The fact of a tree that could not be built at its path.
const RELOCATED: &str = "relocated";

/// Directories of the host that a virtual environment would hide or that are gone after a restart; what is below them is
/// fine but for the last six.
const TAKEN: [&str; 24] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/root",
    "/sbin",
    "/srv",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/share",
    "/var",
    "/var/lib",
    "/proc",
    "/run",
    "/sys",
    "/tmp",
];

/// Of [`TAKEN`], those below which nothing stays.
const FLEETING: [&str; 5] = ["/dev", "/proc", "/run", "/sys", "/tmp"];

/// Builds the application into a virtual environment at the path at which it will run: the wheel that was tested, what it
/// requires at the versions that it was tested with, byte-compiled.
///
/// The host's own file system is not touched, whatever stands at that path there. The distribution's Python
/// (`/usr/bin/python3`) is used where there is one, and the package then depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Virtualenv {
    pub(super) path: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) python: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::python) extras: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::python) requirements: Vec<String>,
}

impl Virtualenv {
    /// A virtual environment at an absolute path: `/opt/shop`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), python: None, extras: Vec::new(), requirements: Vec::new() }
    }

    /// Sets the interpreter, `3.12`, which every host then has to have at the same path; by default `/usr/bin/python3`, or
    /// the first one of this machine where there is none.
    pub fn python(mut self, version: impl Into<String>) -> Self {
        self.python = Some(version.into());
        self
    }

    /// Adds extras of the application that it needs at run time: `postgres`. None by default.
    pub fn extras<E: Into<String>>(mut self, extras: impl IntoIterator<Item = E>) -> Self {
        self.extras.extend(extras.into_iter().map(Into::into));
        self
    }

    /// Adds requirements (PEP 508) that the application does not name itself: `sentry-sdk`. None by default. They are
    /// installed where its tests run, too.
    pub fn requirements<R: Into<String>>(mut self, requirements: impl IntoIterator<Item = R>) -> Self {
        self.requirements.extend(requirements.into_iter().map(Into::into));
        self
    }

    /// The step, if it is one.
    pub(in crate::python) fn of(step: &AnyStep) -> Option<&Self> {
        (&**step as &dyn Any).downcast_ref()
    }

    /// The interpreter that the pipeline asks for.
    pub(in crate::python) fn wanted_python(&self) -> Option<&str> {
        self.python.as_deref()
    }

    /// What is wrong with it, if anything, and what to write.
    pub(crate) fn mistake(&self) -> Option<(String, String)> {
        let path = &self.path;
        let shown = path.display();
        let wrong = |why: &str| Some((format!("`{shown}` {why}"), "write a path such as `/opt/shop`".to_owned()));
        let plain = path.components().skip(1).all(|component| matches!(component, Component::Normal(_)));
        let rebuilt: PathBuf = path.components().collect();
        let text = path.to_string_lossy();
        if !path.is_absolute() {
            wrong("is no absolute path")
        } else if !plain || rebuilt.as_os_str() != path.as_os_str() {
            wrong("is not written as the system would write it")
        } else if !text.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.+".contains(c)) {
            // the first line of a script knows no quotes, and PATH no colon
            wrong("has characters that scripts in it could not be started with")
        } else if path == Path::new("/") || TAKEN.iter().any(|taken| path == Path::new(taken)) {
            wrong("is a directory of the system")
        } else if FLEETING.iter().any(|fleeting| path.starts_with(fleeting)) {
            wrong("is gone after a restart")
        } else {
            None
        }
    }
}

impl Step for Virtualenv {
    const KIND: &'static str = "virtualenv";
    const VERSION: u32 = 2;

    fn default_kinds(&self) -> Kinds {
        Kinds::SHARED
    }

    fn inputs(&self) -> Inputs {
        Inputs::source().artifact("wheel").artifact("resolve").index()
    }

    fn outputs(&self) -> Vec<String> {
        vec!["tree".to_owned(), "sums".to_owned(), "lock".to_owned()]
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(60 * 60)
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        let toolchain = key.service::<Toolchain>()?;
        let python = HostPython::find(&toolchain, self.python.as_deref(), &key.job()?.survey)?;
        key.part("Python", format!("{} at {}", python.interpreter.version, python.path.display()));
        key.program("the interpreter", &python.path)?;
        match key.outcome("wheel") {
            Some(wheel) => {
                let artifact = wheel.artifacts.get(&wheel::artifact_for(wheel, Some(python.minor())));
                let digest = artifact.map(|artifact| artifact.digest.to_string());
                key.part("wheel", digest.unwrap_or_default());
            }
            None => {
                key.source()?;
                key.part("version", version_of_tree(key.job()?)?);
            }
        }
        let lock = key.outcome("resolve").and_then(|outcome| outcome.artifacts.get("lock"));
        key.part("lock", lock.map(|artifact| artifact.digest.to_string()).unwrap_or_default());
        Ok(())
    }

    /// What was relocated is built again where that is no longer necessary.
    fn recall(&self, _work: &mut Work<'_>, outcome: &Outcome, _run: &str) -> Result<(), Failure> {
        if outcome.facts.get(RELOCATED).is_some_and(|fact| fact == "true") && View::probe().is_ok() {
            let message = format!("it was relocated, and can now be built at {}", self.path.display());
            return Err(Failure::of(FailureKind::Stale, message));
        }
        Ok(())
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let toolchain = work.service::<Toolchain>()?;
        let python = HostPython::find(&toolchain, self.python.as_deref(), &work.job()?.survey)?;
        let application = Application::of(work, &python)?;
        let tested = work.outcome("resolve").cloned();
        let tested = tested.ok_or_else(|| Failure::refused("nothing was resolved"))?;
        let tested = Lock::of(work, &tested)?;
        let wheel = application.wheel.as_deref();
        let needed = Needed {
            wheel: wheel.map(|wheel| (application.name.as_str(), wheel)),
            extras: &self.extras,
            files: &application.requirements,
            tested: &tested,
        };
        let lock = needed.lock(work, &toolchain, &python)?;

        let place = Place::make(work, &self.path)?;
        if let Some(why) = &place.relocated {
            let (step, path) = (&work.step().id, self.path.display());
            let message =
                format!("`{step}` is built elsewhere and relocated: nothing can be shown at {path} here ({why})");
            work.emit(Event::Warning { message });
        }
        skeleton::make(&place.directory, &python).map_err(Failure::io("cannot make", &place.directory))?;
        let wheels: Vec<PathBuf> = wheel.map(Path::to_owned).into_iter().collect();
        toolchain.fill(work, place.seen(), &python.interpreter, &lock, &wheels, &place.under)?;
        let site = installed::site_packages(&place.directory)?;
        let installed = settle(&place, &site)?;
        if let Some(wheel) = wheel {
            installed::check(&place.directory, wheel)?;
        }
        installed::check_owned(work, &lock, &place.directory)?;
        application.plant(work, &place, &site)?;
        compile(work, &toolchain, &place)?;

        let inspection = inspection::inspect(&place.root, &traces(work, &toolchain, &self.path))
            .map_err(Failure::io("cannot read", &place.root))?;
        if let Some(failure) = leaking(&inspection.leaks, &installed, &python) {
            return Err(failure);
        }
        let archive = work.output("tree", "tree.tar")?;
        let sums = tree_archive::write(&place.root, &archive).map_err(Failure::io("cannot pack", &archive))?;
        let file = work.output("sums", "md5sums")?;
        fs::write(&file, sums).map_err(Failure::io("cannot write", &file))?;
        let version = labelled(&application.version, &lock);
        let lock = application.locked(lock)?;
        let text = serde_json::to_vec_pretty(&lock).map_err(|error| Failure::new(error.to_string()))?;
        let file = work.output("lock", "lock.json")?;
        fs::write(&file, text).map_err(Failure::io("cannot write", &file))?;

        work.fact("path", self.path.display());
        work.fact("name", &application.name);
        work.fact("version", version);
        work.fact("python", python.path.display());
        work.fact("python_version", python.minor());
        work.fact("depends", &python.depends);
        work.fact("architecture", if inspection.native { debian_architecture() } else { "all" });
        if place.relocated.is_some() {
            work.fact(RELOCATED, true);
        }
        let (packages, size) = (words::count(lock.packages.len(), "package"), megabytes(inspection.bytes));
        work.summary(format!("{packages}, {size} at {}", self.path.display()));
        Ok(())
    }
}

/// The application's version, with the local label of a library in the tree if it has none of its own: what holds bytes that
/// must stay at home is to stay there too.
fn labelled(version: &str, lock: &Lock) -> String {
    let label = lock.owned().find_map(|package| package.version.split_once('+').map(|(_, label)| label));
    match label.filter(|_| !version.contains('+')) {
        Some(label) => format!("{version}+{label}"),
        None => version.to_owned(),
    }
}

/// Takes out what the installers wrote of this machine; gives what is installed.
fn settle(place: &Place, site: &Path) -> Result<Vec<Installed>, Failure> {
    let unwritable = |error: io::Error| Failure::lacking(format!("cannot settle what was installed: {error}"));
    if place.relocated.is_some() {
        relocation::rewrite_scripts(&place.directory, &place.path).map_err(unwritable)?;
    }
    // uv locks the environment while it installs
    match fs::remove_file(place.directory.join(".lock")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(error)),
        _ => {}
    }
    records::settle(site).map_err(unwritable)
}

/// Compiles every module for its final path, so that a host writes nothing there. Bytecode that is bound to its source by no
/// time (PEP 552, `unchecked-hash`) is the same in every build.
fn compile(work: &mut Work<'_>, toolchain: &Toolchain, place: &Place) -> Result<(), Failure> {
    for part in ["lib", FILES].iter().filter(|part| place.directory.join(part).exists()) {
        let mut command = place
            .command("bin/python")
            .args(["-s", "-S", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"])
            .envs(toolchain.base_env(work))
            // the bytes of a set of constants depend on it in older Pythons; `-I` would ignore it
            .env("PYTHONHASHSEED", "0")
            .directory(work.scratch().join(".home"));
        if place.relocated.is_some() {
            command = command.arg("-d").arg(place.path.join(part));
        }
        // A module for another Python than this one does not compile, and nobody imports it.
        work.observe(&command.arg(place.seen().join(part)))?;
    }
    Ok(())
}

/// The directories of this machine that no file may name. One of a single name (`/app`) cannot be told from what other people
/// call theirs, and one around the final path is named rightly.
fn traces(work: &Work<'_>, toolchain: &Toolchain, path: &Path) -> Vec<PathBuf> {
    let run =
        work.scratch().ancestors().find(|ancestor| ancestor.file_name().is_some_and(|name| name == work.run_id()));
    let mut traces = vec![work.scratch().to_owned()];
    traces.extend(run.map(Path::to_owned));
    traces.extend(toolchain.caches());
    traces.push(work.context().root.clone());
    traces.push(work.source());
    traces.retain(|trace| trace.components().count() > 2 && !path.starts_with(trace));
    traces
}

/// The failure about files that name directories of this machine, if there are any.
fn leaking(leaks: &[Leak], installed: &[Installed], python: &HostPython) -> Option<Failure> {
    let first = leaks.first()?;
    let site = format!("lib/python{}/site-packages/", python.minor());
    let owner = |leak: &Leak| {
        let text = leak.file.to_string_lossy();
        let (_, file) = text.split_once(&site)?;
        installed.iter().find(|package| package.has(file)).map(Installed::name_and_version)
    };
    let of = owner(first).map(|(name, version)| format!(" of {name} {version}")).unwrap_or_default();
    let holds = first.holds.display();
    let file = Path::new("/").join(&first.file);
    let more = match leaks.len() - 1 {
        0 => String::new(),
        1 => ", and so does 1 other file".to_owned(),
        more => format!(", and so do {more} other files"),
    };
    let message = format!("`{}`{of} holds a path of this machine, `{holds}`{more}", file.display());
    let hint = if first.binary {
        let name = owner(first).map_or("it", |(name, _)| name);
        format!(
            "compilers write it down unless they are given `-ffile-prefix-map`: take a wheel of {name}, or build it anew"
        )
    } else {
        "whatever writes that file is to write a relative path, or one below the virtual environment".to_owned()
    };
    Some(Failure::new(message).hint(hint))
}

/// Debian's name of this machine's architecture (dpkg's `cputable`).
fn debian_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "i386",
        "arm" => "armhf",
        "powerpc64" => "ppc64el",
        "loongarch64" => "loong64",
        other => other,
    }
}

/// `14.2 MB`.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        context::BuildKind::{Develop, Feature},
        pipeline::{Pipeline, application, library},
        prelude::{Deb, JobBuilder, Service},
        python::{LockedPackage, Resolve},
        testing::plan,
    };

    #[test]
    fn a_label_of_a_library_keeps_the_application_at_home_too() {
        let of = |money: &str, owned: bool| {
            let package =
                LockedPackage { name: "money".to_owned(), version: money.to_owned(), files: Vec::new(), owned };
            Lock { packages: vec![package], ..Lock::default() }
        };
        assert_eq!(labelled("0.7.dev1", &of("1.5.dev2", true)), "0.7.dev1");
        assert_eq!(labelled("0.7.dev1", &of("1.5.dev2+d0123abcd", true)), "0.7.dev1+d0123abcd");
        assert_eq!(labelled("0.7.dev1+x", &of("1.5.dev2+d0123abcd", true)), "0.7.dev1+x");
        assert_eq!(labelled("0.7.dev1", &of("2.0+cpu", false)), "0.7.dev1", "others' labels are others' business");
    }

    #[test]
    fn it_is_built_from_the_stage_after_what_its_tests_run_with_is_known() {
        let money = library("money").source("libs/money").upload().downstream(["shop"]);
        let shop = application("shop").source("apps/shop").integration_tests("tests").virtualenv("/opt/shop");
        let pipeline = Pipeline::new("storefront").job(money).job(shop);
        plan(pipeline.clone()).kind(Feature).skips("shop/virtualenv");
        plan(pipeline)
            .kind(Develop)
            .is_valid()
            .needs("shop/virtualenv", "shop/wheel")
            .needs("shop/virtualenv", "shop/resolve")
            .needs("shop/virtualenv", "money/upload");
    }

    #[test]
    fn what_it_has_at_run_time_is_there_when_its_tests_run() {
        let virtualenv = Virtualenv::new("/opt/shop").requirements(["sentry-sdk"]).extras(["pg"]);
        let deb = Deb::new().service(Service::gunicorn("shop:app").version("23.0.0"));
        let steps: [AnyStep; 2] = [std::sync::Arc::new(virtualenv), std::sync::Arc::new(deb)];
        let resolve = Resolve::for_steps(&steps, None);
        assert_eq!(resolve.runtime, ["sentry-sdk", "gunicorn==23.0.0"]);
        assert_eq!(resolve.runtime_extras, ["pg"]);
    }

    #[test]
    fn a_leak_names_the_file_and_the_package_that_it_came_from() {
        let leak = |file: &str, binary| Leak { file: file.into(), holds: "/w/run".into(), binary };
        let interpreter = crate::context::Interpreter {
            path: "/usr/bin/python3.11".into(),
            version: "3.11.2".to_owned(),
            implementation: "cpython".to_owned(),
        };
        let python = HostPython { interpreter, path: "/usr/bin/python3".into(), depends: String::new() };
        let site = crate::support::trees::tree(&[("fast-1.2.dist-info/RECORD", "fast/_a.so,,\n"), ("fast/_a.so", "")]);
        let installed = records::settle(site.path()).expect("records");
        let said = |leaks: &[Leak]| leaking(leaks, &installed, &python).map(|failure| (failure.message, failure.hint));
        assert_eq!(said(&[]), None);
        let file = "opt/shop/lib/python3.11/site-packages/fast/_a.so";
        let (message, hint) = said(&[leak(file, true), leak("opt/shop/a", false)]).expect("a failure");
        assert_eq!(
            message,
            format!("`/{file}` of fast 1.2 holds a path of this machine, `/w/run`, and so does 1 other file")
        );
        assert!(hint.is_some_and(|hint| hint.contains("take a wheel of fast")));
        let (message, hint) = said(&[leak("opt/shop/bin/run", false)]).expect("a failure");
        assert_eq!(message, "`/opt/shop/bin/run` holds a path of this machine, `/w/run`");
        assert!(hint.is_some_and(|hint| hint.contains("relative path")));
    }

    #[test]
    fn a_path_that_cannot_be_a_virtual_environments_is_a_mistake() {
        let mistake = |path: &str| Virtualenv::new(path).mistake().map(|(what, _)| what);
        for fine in ["/opt/shop", "/srv/a/b-c_1.0", "/usr/lib/shop", "/var/lib/shop"] {
            assert_eq!(mistake(fine), None);
        }
        assert_eq!(mistake("opt/shop").as_deref(), Some("`opt/shop` is no absolute path"));
        assert_eq!(mistake("/opt").as_deref(), Some("`/opt` is a directory of the system"));
        assert_eq!(mistake("/").as_deref(), Some("`/` is a directory of the system"));
        assert_eq!(mistake("/tmp/shop").as_deref(), Some("`/tmp/shop` is gone after a restart"));
        for untidy in ["/opt/../shop", "/opt/shop/", "/opt//shop", "/opt/./shop"] {
            let expected = format!("`{untidy}` is not written as the system would write it");
            assert_eq!(mistake(untidy), Some(expected));
        }
        assert!(mistake("/opt/my shop").is_some_and(|what| what.contains("could not be started with")));
    }
}
