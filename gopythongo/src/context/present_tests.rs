//! Whatever changes in a work tree or around it, what is remembered is what git says.

use std::{
    os::unix::fs::{PermissionsExt, symlink},
    time::{Duration, Instant},
};

use proptest::{collection::vec, prelude::*};
use rustix::fs::{AtFlags, CWD, Timestamps};
use tempfile::TempDir;

use super::{
    super::git::tests::{commit, repository, run},
    *,
};
use crate::support::{seeded, trees::plant};

/// A repository, and where its present is remembered.
struct Ground {
    tree: TempDir,
    memory: TempDir,
}

impl Ground {
    fn new() -> Self {
        let tree = repository(&[
            (".gitignore", "ignored\n*.pyc\nout/*\n"),
            ("a/x.py", "1"),
            ("a/b/y.py", "1"),
            ("c/z.py", "1"),
            ("out/kept", "1"),
        ]);
        run(tree.path(), &["add", "--force", "out/kept"]);
        commit(tree.path(), &[]);
        plant(tree.path(), &[("ignored/deep/file", "1"), ("a/x.pyc", "1"), ("out/left", "1"), ("new/n.py", "1")]);
        plant(tree.path(), &[("a/.gitignore", "*.log\n/.gitignore\n")]);
        fs::create_dir(tree.path().join("empty")).expect("it can be made");
        Self { tree, memory: tempfile::tempdir().expect("a directory") }
    }

    fn top(&self) -> PathBuf {
        self.tree.path().canonicalize().expect("it is there")
    }

    fn ask(&self) -> Present {
        let (_, present) = Present::ask(&self.top(), Some(self.memory.path())).expect("git answers");
        present.expect("it may be remembered")
    }

    fn recall(&self) -> Option<(Repository, Present)> {
        Present::recall(&self.top(), self.memory.path())
    }

    /// Remembers what git says now, as if everything had been as it is for long. Whether it did.
    fn remember(&self) -> bool {
        let mut present = self.recall().map_or_else(|| self.ask(), |(_, present)| present);
        present.since = SystemTime::now() + Duration::from_secs(60);
        let survey = |looked: &[&str]| {
            let mut written = SurveyText { looked: Vec::new(), survey: b"{}".to_vec() };
            looked.iter().for_each(|path| written.looked.put_text(OsStr::new(path)));
            Arc::new(written)
        };
        let surveys = [("a", survey(&["", "x.py", "x.pyc", "../ignored/deep", "no"])), ("c", survey(&["", "z.py"]))];
        let surveys = surveys.map(|(source, survey)| (self.top().join(source), survey)).into();
        present.save([(self.top().join("a"), Digest::of("a"))].into(), surveys).expect("it can be written");
        // changes of the same tick of the clock do not show, which is what the two seconds are for
        self.await_tick();
        self.recall().is_some()
    }

    /// Waits until files that are changed get another time than those that were changed before.
    fn await_tick(&self) {
        let probe = self.memory.path().join("probe");
        let time = || {
            fs::write(&probe, "").expect("it can be written");
            rustix::fs::stat(&probe).map(|stat| (stat.st_mtime, stat.st_mtime_nsec)).expect("it is there")
        };
        let (before, begun) = (time(), Instant::now());
        while time() == before {
            assert!(begun.elapsed() < Duration::from_secs(60), "the clock stands still");
        }
    }

    /// What is known is what git says. Gives whether it was remembered.
    #[track_caller]
    fn agrees(&self, what: &str) -> bool {
        let Some((known, _)) = self.recall() else { return false };
        assert_eq!(known, Repository::open(&self.top()).expect("git answers"), "{what}");
        true
    }
}

#[test]
fn nothing_is_read_again_where_nothing_changed() {
    let ground = Ground::new();
    assert!(ground.remember());
    assert!(ground.agrees("nothing changed"));
    let (_, mut present) = ground.recall().expect("it was remembered");
    let a = (ground.top().join("a"), Digest::of("a"));
    assert_eq!(present.sources().collect::<HashMap<_, _>>(), HashMap::from([a.clone()]));
    assert_eq!(present.surveys().len(), 2);
    // another source is read, the first one is not
    present.since = SystemTime::now() + Duration::from_secs(60);
    let c = (ground.top().join("c"), Digest::of("c"));
    present.save([c.clone()].into(), HashMap::new()).expect("it can be written");
    let (_, present) = ground.recall().expect("it was remembered");
    assert_eq!(present.sources().collect::<HashMap<_, _>>(), HashMap::from([a, c]));
    assert_eq!(present.surveys().len(), 2);
    // what no step, source or survey can see
    plant(ground.tree.path(), &[("ignored/more", "1"), ("ignored/.gitignore", "*"), ("out/left", "2")]);
    assert!(ground.agrees("in a directory that is ignored"));
}

#[test]
fn what_was_changed_a_moment_ago_is_not_remembered() {
    let ground = Ground::new();
    ground.ask().save(HashMap::new(), HashMap::new()).expect("it can be written");
    assert!(!ground.agrees("everything was just made"));
}

