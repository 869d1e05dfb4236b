//! What surprises: changes of every kind around a pipeline, and what `why` and the next run say of them.

use std::{
    fs::{self, File, FileTimes, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use serde_json::Value;
use tests::{Example, Outcome};

/// A checkout whose pipeline has run once, with its state and a program of its own on `PATH`.
struct Scene {
    tally: Example,
}

/// A change, the step that is asked about, and the reason for its run or that of the first before it; none if it would
/// not run.
struct Surprise {
    what: &'static str,
    happens: fn(&Scene),
    variable: Option<(&'static str, &'static str)>,
    step: &'static str,
    reason: Option<&'static str>,
}

const fn surprise(what: &'static str, step: &'static str, happens: fn(&Scene)) -> Surprise {
    Surprise { what, happens, variable: None, step, reason: None }
}

impl Surprise {
    const fn with(self, name: &'static str, value: &'static str) -> Self {
        Self { variable: Some((name, value)), ..self }
    }

    const fn because(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }
}

impl Scene {
    fn new() -> Self {
        let scene = Self { tally: Example::project("tally", env!("CARGO_BIN_EXE_tally")) };
        fs::create_dir(scene.programs()).expect("a directory");
        scene.program("#!/bin/sh\nexit 0\n");
        symlink("__init__.py", scene.path("src/tally/link.py")).expect("a link");
        scene.tally.commit("Link");
        scene
    }

    fn copied(&self) -> Self {
        Self { tally: self.tally.copied() }
    }

    fn programs(&self) -> PathBuf {
        self.tally.directory().join("programs")
    }

    /// Installs what the pipeline calls `stamp`.
    fn program(&self, text: &str) {
        let file = self.programs().join("stamp");
        fs::write(&file, text).expect("a program");
        fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("a mode");
    }

    fn path(&self, file: &str) -> PathBuf {
        self.tally.path().join(file)
    }

    fn append(&self, file: &str, text: &str) {
        let old = fs::read_to_string(self.path(file)).unwrap_or_default();
        fs::write(self.path(file), old + text).expect("a file");
    }

    /// Says of a file that it was last modified so long after or before now.
    fn modified(&self, file: &str, time: SystemTime) {
        let file = File::options().write(true).open(self.path(file)).expect("a file");
        file.set_times(FileTimes::new().set_modified(time)).expect("a time");
    }

    fn ask(&self, variable: Option<(&str, &str)>, arguments: &[&str]) -> Outcome {
        let path = format!("{}:{}", self.programs().display(), std::env::var("PATH").expect("PATH"));
        let mut command: Command = self.tally.command(arguments);
        let output = command.env("PATH", path).envs(variable).output();
        Outcome::of(&output.expect("the program starts"))
    }

    /// The artifact of a step in the cache.
    fn artifact(&self, run: &Outcome, step: &str, name: &str) -> PathBuf {
        let finished = run.finished(step);
        let digest = finished["result"]["artifacts"][name]["digest"].as_str().expect("a digest").to_owned();
        self.tally.cached(&digest)
    }
}

fn day() -> Duration {
    Duration::from_secs(24 * 60 * 60)
}

/// The blob of what a step has left.
fn blob(scene: &Scene, step: &str, name: &str) -> PathBuf {
    let again = scene.ask(None, &["run", "--json"]).ends_with(0);
    scene.artifact(&again, step, name)
}

fn replace(file: &Path, text: &str) {
    fs::remove_file(file).expect("a file");
    fs::write(file, text).expect("a file");
}

const SURPRISES: &[Surprise] = &[
    surprise("nothing happens", "tally/pytest", |_| {}),
    surprise("a source is edited", "tally/pytest", |scene| scene.append("src/tally/more.py", "MORE = 1\n"))
        .because("tally/sdist: `src/tally/more.py` changed, and 1 other input with it"),
    surprise("a source is new", "tally/flake8", |scene| scene.append("src/tally/new.py", "NEW = 1\n"))
        .because("`src/tally/new.py` is new"),
    surprise("a source is gone", "tally/flake8", |scene| {
        fs::remove_file(scene.path("src/tally/link.py")).expect("a file")
    })
    .because("`src/tally/link.py` is gone"),
    surprise("a source is renamed", "tally/flake8", |scene| {
        fs::rename(scene.path("src/tally/more.py"), scene.path("src/tally/rest.py")).expect("a file")
    })
    .because("`src/tally/rest.py` is new, and 1 other input with it"),
    surprise("a source is touched and equal", "tally/pytest", |scene| {
        scene.modified("src/tally/more.py", SystemTime::now())
    }),
    surprise("the clock was a day ahead when a source was written", "tally/pytest", |scene| {
        scene.modified("src/tally/more.py", SystemTime::now() + day())
    }),
    surprise("a source has other bytes, and the size and the time of before", "tally/flake8", |scene| {
        let file = scene.path("src/tally/more.py");
        let time = fs::metadata(&file).and_then(|found| found.modified()).expect("a time");
        fs::write(&file, "\"\"\"Counts less.\"\"\"\n").expect("a file");
        scene.modified("src/tally/more.py", time);
    })
    .because("`src/tally/more.py` changed"),
    surprise("a source can be executed", "tally/command:stamp", |scene| {
        fs::set_permissions(scene.path("src/tally/more.py"), Permissions::from_mode(0o755)).expect("a mode")
    })
    .because("`src/tally/more.py` changed"),
    surprise("a link leads elsewhere", "tally/flake8", |scene| {
        fs::remove_file(scene.path("src/tally/link.py")).expect("a link");
        symlink("more.py", scene.path("src/tally/link.py")).expect("a link");
    })
    .because("`src/tally/link.py` changed"),
    surprise("a file that git ignores is written", "tally/command:stamp", |scene| {
        scene.append("notes.txt", "remember\n")
    }),
    surprise("an equal tree is committed", "tally/pytest", |scene| scene.tally.commit("Nothing")),
    surprise("a release is tagged", "tally/pytest", |scene| {
        scene.tally.git(&["tag", "v0.9"]);
    })
    .because("tally/sdist: version changed"),
    surprise("a test is edited", "tally/pytest", |scene| scene.append("tests/test_tally.py", "# more\n"))
        .because("tally/sdist: `tests/test_tally.py` changed, and 1 other input with it"),
    surprise("the linter is configured", "tally/flake8", |scene| scene.append(".flake8", "max-complexity = 9\n"))
        .because("`.flake8` changed"),
    surprise("a dependency is declared", "tally/resolve", |scene| {
        scene.tally.edit("pyproject.toml", "itsdangerous>=2", "itsdangerous>=2.1")
    })
    .because("tally/sdist: `pyproject.toml` changed, and 1 other input with it"),
    surprise("a variable that a step names is set", "tally/command:stamp", |_| {})
        .with("COLOUR", "red")
        .because("variable COLOUR changed"),
    surprise("a variable that no step names is set", "tally/command:stamp", |_| {}).with("TASTE", "sweet"),
    surprise("a variable that pytest would read is set", "tally/pytest", |_| {}).with("PYTEST_ADDOPTS", "-v"),
    surprise("an option is changed", "tally/command:stamp", |_| {})
        .with("GREETING", "good day")
        .because("one of its options changed"),
    surprise("a program is upgraded", "tally/command:stamp", |scene| scene.program("#!/bin/sh\necho 2\n"))
        .because("program stamp changed"),
    surprise("a program is installed again", "tally/command:stamp", |scene| scene.program("#!/bin/sh\nexit 0\n")),
    surprise("a wheel is gone", "tally/pytest", |scene| {
        fs::remove_file(blob(scene, "tally/wheel", "wheel")).expect("a blob")
    })
    .because("tally/wheel: its wheel `tally-1.0.dev2-py3-none-any.whl` is no longer in the cache"),
    surprise("a lock is edited", "tally/pytest", |scene| {
        replace(&blob(scene, "tally/resolve", "lock"), "itsdangerous==1.0\n")
    })
    .because("tally/resolve: its lock `lock.json` is damaged in the cache"),
    surprise("a source has an error, and is mended", "tally/flake8", |scene| {
        scene.append("src/tally/more.py", "import os\n");
        let _ = scene.ask(None, &["run", "--keep-going"]).ends_with(1);
        fs::write(scene.path("src/tally/more.py"), "\"\"\"Counts more.\"\"\"\n").expect("a file");
    }),
    surprise("the cache is gone", "tally/flake8", |scene| {
        fs::remove_dir_all(scene.tally.state().join("cache")).expect("a cache")
    })
    .because("never ran before"),
    surprise("somebody else is at home", "tally/pytest", |_| {}).with("HOME", "/nonexistent"),
    surprise("the user speaks another language", "tally/pytest", |_| {}).with("LANG", "de_DE.UTF-8"),
    surprise("what is known of files is gone", "tally/pytest", |scene| {
        fs::remove_file(scene.tally.state().join("cache/v2/stats")).expect("a file")
    }),
];

/// What `why` says that would run first, and why; nothing if the step would not run.
fn first(step: &str, why: &str) -> Option<String> {
    let told = why.lines().find_map(|line| line.split_once(": it would run: "));
    assert!(told.is_some() || why.contains("\nnow: it would not run: "), "{why}");
    let (who, reason) = told?;
    let before = who.trim().strip_prefix("first `").and_then(|who| who.strip_suffix('`'));
    Some(format!("{}: {reason}", before.unwrap_or(step)))
}

#[test]
fn each_of_many_surprises_has_its_reason_and_what_happens_is_what_was_foretold() {
    let scene = Scene::new();
    let _ = scene.ask(None, &["run"]).ends_with(0);
    for &Surprise { what, happens, variable, step, reason } in SURPRISES {
        let scene = scene.copied();
        happens(&scene);
        let why = scene.ask(variable, &["why", step]).ends_with(0).stdout;
        let told = first(step, &why);
        let expected = reason.map(|reason| match reason.starts_with("tally/") {
            true => reason.to_owned(),
            false => format!("{step}: {reason}"),
        });
        assert_eq!(told, expected, "{what}:\n{why}");
        let run = scene.ask(variable, &["run", "--json"]).ends_with(0);
        match told {
            None => assert!(!run.executed().contains(&step.to_owned()), "{what}: {:?}", run.executed()),
            Some(told) => {
                let began = |event: &Value| event["type"] == "step-started";
                let said =
                    |event: &Value| [&event["step"], &event["reason"]].map(|text| text.as_str().map(str::to_owned));
                let begun: Vec<_> = run.events().iter().filter(|event| began(event)).map(said).collect();
                let (first, why) = told.split_once(": ").expect("a step and a reason");
                assert!(begun.contains(&[first, why].map(|text| Some(text.to_owned()))), "{what}: {begun:?}");
            }
        }
    }
}
