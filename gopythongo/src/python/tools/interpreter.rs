//! The Pythons of this machine: where they may be, and what each says of itself.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::python::{tool_cache, tools::tool_cache::identity};
use crate::{
    context::Interpreter,
    run::process::once_written,
    support::{Durability, write_atomic},
};

/// Prints executable, version and implementation, a line each. Runs on every Python 3, with `-I -S`.
const ASK: &str = "import sys
v = sys.version_info
s = {'alpha': 'a', 'beta': 'b', 'candidate': 'rc'}.get(v[3])
print(getattr(sys, '_base_executable', None) or sys.executable)
print('%d.%d.%d' % v[:3] + (s + str(v[4]) if s else ''))
print(sys.implementation.name)";

/// After which a Python that does not answer counts as absent.
const PATIENCE: Duration = Duration::from_secs(10);

/// The oldest Python that environments are made for.
const OLDEST: (u64, u64) = (3, 7);

/// The Pythons found on `PATH` and in well-known places: the default one first (what `python3` on `PATH` really is), then
/// those on `PATH`, then the others, the newest first. Shims and links are resolved by asking; answers are remembered in the
/// tool cache for as long as the file that was asked stays the same.
#[must_use]
pub fn interpreters() -> Vec<Interpreter> {
    let file = tool_cache().join("interpreters.json");
    let mut answers = Answers::read(&file);
    let found = find(&mut answers, &Places::here());
    answers.write(&file);
    found
}

/// Where Pythons may be.
struct Places {
    path: Vec<PathBuf>,
    others: Vec<PathBuf>,
}

