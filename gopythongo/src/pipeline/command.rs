//! `.command(..)`: a program of the team's own, run in a copy of the source.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Serialize;

use crate::{
    context::SecretFrom,
    run::{Failure, Inputs, Step, Work, process::Command},
};

/// Runs a program in a copy of the job's source: `.command("docs", ["make", "docs"])`.
///
/// It sees a clean environment: `PATH`, `HOME` and `TMPDIR` below its scratch directory, `LANG=C.UTF-8`, and the
/// variables that were named with [`env`](Self::env) and [`secret`](Self::secret). What it writes is thrown away with the copy. It is
/// pure: it runs again when the source, the arguments, the program or one of those variables has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct CommandStep {
    name: String,
    argv: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    variables: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    secrets: BTreeMap<String, SecretFrom>,
}

impl CommandStep {
    /// A command that is called `name` in plans, and its program and arguments. The program is found on `PATH`; one with
    /// a slash in its name is taken from the source.
    pub fn new(name: impl Into<String>, argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let (variables, secrets) = (Vec::new(), BTreeMap::new());
        Self { name: name.into(), argv: argv.into_iter().map(Into::into).collect(), variables, secrets }
    }

    /// Lets the program see a variable of this program's environment; none by default. Its value decides, so it is in the key.
    pub fn env(mut self, name: impl Into<String>) -> Self {
        self.variables.push(name.into());
        self
    }

    /// Lets the program see a secret as a variable; none by default. It is fetched when the command runs, it is in no key (what
    /// has passed is not repeated for another value), and `***` wherever the command prints it. In a pull request of a fork,
    /// which gets no secrets, the command does not run.
    pub fn secret(mut self, name: impl Into<String>, from: SecretFrom) -> Self {
        self.secrets.insert(name.into(), from);
        self
    }

    /// What is wrong with it, if anything.
    pub(super) fn mistake(&self) -> Option<&'static str> {
        match self.argv.first() {
            None => Some("has no program"),
            Some(program) if program.is_empty() => Some("has a program without a name"),
            Some(_) => None,
        }
    }
}

impl Step for CommandStep {
    const KIND: &'static str = "command";
    const VERSION: u32 = 1;

    fn label(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn inputs(&self) -> Inputs {
        let open = self.variables.iter().filter(|name| !self.secrets.contains_key(*name));
        let inputs = open.fold(Inputs::source(), |inputs, name| inputs.environment(name));
        let inputs = inputs.secrets(&self.secrets);
        match self.argv.first() {
            Some(program) if !program.contains('/') => inputs.executable(program),
            _ => inputs,
        }
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let Some((program, args)) = self.argv.split_first() else {
            return Err(Failure::new(format!("command `{}` has no program", self.name)));
        };
        let source = directory(work.scratch(), "source")?;
        let home = directory(work.scratch(), "home")?;
        let temporary = directory(work.scratch(), "tmp")?;
        work.copy_source(&source)?;
        let program = if program.contains('/') { source.join(program) } else { program.into() };
        let seen = self.variables.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let command = Command::new(program)
            .args(args)
            .directory(source)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("TMPDIR", temporary)
            .env("LANG", "C.UTF-8")
            .envs(seen);
        let command = work.with_secrets(command)?;
        work.run(&command)
    }
}

fn directory(scratch: &Path, name: &str) -> Result<std::path::PathBuf, Failure> {
    let path = scratch.join(name);
    fs::create_dir_all(&path).map_err(Failure::io("cannot make", &path))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        context::{BuildKind, Context, JobContext, Redactor, Survey},
        pipeline::{JobBuilder, Library, Pipeline, library},
        plan,
        run::{
            self, Options, RunDirectory, Services, Setting,
            process::{Cancel, Supervisor},
        },
    };

