//! Build back ends (PEP 517, 518): the environment that one needs, and its hooks.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::python::{Requirement, Tool, Toolchain, defaults};
use crate::{
    context::{Context, Distribution, Interpreter},
    run::{Failure, Work, process::Command},
    store::Store,
    support::SOURCE_DATE_EPOCH,
};

/// The program that calls the hooks.
const HOOKS: &str = include_str!("build_hooks.py");

/// How often a back end may ask for something more.
const ROUNDS: usize = 3;

/// A back end and where it runs.
#[derive(Debug, Clone)]
pub(in crate::python) struct Backend {
    name: String,
    requires: Vec<String>,
    python: Interpreter,
}

#[derive(Serialize)]
struct Request<'a> {
    hook: &'a str,
    backend: &'a str,
    backend_path: Vec<String>,
    directory: &'a Path,
    installed: &'a [String],
}

#[derive(Deserialize)]
struct Answer {
    requires: Vec<String>,
    file: Option<String>,
}

impl Backend {
    /// The back end of a distribution on the wanted interpreter, or on one that the distribution admits.
    ///
    /// # Errors
    /// When there is none.
    pub(in crate::python) fn new(
        distribution: &Distribution,
        toolchain: &Toolchain,
        wanted: Option<&str>,
    ) -> Result<Self, Failure> {
        let python =
            toolchain.pythons().admitted(wanted, &distribution.name, distribution.requires_python.as_deref())?;
        Ok(Self {
            name: distribution.build_backend.clone(),
            requires: distribution.build_requires.clone(),
            python: python.clone(),
        })
    }

    /// The interpreter that it runs on.
    pub(in crate::python) fn python(&self) -> &Interpreter {
        &self.python
    }

    /// The environment of the back end. Packages of the pipeline's own that it needs come from the channel: they are not
    /// told apart by their names and versions alone.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(in crate::python) fn tool(&self, store: &Store, context: &Context) -> Result<Tool, Failure> {
        self.tool_with(&self.requires, store, context)
    }

    fn tool_with(&self, requires: &[String], store: &Store, context: &Context) -> Result<Tool, Failure> {
        let current = store.current().map_err(|error| Failure::lacking(error.to_string()))?;
        let owned = requires.iter().filter_map(|text| text.parse::<Requirement>().ok()).filter_map(|requirement| {
            let release = current.newest(&context.channel, &requirement.name)?;
            Some(format!("{} {}", requirement.name, release.payload))
        });
        Ok(Tool::bare("build")
            .with(requires.iter().cloned())
            .constrained(defaults::build_constraints(requires, &self.python.version))
            .origins(owned.collect())
            .python(&self.python))
    }

    /// Calls `build_sdist` or `build_wheel` for the source in `source`; gives the path of the file that it made in
    /// `directory`. What the back end requires beyond its declaration is added to its environment.
    ///
    /// # Errors
    /// When the environment cannot be made, or the back end fails.
    pub(in crate::python) fn build(
        &self,
        work: &mut Work<'_>,
        hook: &str,
        source: &Path,
        directory: &Path,
        variables: &BTreeMap<String, String>,
    ) -> Result<PathBuf, Failure> {
        let (toolchain, store) = (work.service::<Toolchain>()?, work.service::<Store>()?);
        let hooks = work.scratch().join(".hooks");
        fs::create_dir_all(&hooks).map_err(Failure::io("cannot make", &hooks))?;
        fs::create_dir_all(directory).map_err(Failure::io("cannot make", directory))?;
        bound(source)?;
        let write = |name: &str, text: &[u8]| {
            let path = hooks.join(name);
            fs::write(&path, text).map_err(Failure::io("cannot write", &path)).map(|()| path)
        };
        let program = write("build_hooks.py", HOOKS.as_bytes())?;
        let mut requires = self.requires.clone();
        for _ in 0..ROUNDS {
            let tool = self.tool_with(&requires, &store, work.context())?;
            let environment = toolchain.tool(work, &tool)?;
            let request = Request {
                hook,
                backend: &self.name,
                backend_path: backend_path(source),
                directory,
                installed: &requires,
            };
            let text = serde_json::to_vec(&request).map_err(|error| Failure::new(error.to_string()))?;
            let request = write("request.json", &text)?;
            let command = Command::new(environment.join("bin/python"))
                .arg(&program)
                .arg(&request)
                .directory(source)
                .envs(environ(&toolchain, work, &environment))
                .envs(variables);
            work.run(&command).map_err(|mut failure| {
                let status = failure.command.as_ref().map(|command| command.status.clone()).unwrap_or_default();
                failure.message = format!("`{}` of the back end `{}` ended with {status}", hook, self.name);
                failure
            })?;
            let path = hooks.join("request.json.answer");
            let answer = fs::read(&path).map_err(Failure::io("cannot read", &path))?;
            let answer: Answer = serde_json::from_slice(&answer)
                .map_err(|error| Failure::new(format!("the back end `{}` answered nonsense: {error}", self.name)))?;
            match answer.file {
                Some(file) => return found(directory, &file, &self.name),
                None => requires.extend(answer.requires),
            }
            requires.sort();
            requires.dedup();
        }
        Err(Failure::new(format!("the back end `{}` requires something else each time it is asked", self.name)))
    }
}

