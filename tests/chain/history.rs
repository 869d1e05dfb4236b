//! Releases of click, replayed one changed file after the other: who uses it is tested again when its wheel has changed,
//! and only then.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tests::{Example, Python};

/// Releases one after the other, of one build back end.
const RELEASES: [&str; 4] = ["8.2.0", "8.2.1", "8.3.0", "8.3.1"];

/// Prints a digest of what a wheel installs: all but its version and the list of its files.
const CONTENT: &str = "\
import hashlib, re, sys, zipfile
digest = hashlib.sha256()
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in sorted(wheel.namelist()):
        content = wheel.read(name)
        name = re.sub(r'^click-[^/]*[.]dist-info/', 'dist-info/', name)
        if name == 'dist-info/METADATA':
            content = re.sub(rb'(?m)^Version: .*$', b'', content)
        if name != 'dist-info/RECORD':
            digest.update(b'%d %s %d ' % (len(name), name.encode(), len(content)) + content)
print(digest.hexdigest())
";

/// How often the user of click was tested, and not.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) tested: usize,
    pub(crate) skipped: usize,
}

/// Replays the last `count` changes. After each, what is public holds what a build without us, from nothing, holds.
#[track_caller]
pub(crate) fn replayed(count: usize) -> Seen {
    let python = Python::with(&["flit_core<4"]);
    let releases: Vec<PathBuf> = RELEASES.iter().map(|release| unpacked(&python, release)).collect();
    let changes: Vec<(usize, PathBuf)> = (1..releases.len())
        .flat_map(|new| changed(&releases[new - 1], &releases[new]).map(move |file| (new, file)))
        .collect();
    assert!(changes.len() >= count, "{} changes", changes.len());
    let history = Example::project("history", env!("CARGO_BIN_EXE_history"));
    let checkout = history.path().join("click");
    let (before, replay) = changes.split_at(changes.len() - count);
    copy(&releases[0], &checkout);
    before.iter().for_each(|(new, file)| take(&releases[*new], &checkout, file));
    history.commit("Start");
    let mut public = published(&history, &python, true);
    let mut seen = Seen::default();
    for (number, (new, file)) in replay.iter().enumerate() {
        take(&releases[*new], &checkout, file);
        history.commit(&format!("Change {}", file.display()));
        let wheel = built(&python, &checkout, &format!("built-{number}"));
        let expected = content(&python, &wheel);
        let changes = expected != public;
        public = published(&history, &python, changes);
        assert_eq!(public, expected, "{} of {}", file.display(), RELEASES[*new]);
        *if changes { &mut seen.tested } else { &mut seen.skipped } += 1;
    }
    seen
}

/// Runs the pipeline, which must test the user of click or must not, and gives the content of click's public wheel.
#[track_caller]
fn published(history: &Example, python: &Python, is_tested: bool) -> String {
    let run = history.run(&["run", "--json"]).ends_with(0);
    let (executed, subject) = (run.executed(), history.git(&["log", "-1", "--format=%s"]));
    assert_eq!(executed.contains(&"user/pytest".to_owned()), is_tested, "{subject}: {executed:?}");
    let files = history.promoted().files;
    let wheel = files.iter().find(|(name, _)| name.starts_with("develop click-") && name.ends_with(".whl"));
    content(python, &history.stored(wheel.expect("a wheel").1))
}

fn content(python: &Python, wheel: &Path) -> String {
    python.run("python", &["-c", CONTENT, wheel.to_str().expect("text")]).ends_with(0).stdout
}

/// The wheel that click's build back end makes of a checkout.
fn built(python: &Python, checkout: &Path, name: &str) -> PathBuf {
    let to = python.path(name);
    fs::create_dir(&to).expect("a directory");
    let script = "import sys; from flit_core.buildapi import build_wheel; print(build_wheel(sys.argv[1]))";
    let mut command = python.command("python");
    let output = command.args(["-c", script]).arg(&to).current_dir(checkout).output().expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    to.join(String::from_utf8_lossy(&output.stdout).trim())
}

/// The directory of a release as it was published.
fn unpacked(python: &Python, release: &str) -> PathBuf {
    let to = python.path(release);
    fs::create_dir(&to).expect("a directory");
    let target = to.to_str().expect("text");
    let _ = python
        .run(
            "pip",
            &[
                "download",
                "--quiet",
                "--no-deps",
                "--no-binary",
                ":all:",
                "--dest",
                target,
                &format!("click=={release}"),
            ],
        )
        .ends_with(0);
    let unpacked =
        Command::new("tar").arg("-xf").arg(to.join(format!("click-{release}.tar.gz"))).arg("-C").arg(&to).status();
    assert!(unpacked.expect("tar").success());
    let directory = to.join(format!("click-{release}"));
    fs::remove_file(directory.join("PKG-INFO")).expect("what sdists have and repositories have not");
    directory
}

/// The files below a directory, relative to it.
fn files(directory: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut left = vec![directory.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("an entry").path()));
        } else {
            found.insert(path.strip_prefix(directory).expect("below it").to_owned());
        }
    }
    found
}

fn changed(old: &Path, new: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let all: Vec<PathBuf> = files(old).union(&files(new)).cloned().collect();
    let (old, new) = (old.to_owned(), new.to_owned());
    all.into_iter().filter(move |file| fs::read(old.join(file)).ok() != fs::read(new.join(file)).ok())
}

/// Makes a file of a checkout what it is in a release.
fn take(release: &Path, checkout: &Path, file: &Path) {
    let (from, to) = (release.join(file), checkout.join(file));
    if from.exists() {
        fs::create_dir_all(to.parent().expect("a directory")).expect("a directory");
        fs::copy(from, to).expect("a file");
    } else {
        fs::remove_file(to).expect("a file");
    }
}

fn copy(from: &Path, to: &Path) {
    files(from).iter().for_each(|file| take(from, to, file));
}

#[test]
fn the_last_changes_of_click_are_tested_downstream_when_its_wheel_changes_and_only_then() {
    let seen = replayed(10);
    assert_eq!(seen.tested + seen.skipped, 10);
}
