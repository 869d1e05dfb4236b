//! Versions from git tags, beside those of the tools that projects make them with.

use std::{fs, path::Path, process::Command};

use gopythongo::{
    context::{BuildKind, Request, gather},
    pipeline::{JobBuilder as _, Pipeline, library},
};
use tempfile::TempDir;
use tests::Python;

/// A project whose version setuptools_scm makes.
pub(crate) const SETUPTOOLS_SCM: &str = "\
[build-system]
requires = ['setuptools', 'setuptools-scm']
build-backend = 'setuptools.build_meta'
[project]
name = 'demo'
dynamic = ['version']
[tool.setuptools_scm]
";

const HATCH_VCS: &str = "\
[build-system]
requires = ['hatchling', 'hatch-vcs']
build-backend = 'hatchling.build'
[project]
name = 'demo'
dynamic = ['version']
[tool.hatch.version]
source = 'vcs'
";

/// What is done in a repository, a line a step, and the version that development then has.
const HISTORIES: [(&str, &str); 9] = [
    ("commit\ncommit", "0.1.0.dev2"),
    ("commit\ntag v1.4.2\ncommit\ncommit\ncommit", "1.4.3.dev3"),
    ("commit\ntag 1.4\ncommit", "1.5.dev1"),
    ("commit\ntag -m annotated demo-1.4.2\ncommit", "1.4.3.dev1"),
    ("commit\ntag v1.5.0rc1\ncommit\ncommit", "1.5.0rc2.dev2"),
    ("commit\ntag v1.4.2.post1\ncommit", "1.4.2.post2.dev1"),
    // the nearest, not the highest; a name without a digit is no version
    ("commit\ntag v2.0.0\ncommit\ntag v1.9.9\ncommit\ntag stable\ncommit", "1.9.10.dev2"),
    // what was merged counts, and the merge
    (
        "commit\ntag v1.4.2\ncheckout -q -b side\ncommit\ncommit\ncheckout -q develop\ncommit\nmerge -q --no-ff -m m side",
        "1.4.3.dev4",
    ),
    // a release on another branch is none here
    ("commit\ntag v1.4.2\ncheckout -q -b side\ncommit\ntag v3.0\ncheckout -q develop\ncommit", "1.4.3.dev1"),
];

#[test]
fn tags_are_counted_as_setuptools_scm_and_hatch_vcs_do() {
    let python = Python::with(&["setuptools-scm", "hatch-vcs", "hatchling"]);
    let tools: [(&str, &[&str]); 2] =
        [(SETUPTOOLS_SCM, &["-m", "setuptools_scm"]), (HATCH_VCS, &["-m", "hatchling", "version"])];
    for (project, tool) in tools {
        for (history, expected) in HISTORIES {
            let repository = repository(project, history);
            assert_eq!(ours(repository.path()), expected, "{history}");
            let mut command = python.command("python");
            let output = command.args(tool).current_dir(repository.path()).output().expect("the tool starts");
            let said = String::from_utf8_lossy(&output.stdout);
            let said = said.trim().split('+').next().unwrap_or_default();
            let version = |text: &str| text.parse::<gopythongo::version::Version>().expect(text);
            assert_eq!(
                version(said),
                version(expected),
                "{tool:?}: {history}\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

/// The version that a develop build of the repository gets.
fn ours(directory: &Path) -> String {
    let pipeline = Pipeline::new("demo").job(library("demo").source("."));
    let request = Request { root: directory.to_owned(), kind: Some(BuildKind::Develop), ..Request::default() };
    let context = gather(&pipeline, &request).expect("a context");
    let job = &context.jobs["demo"];
    let plan = job.version.as_ref().unwrap_or_else(|| panic!("no version: {:?}", job.survey.version_problem));
    plan.version(plan.number).to_string()
}

/// A repository of a project on `develop`, with a history: a line is `commit`, or arguments of git.
pub(crate) fn repository(project: &str, history: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("pyproject.toml"), project).expect("a file can be written");
    fs::write(directory.path().join("demo.py"), "").expect("a file can be written");
    git(directory.path(), "init -q -b develop");
    git(directory.path(), "add -A");
    for (number, line) in history.lines().enumerate() {
        // two empty commits of one second, parent and message would be one
        let commit = format!("commit -q --allow-empty -m more-{number}");
        git(directory.path(), if line == "commit" { &commit } else { line });
    }
    directory
}

/// Runs git as nobody in particular; arguments are separated by blanks.
pub(crate) fn git(directory: &Path, arguments: &str) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false"];
    let mut command = Command::new("git");
    command.arg("-C").arg(directory).args(identity).args(arguments.split_whitespace());
    assert!(command.status().expect("git").success(), "git {arguments}");
}