    /// Runs the commands of a job whose source holds one file; the failures by step.
    fn run(source: &Path, job: Library) -> Vec<(String, String)> {
        let state = tempfile::tempdir().unwrap();
        let pipeline = Pipeline::new("p").job(job);
        assert_eq!(pipeline.diagnostics(), []);
        let context = Context {
            branch: None,
            commit: None,
            kind: BuildKind::Develop,
            kind_reason: "`--kind`".to_owned(),
            server: None,
            target: None,
            doubts: Vec::new(),
            channel: "develop".to_owned(),
            root: source.to_owned(),
            pythons: Vec::new(),
            jobs: [(
                "money".to_owned(),
                JobContext { directory: source.to_owned(), survey: Survey::default(), version: None },
            )]
            .into(),
        };
        let lowered = plan::lower(&pipeline, &context, &plan::Selection::default());
        let directory = RunDirectory::create(state.path()).unwrap();
        let setting = Setting {
            supervisor: Arc::new(Supervisor::start().unwrap()),
            directory,
            context: Arc::new(context),
            services: Services::new(),
            cancel: Cancel::new(),
            redactor: Redactor::default(),
            sinks: Vec::new(),
        };
        let ended = run::execute(&lowered, &Options { keep_going: true, ..Options::default() }, setting).unwrap();
        ended.failures.into_iter().map(|(step, failure)| (step, failure.message)).collect()
    }

    #[test]
    fn a_command_works_in_a_copy_of_the_source_with_a_clean_environment() {
        let source = tempfile::tempdir().unwrap();
        std::fs::write(source.path().join("README"), "money").unwrap();
        let script =
            "test -e README && rm README && touch built && test -z \"$CARGO_MANIFEST_DIR\" && test -d \"$TMPDIR\"";
        let job = library("money").source(".").command("docs", ["sh", "-c", script]);
        assert_eq!(run(source.path(), job), []);
        assert!(source.path().join("README").exists() && !source.path().join("built").exists());
    }

    #[test]
    fn a_copy_is_taken_over_as_long_as_nobody_touches_it() {
        let source = tempfile::tempdir().unwrap();
        std::fs::create_dir(source.path().join("src")).unwrap();
        std::fs::write(source.path().join("src/money.py"), "1").unwrap();
        let seen = tempfile::tempdir().unwrap();
        let say = |then: &str| {
            let seen = seen.path().join("inodes").display().to_string();
            ["sh", "-c", &format!("stat -c %i src/money.py >>{seen}; test $(cat src/money.py) = 1 && {then}")]
                .map(ToOwned::to_owned)
        };
        let job = library("money")
            .source(".")
            .command("looks", say("touch $TMPDIR/x $HOME/x"))
            .command("writes", say("printf 2 >src/money.py"))
            .command("adds", say("touch src/more"))
            .command("ends", say("test ! -e src/more"));
        assert_eq!(run(source.path(), job), []);
        let inodes = std::fs::read_to_string(seen.path().join("inodes")).unwrap();
        let inodes: Vec<&str> = inodes.lines().collect();
        assert_eq!(inodes.len(), 4);
        assert_eq!(inodes[0], inodes[1], "it was left as it was");
    }

    #[test]
    fn a_named_variable_is_seen() {
        let source = tempfile::tempdir().unwrap();
        let step = CommandStep::new("docs", ["sh", "-c", "test -n \"$CARGO_MANIFEST_DIR\""]).env("CARGO_MANIFEST_DIR");
        assert_eq!(run(source.path(), library("money").step(step)), []);
    }

    #[test]
    fn a_command_that_fails_stops_the_later_ones() {
        let source = tempfile::tempdir().unwrap();
        let job = library("money").command("first", ["sh", "-c", "exit 3"]).command("second", ["sh", "-c", "exit 4"]);
        let failures = run(source.path(), job);
        assert_eq!(failures, [("money/command:first".to_owned(), "`sh` ended with exit code 3".to_owned())]);
    }

    #[test]
    fn a_program_on_the_path_decides_and_one_of_the_source_does_not_decide_twice() {
        assert_eq!(CommandStep::new("docs", ["make", "docs"]).inputs().executables, ["make"]);
        assert!(CommandStep::new("docs", ["./build.sh"]).inputs().executables.is_empty());
    }
}
