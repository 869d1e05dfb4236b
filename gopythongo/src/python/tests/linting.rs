//! Lint, with stand-ins for the tools where the tool cache keeps them.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{Bench, listing};
use crate::{
    pipeline::{JobBuilder, library},
    python::{Flake8, Ruff, Tool, defaults},
};

impl Bench {
    /// Puts a shell script where the environment of a tool keeps its program.
    fn stand_in(&self, name: &str, script: &str) {
        let version = defaults::version_on(name, &self.python.version).expect("a version");
        let tool = Tool::new(name, version).python(&self.python);
        let directory = self.toolchain().place(&tool.name, &tool.parts(&self.python));
        fs::create_dir_all(directory.join("bin")).unwrap();
        for (program, script) in [(name, script), ("python", "exit 1")] {
            let path = directory.join("bin").join(program);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(directory.join(".complete"), "").unwrap();
    }
}

fn project() -> Bench {
    Bench::new(&[
        ("pyproject.toml", "[project]\nname = \"money\"\nversion = \"1.0\"\n"),
        ("src/money/__init__.py", "import os\n"),
        ("tests/test_money.py", "def test(): pass\n"),
    ])
}

#[test]
fn flake8_looks_at_packages_and_tests_and_its_findings_are_counted() {
    let bench = project();
    let script = r#"
for arg; do last="$before $arg"; before=$arg; done
test "$last" = "src/money tests" || exit 2
echo "src/money/__init__.py:1:1: F401 'os' imported but unused"
exit 1"#;
    bench.stand_in("flake8", script);
    let before = listing(bench.source.path());
    let done = bench.run(library("money").step(Flake8::new()));
    let failure = &done.failures["money/flake8"];
    assert_eq!(failure.message, "1 finding");
    assert_eq!(failure.command.as_ref().map(|command| command.tail.len()), Some(1));
    assert_eq!(listing(bench.source.path()), before);

    bench.stand_in("flake8", "exit 0");
    bench.write("src/money/__init__.py", "");
    let done = bench.run(library("money").step(Flake8::new()));
    assert_eq!(done.outcomes["money/flake8"].summary.as_deref(), Some("no findings"));
}

#[test]
fn a_broken_configuration_of_flake8_is_no_finding() {
    let bench = project();
    bench.stand_in("flake8", "echo 'There was a critical error during execution of Flake8:' >&2; exit 1");
    let done = bench.run(library("money").step(Flake8::new()));
    assert_eq!(done.failures["money/flake8"].message, "flake8 could not look at the source");
}

#[test]
fn ruff_may_not_repair() {
    let bench = project();
    bench.stand_in(
        "ruff",
        r#"case "$*" in "check --no-cache --no-fix "*) echo "a.py:1:1: F401 [*] \`os\` imported"; echo "a.py:2:1: E999 no"; exit 1;; esac; exit 2"#,
    );
    let done = bench.run(library("money").step(Ruff::new()));
    assert_eq!(done.failures["money/ruff"].message, "2 findings");
}

#[test]
fn a_path_that_does_not_exist_is_said_before_a_tool_is_made() {
    let bench = project();
    let done = bench.run(library("money").step(Flake8::new().paths(["srcs"])));
    assert!(done.failures["money/flake8"].message.starts_with("`srcs` does not exist in"), "{done:?}");
}

#[test]
fn findings_may_stay_and_become_fewer_but_not_more() {
    let bench = project();
    let find = |codes: &[&str]| {
        let lines =
            codes.iter().map(|code| format!("echo 'src/money/__init__.py:1:1: {code} wrong'; ")).collect::<String>();
        bench.stand_in("flake8", &format!("{lines} exit 1"));
        bench.write("src/money/__init__.py", &codes.join(" "));
        bench.run(library("money").step(Flake8::new().ratchet()))
    };
    let first = find(&["F401", "F401", "E501"]);
    assert_eq!(first.outcomes["money/flake8"].summary.as_deref(), Some("3 findings, compared with nothing"));
    let fewer = find(&["F401", "F401"]);
    assert_eq!(fewer.outcomes["money/flake8"].summary.as_deref(), Some("2 findings, 3 in develop"));
    let more = find(&["F401", "F401", "E501"]);
    assert_eq!(more.failures["money/flake8"].message, "more findings than in develop: 1 E501 (0 before)");
    assert!(more.failures["money/flake8"].command.is_some());
    let other = find(&["F401", "W291"]);
    assert_eq!(other.failures["money/flake8"].message, "more findings than in develop: 1 W291 (0 before)");
}

#[test]
fn findings_are_kept_as_sarif() {
    let bench = project();
    bench.stand_in("flake8", r#"echo "src/money/__init__.py:1:1: F401 'os' imported but unused"; exit 0"#);
    let done = bench.run(library("money").step(Flake8::new()));
    assert_eq!(done.outcomes["money/flake8"].summary.as_deref(), Some("1 finding"));
    let artifact = &done.outcomes["money/flake8"].artifacts["sarif"];
    assert_eq!(artifact.file, "flake8.sarif");
}