#[test]
fn every_change_is_seen() {
    type Change = fn(&Path);
    fn old(path: &Path) {
        let zero = rustix::fs::Timespec { tv_sec: 1_000_000_000, tv_nsec: 0 };
        let times = Timestamps { last_access: zero, last_modification: zero };
        rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("times can be set");
    }
    let changes: [(&str, Change); 25] = [
        ("an ignored file that a survey read", |top| plant(top, &[("a/x.pyc", "22")])),
        ("an ignored directory that a survey listed", |top| plant(top, &[("ignored/deep/more", "1")])),
        ("a file that a survey missed", |top| plant(top, &[("a/no", "1")])),
        ("a file, to the same length", |top| plant(top, &[("a/x.py", "2")])),
        ("a file, with a time of long ago", |top| {
            plant(top, &[("a/x.py", "2")]);
            old(&top.join("a/x.py"));
        }),
        ("a file that is not tracked", |top| plant(top, &[("new/n.py", "2")])),
        ("a new file", |top| plant(top, &[("a/b/new.py", "1")])),
        ("a new file beside untracked ones", |top| plant(top, &[("new/more/n.py", "1")])),
        ("a file in an empty directory", |top| plant(top, &[("empty/n.py", "1")])),
        ("a new directory with a file", |top| plant(top, &[("d/e/f/g.py", "1")])),
        ("a removed file", |top| fs::remove_file(top.join("a/b/y.py")).expect("removed")),
        ("a removed directory", |top| fs::remove_dir_all(top.join("c")).expect("removed")),
        ("a renamed file", |top| fs::rename(top.join("c/z.py"), top.join("c/y.py")).expect("renamed")),
        ("a renamed directory", |top| fs::rename(top.join("c"), top.join("e")).expect("renamed")),
        ("a file that is executable", |top| {
            fs::set_permissions(top.join("a/x.py"), fs::Permissions::from_mode(0o755)).expect("changed");
        }),
        ("a file that is a link", |top| {
            fs::remove_file(top.join("c/z.py")).expect("removed");
            symlink("../a/x.py", top.join("c/z.py")).expect("made");
        }),
        ("a directory that is a link to one with the same files", |top| {
            fs::rename(top.join("c"), top.join("ignored/c")).expect("renamed");
            symlink("ignored/c", top.join("c")).expect("made");
        }),
        ("a tracked file where others are ignored", |top| plant(top, &[("out/kept", "2")])),
        ("a rule of a file that is tracked", |top| plant(top, &[(".gitignore", "ignored\n*.pyc\nout/*\nnew\n")])),
        ("a rule of a file that ignores itself", |top| plant(top, &[("a/.gitignore", "/.gitignore\n*.pyd\n")])),
        ("a rule beside the repository", |top| plant(top, &[(".git/info/exclude", "new\n")])),
        ("a rule of the configuration", |top| {
            plant(top, &[("ignored/rules", "new\n")]);
            let rules = top.join("ignored/rules").display().to_string();
            run(top, &["config", "core.excludesFile", &rules]);
        }),
        ("what is added", |top| run(top, &["add", "new/n.py"])),
        ("the branch alone", |top| {
            run(top, &["branch", "other"]);
            run(top, &["symbolic-ref", "HEAD", "refs/heads/other"]);
        }),
        ("the commit alone", |top| run(top, &["update-ref", "HEAD", "HEAD~1"])),
    ];
    for (what, change) in changes {
        let ground = Ground::new();
        assert!(ground.remember(), "before {what}");
        change(&ground.top());
        assert!(!ground.agrees(what), "{what}: it was remembered");
    }
}

#[test]
fn what_others_track_is_left_to_git() {
    let ground = Ground::new();
    let nested = ground.top().join("nested");
    fs::create_dir(&nested).expect("it can be made");
    run(&nested, &["init", "-q"]);
    commit(&nested, &[("x", "1")]);
    assert!(!ground.remember(), "a repository within this one");
    run(&ground.top(), &["add", "nested"]);
    run(&ground.top(), &["commit", "-q", "-m", "more"]);
    assert!(!ground.remember(), "a submodule");
}

#[test]
fn damage_is_forgotten() {
    let ground = Ground::new();
    assert!(ground.remember());
    let file = place(ground.memory.path(), &ground.top());
    let whole = fs::read(&file).expect("it is there");
    for at in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&file, &damaged).expect("it can be written");
        assert!(ground.recall().is_none(), "byte {at}");
        fs::write(&file, &whole[..at]).expect("it can be written");
        assert!(ground.recall().is_none(), "{at} bytes");
    }
}

proptest! {
    #![proptest_config(seeded(6))]

    #[test]
    fn it_agrees_with_git_whatever_happens(happens in vec((0..6_u8, 0..9_usize, 0..4_usize), 1..12)) {
        let ground = Ground::new();
        let top = ground.top();
        let names =
            ["a/x.py", "a/b/y.py", "c/z.py", "new/n.py", "d/m.pyc", "out/kept", "a/.gitignore", "ignored/q", "e/f/g"];
        for (what, name, length) in happens {
            prop_assert!(ground.remember());
            let name = names[name];
            let path = top.join(name);
            match what {
                0 | 1 => plant(&top, &[(name, &"x".repeat(length))]),
                2 => drop(fs::remove_file(path)),
                3 => drop(fs::remove_dir_all(path.parent().expect("it is in a directory"))),
                4 => run(&top, &["add", "--all", "--force", "."]),
                _ => commit(&top, &[]),
            }
            ground.agrees(name);
        }
    }
}
