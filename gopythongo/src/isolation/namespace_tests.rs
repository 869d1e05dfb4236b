//! Views that are really made, by this user and by an ordinary one.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::{Command, Output},
};

use rustix::process::geteuid;
use tempfile::TempDir;

use super::*;
use crate::support::trees::plant;

/// Nobody, who is an ordinary user everywhere.
const NOBODY: (u32, u32) = (65534, 65534);

/// A directory that everybody may read, and nobody owns where this is possible.
fn built() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    plant(directory.path(), &[("file", "built")]);
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    if geteuid().is_root() {
        chown(directory.path(), Some(NOBODY.0), Some(NOBODY.1)).expect("an owner");
    }
    directory
}

/// Runs a script under the words of a view; as nobody where this is root and `ordinary` is wanted.
fn run(view: &View, ordinary: bool, script: &str) -> Output {
    let words = if ordinary && geteuid().is_root() {
        let become_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"].map(OsString::from);
        become_nobody.into_iter().chain(view.words(Some(NOBODY))).collect()
    } else {
        view.command()
    };
    let (program, arguments) = words.split_first().expect("words");
    Command::new(program).args(arguments).args(["sh", "-c", script]).current_dir("/").output().expect("a shell")
}

/// What a script prints under a view, by this user and by an ordinary one; nothing to see where the kernel refuses, and then
/// the probe says why.
fn seen(view: &View, script: &str) -> Vec<String> {
    if let Err(why) = View::probe() {
        assert!(!why.is_empty());
        return Vec::new();
    }
    let outputs = [false, true].map(|ordinary| run(view, ordinary, script));
    // as root one may have a view, and others be refused
    let made = outputs.into_iter().filter(|output| output.status.code() != Some(125));
    made.map(|output| {
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
    .collect()
}

#[test]
fn a_directory_is_seen_at_a_path_that_the_host_does_not_have() {
    let built = built();
    for at in ["/opt/gopythongo-test", "/opt/gopythongo-test/deep/er", "/gopythongo-test", "/gopythongo-test/deep"] {
        let view = View::new().bind_read_only(built.path(), at);
        for said in seen(&view, &format!("cat {at}/file; pwd")) {
            assert_eq!(said, "built/", "at {at}");
        }
        assert!(!Path::new(at).exists());
    }
}

#[test]
fn what_is_written_there_is_written_to_where_it_is_from_and_siblings_are_the_hosts_own() {
    let (built, host) = (built(), built());
    let at = host.path().join("opt/shop");
    let view = View::new().bind(built.path(), &at);
    let script = format!(
        "umask 0; echo again >> {}/out; echo mine >> {}/file && echo done",
        at.display(),
        host.path().display()
    );
    let _ = fs::set_permissions(host.path().join("file"), fs::Permissions::from_mode(0o666));
    let runs = seen(&view, &script);
    assert!(runs.iter().all(|said| said == "done"), "{runs:?}");
    let written = fs::read_to_string(host.path().join("file")).expect("a file");
    assert_eq!(written.matches("mine").count(), runs.len());
    assert_eq!(built.path().join("out").exists(), !runs.is_empty());
    assert!(!host.path().join("opt").exists());
}

#[test]
fn everything_beside_a_missing_path_is_still_there() {
    let (built, host) = (built(), built());
    plant(host.path(), &[("a b/c", "1"), ("d\\e/f", "2"), (".hidden", "3"), ("g/h", "4")]);
    std::os::unix::fs::symlink("g/h", host.path().join("link")).expect("a link");
    let _ = Command::new("chmod").args(["-R", "a+rX"]).arg(host.path()).status().expect("chmod");
    let view = View::new().bind_read_only(built.path(), host.path().join("new/x y"));
    let script =
        format!("cd {}; cat 'a b/c' 'd\\e/f' .hidden g/h link 'new/x y/file'; ls -A | wc -l", host.path().display());
    for said in seen(&view, &script) {
        assert_eq!(said, "12344built7");
    }
}

#[test]
fn what_is_bound_for_reading_cannot_be_written() {
    let (built, at) = (built(), "/opt/gopythongo-test");
    let view = View::new().bind_read_only(built.path(), at);
    for said in seen(&view, &format!("(echo x > {at}/out) 2>/dev/null || echo refused")) {
        assert_eq!(said, "refused");
    }
    assert!(!built.path().join("out").exists());
}

#[test]
fn several_binds_share_a_parent_that_is_missing_and_one_lies_in_another() {
    let (one, two) = (built(), built());
    fs::create_dir(one.path().join("data")).expect("a directory");
    let view = View::new()
        .bind_read_only(one.path(), "/gopythongo-test/one")
        .bind_read_only(two.path(), "/gopythongo-test/two")
        .bind_read_only(two.path().join("file"), "/gopythongo-test/three/file")
        .bind_read_only(two.path(), "/gopythongo-test/one/data");
    let script = "cd /gopythongo-test; cat one/file two/file three/file one/data/file; ls | wc -l";
    for said in seen(&view, script) {
        assert_eq!(said, "builtbuiltbuiltbuilt3");
    }
}

#[test]
fn an_ordinary_user_stays_who_they_are_and_gains_no_power() {
    let built = built();
    let view = View::new().bind(built.path(), "/opt/gopythongo-test");
    if View::probe().is_err() || !geteuid().is_root() {
        return;
    }
    let output = run(&view, true, "id -u; grep CapEff /proc/self/status");
    if output.status.code() != Some(125) {
        assert_eq!(String::from_utf8_lossy(&output.stdout), "65534\nCapEff:\t0000000000000000\n");
    }
}

#[test]
fn a_view_that_cannot_be_made_says_why() {
    if View::probe().is_err() {
        return;
    }
    let why = View::new().bind("/gopythongo-test/missing", "/opt/gopythongo-test").check().expect_err("it is missing");
    let expected =
        "cannot show /gopythongo-test/missing at /opt/gopythongo-test: /gopythongo-test/missing does not exist";
    assert_eq!(why, expected);
    let output = run(&View::new(), false, "exit 7");
    assert_eq!(output.status.code(), Some(7), "the program's own code comes through");
}