impl Places {
    fn here() -> Self {
        let home = env::var_os("HOME").map(PathBuf::from);
        let below_home = |path: &str| home.as_ref().map(|home| home.join(path));
        let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from).or_else(|| below_home(".pyenv"));
        let roots = [
            pyenv.map(|root| root.join("versions")),
            below_home(".local/share/uv/python"),
            below_home(".asdf/installs/python"),
            below_home(".local/share/mise/installs/python"),
        ];
        let mut others: Vec<PathBuf> = roots
            .into_iter()
            .flatten()
            .filter_map(|root| fs::read_dir(root).ok())
            .flat_map(|entries| entries.flatten().map(|entry| entry.path().join("bin")))
            .collect();
        others.sort();
        others.extend(["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].map(PathBuf::from));
        let path = env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
        Self { path, others }
    }
}

fn find(answers: &mut Answers, places: &Places) -> Vec<Interpreter> {
    let mut found: Vec<Interpreter> = Vec::new();
    let mut add = |python: Option<Interpreter>| {
        if let Some(python) = python.filter(|python| found.iter().all(|known| known.path != python.path)) {
            found.push(python);
        }
    };
    // `python3` may be a shim, which is asked. Shims of other names are not: they fail, slowly, unless their version is active.
    places.path.iter().for_each(|directory| add(answers.ask(&directory.join("python3"))));
    let names: Vec<String> = (7..=20).map(|minor| format!("python3.{minor}")).chain(["pypy3".to_owned()]).collect();
    for directory in &places.path {
        for program in names.iter().map(|name| directory.join(name)).filter(|program| !is_script(program)) {
            add(answers.ask(&program));
        }
    }
    let listed = found.len();
    let mut add = |python: Option<Interpreter>| {
        if let Some(python) = python.filter(|python| found.iter().all(|known| known.path != python.path)) {
            found.push(python);
        }
    };
    for directory in &places.others {
        for name in names.iter().map(String::as_str).chain(["python3"]) {
            let program = directory.join(name);
            if !is_script(&program) {
                add(answers.ask(&program));
            }
        }
    }
    found[listed..].sort_by_key(|python| std::cmp::Reverse(python.version.parse::<crate::version::Version>().ok()));
    found
}

fn is_script(program: &Path) -> bool {
    let mut start = [0; 2];
    fs::File::open(program).and_then(|mut file| file.read_exact(&mut start)).is_ok() && &start == b"#!"
}

/// What programs answered, by what was asked.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Answers {
    known: BTreeMap<String, Answer>,
    #[serde(skip)]
    used: BTreeMap<String, Answer>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Answer {
    python: Option<Interpreter>,
    /// Of the interpreter itself, which a shim or a link only leads to.
    identity: Option<String>,
}

impl Answers {
    fn read(file: &Path) -> Self {
        fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Keeps what was used; a cache that cannot be written only costs time.
    fn write(self, file: &Path) {
        if self.used != self.known {
            let answers = Self { known: self.used, used: BTreeMap::new() };
            if let Ok(bytes) = serde_json::to_vec_pretty(&answers) {
                let _ = write_atomic(file, &bytes, Durability::Cached);
            }
        }
    }

    fn ask(&mut self, program: &Path) -> Option<Interpreter> {
        let resolved = program.canonicalize().ok()?;
        let mut question = identity(&resolved)?;
        if is_script(&resolved) {
            question.push_str(&choice_of_shims());
        }
        let current =
            |answer: &&Answer| answer.identity == answer.python.as_ref().and_then(|python| identity(&python.path));
        let answer = self.used.get(&question).or_else(|| self.known.get(&question).filter(current)).cloned();
        let answer = answer.unwrap_or_else(|| {
            let python = asked(program);
            Answer { identity: python.as_ref().and_then(|python| identity(&python.path)), python }
        });
        self.used.insert(question, answer.clone());
        answer.python
    }
}

/// What decides which interpreter the shims of version managers start: variables, and files here and above.
fn choice_of_shims() -> String {
    let mut choice = String::new();
    for name in ["PYENV_VERSION", "ASDF_PYTHON_VERSION", "PYENV_ROOT"] {
        choice.push_str(&format!("|{}", env::var(name).unwrap_or_default()));
    }
    let here = env::current_dir().unwrap_or_default();
    let names = [".python-version", ".tool-versions", "mise.toml"];
    let mut files: Vec<PathBuf> =
        here.ancestors().flat_map(|directory| names.map(|name| directory.join(name))).collect();
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let pyenv = env::var_os("PYENV_ROOT").map_or_else(|| home.join(".pyenv"), PathBuf::from);
    files.extend([pyenv.join("version"), home.join(".tool-versions")]);
    files.iter().filter_map(|file| identity(file)).for_each(|file| choice.push_str(&format!("|{file}")));
    choice
}

/// Asks a program what it is; `None` for what is no Python, is too old or does not answer.
fn asked(program: &Path) -> Option<Interpreter> {
    let variables = env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("PYTHON"));
    let question = duct::cmd(program, ["-I", "-S", "-c", ASK])
        .full_env(variables)
        .stdin_null()
        .stdout_capture()
        .stderr_null()
        .unchecked();
    let handle = once_written(|| question.start()).ok()?;
    let Ok(Some(output)) = handle.wait_timeout(PATIENCE) else {
        let _ = handle.kill();
        return None;
    };
    let output = output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())?;
    let mut lines = output.lines();
    let path = Path::new(lines.next()?).canonicalize().ok()?;
    let (version, implementation) = (lines.next()?.to_owned(), lines.next()?.to_owned());
    let mut numbers = version.split('.').map(|number| number.parse::<u64>().unwrap_or_default());
    let new_enough = (numbers.next()?, numbers.next()?) >= OLDEST;
    new_enough.then_some(Interpreter { path, version, implementation })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn script(path: &Path, text: &str) {
        fs::write(path, text).expect("a script");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    fn shim(path: &Path, log: &Path, python: &Path) {
        let text = format!("#!/bin/sh\necho asked >> '{}'\nexec '{}' \"$@\"\n", log.display(), python.display());
        script(path, &text);
    }

    fn real() -> PathBuf {
        which::which("python3").expect("this machine has a Python")
    }

    #[test]
    fn a_shim_is_asked_once_and_gives_the_interpreter_behind_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let log = directory.path().join("log");
        shim(&directory.path().join("python3"), &log, &real());
        let places = Places { path: vec![directory.path().to_owned()], others: Vec::new() };

        let file = directory.path().join("answers.json");
        let mut answers = Answers::read(&file);
        let first = find(&mut answers, &places);
        answers.write(&file);
        let again = find(&mut Answers::read(&file), &places);

        assert_eq!(first, again);
        assert_eq!(first.len(), 1);
        assert!(!first[0].path.starts_with(directory.path()), "{first:?}");
        assert_eq!(fs::read_to_string(log).expect("a log"), "asked\n");
    }

    #[test]
    fn one_interpreter_under_two_names_is_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let python = asked(&real()).expect("a Python");
        for name in ["python3", "python3.12"] {
            symlink(&python.path, directory.path().join(name)).expect("a link");
        }
        let here = vec![directory.path().to_owned()];
        assert_eq!(find(&mut Answers::default(), &Places { path: here.clone(), others: here }), [python]);
    }

    #[test]
    fn what_is_no_python_is_not_listed() {
        let directory = tempfile::tempdir().expect("a directory");
        script(&directory.path().join("python3"), "#!/bin/sh\nexit 1\n");
        let places = Places { path: vec![directory.path().to_owned()], others: Vec::new() };
        assert!(find(&mut Answers::default(), &places).is_empty());
    }
}