/// The file that a back end says it made.
fn found(directory: &Path, file: &str, backend: &str) -> Result<PathBuf, Failure> {
    let path = directory.join(file);
    let own = Path::new(file).file_name().is_some_and(|name| name == file);
    if own && path.is_file() {
        return Ok(path);
    }
    Err(Failure::new(format!("the back end `{backend}` says that it made `{file}`, which is not there")))
}

/// `[build-system] backend-path` (PEP 517): where a project holds its own back end.
fn backend_path(source: &Path) -> Vec<String> {
    let text = fs::read_to_string(source.join("pyproject.toml")).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    let paths = table.get("build-system").and_then(|system| system.get("backend-path")).and_then(toml::Value::as_array);
    paths.into_iter().flatten().filter_map(|path| Some(path.as_str()?.to_owned())).collect()
}

/// What a build sees: programs of its environment first, a constant time, and a compiler that writes no path of this
/// machine into what it makes.
fn environ(toolchain: &Toolchain, work: &Work<'_>, environment: &Path) -> BTreeMap<OsString, OsString> {
    let mut variables = toolchain.base_env(work);
    let path = variables.get(&OsString::from("PATH")).cloned().unwrap_or_default();
    let mut bin = environment.join("bin").into_os_string();
    bin.push(":");
    bin.push(path);
    let masked = format!("-ffile-prefix-map={}=.", work.scratch().display());
    for (name, value) in [
        ("PATH", bin),
        ("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH.to_string().into()),
        ("PYTHONHASHSEED", "0".into()),
        ("CFLAGS", masked.clone().into()),
        ("CXXFLAGS", masked.into()),
    ] {
        variables.insert(name.into(), value);
    }
    variables
}

/// Ends the source above its top. Back ends go up from there for `.gitignore` and `.hgignore` (hatchling packs the one that it
/// finds, and leaves out what it names) until a repository's top: what is ours or the user's around the copy is no part of it.
/// An empty directory is no repository for git, and no matter to it.
fn bound(source: &Path) -> Result<(), Failure> {
    let Some(above) = source.parent() else { return Ok(()) };
    for top in [".git", ".hg"].map(|name| above.join(name)) {
        fs::create_dir_all(&top).map_err(Failure::io("cannot make", &top))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_elsewhere_is_no_answer() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("money-1.0.tar.gz"), "").expect("a file");
        assert!(found(directory.path(), "money-1.0.tar.gz", "x").is_ok());
        assert!(found(directory.path(), "../money-1.0.tar.gz", "x").is_err());
        assert!(found(directory.path(), "money-2.0.tar.gz", "x").is_err());
    }

    #[test]
    fn the_hooks_of_a_back_end_run_in_processes_of_their_own() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let backend = "import os, pathlib
def get_requires_for_build_sdist(settings):
    pathlib.Path('first').write_text(str(os.getpid()))
    return ['b', 'a']
def build_sdist(directory, settings):
    assert pathlib.Path('first').read_text() != str(os.getpid())
    pathlib.Path(directory, 'x-1.tar.gz').write_text('')
    return 'x-1.tar.gz'
";
        fs::create_dir(path("own")).expect("a directory");
        fs::write(path("own/backend.py"), backend).expect("a file");
        fs::write(path("hooks.py"), HOOKS).expect("a file");
        let ask = |installed: &[String]| {
            let request = Request {
                hook: "build_sdist",
                backend: "backend",
                backend_path: vec!["own".to_owned()],
                directory: directory.path(),
                installed,
            };
            fs::write(path("request"), serde_json::to_vec(&request).expect("JSON")).expect("a file");
            let script = duct::cmd("python3", [path("hooks.py"), path("request")]).dir(directory.path());
            script.run().expect("the script works");
            serde_json::from_slice::<Answer>(&fs::read(path("request.answer")).expect("an answer")).expect("an answer")
        };
        let first = ask(&["b".to_owned()]);
        assert_eq!((first.requires.len(), first.file), (2, None));
        assert_eq!(ask(&["a".to_owned(), "b".to_owned()]).file.as_deref(), Some("x-1.tar.gz"));
    }
}
