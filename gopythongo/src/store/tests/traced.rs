//! What tests record of a store and a journal is what the system is asked for, as `strace` sees it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::loss::{quick_directory, recorded};
use crate::{
    journal::{Journal, Record},
    support::operations::tape::{Operation, Tape},
};

/// Where the traced program works.
const PLACE: &str = "GOPYTHONGO_TRACED";

/// One change: what, of which file, and for names the other one.
type Seen = (&'static str, String, String);

fn of_operation(operation: &Operation) -> Option<Seen> {
    let text = |path: &Path| path.display().to_string();
    let (what, path, other) = match operation {
        Operation::MakeDirectory(path) => ("mkdir", path, None),
        Operation::Create(path) => ("create", path, None),
        Operation::Write(path, bytes) if !bytes.is_empty() => ("write", path, None),
        Operation::Write(..) | Operation::Told(_) => return None,
        Operation::Cut(path, _) => ("cut", path, None),
        Operation::Sync(path) => ("sync", path, None),
        Operation::Rename(from, to) => ("rename", from, Some(to)),
        Operation::Link(from, to) => ("link", from, Some(to)),
        Operation::Symlink(target, path) => ("symlink", target, Some(path)),
        Operation::Remove(path) => ("remove", path, None),
    };
    Some((what, text(path), other.map(|other| text(other)).unwrap_or_default()))
}

/// A line of strace: `12345 write(5</a/b>, ""..., 10) = 10`.
fn of_line(line: &str, known: &mut BTreeSet<String>) -> Option<Seen> {
    let call = line.split_once(' ')?.1.trim_start();
    let (name, rest) = call.split_once('(')?;
    if call.contains("resumed>") || call.contains(" = -1 ") {
        return None;
    }
    let quoted: Vec<&str> = rest.split('"').skip(1).step_by(2).collect();
    let own = || Some(rest.split_once('<')?.1.split_once('>')?.0.to_owned());
    let path = |number: usize| quoted.get(number).map(|path| (*path).to_owned());
    if name.starts_with("unlink") || name.starts_with("rename") {
        known.remove(&path(0)?);
    }
    Some(match name {
        "openat" if rest.contains("O_CREAT") && known.insert(path(0)?) => ("create", path(0)?, String::new()),
        "write" | "pwrite64" => ("write", own()?, String::new()),
        "ftruncate" => ("cut", own()?, String::new()),
        "fsync" | "fdatasync" => ("sync", own()?, String::new()),
        "mkdir" | "mkdirat" => ("mkdir", path(0)?, String::new()),
        "unlink" | "unlinkat" | "rmdir" => ("remove", path(0)?, String::new()),
        "rename" | "renameat" | "renameat2" => ("rename", path(0)?, path(1)?),
        "link" | "linkat" => ("link", path(0)?, path(1)?),
        "symlink" | "symlinkat" => ("symlink", path(0)?, path(1)?),
        _ => return None,
    })
}

/// Below a directory, without locks; files that are brought to the disk at once have no order.
fn ordered(seen: impl Iterator<Item = Seen>, top: &Path) -> Vec<Seen> {
    let is_ours = |path: &str| Path::new(path).starts_with(top) && !path.ends_with("/lock");
    let mut all: Vec<Seen> = seen.filter(|(_, path, other)| is_ours(path) || is_ours(other)).collect();
    all.chunk_by_mut(|a, b| a.0 == "sync" && b.0 == "sync").for_each(<[Seen]>::sort);
    all
}

/// Two runs of a store, and a journal.
fn story(top: &Path) -> Vec<Operation> {
    let mut operations = recorded(top);
    let tape = Tape::of(top);
    let journal = top.join("state/runs/r1/journal.ndjson");
    let record = Record::Intent { step: "money/upload".into(), about: "it".to_owned() };
    for _ in 0..2 {
        let (mut journal, _) = Journal::open(&journal).expect("space");
        journal.note(&record).and_then(|()| journal.append(&record)).expect("space");
    }
    operations.extend(tape.operations());
    operations
}

#[test]
fn what_is_recorded_is_what_strace_sees() {
    if let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) {
        let top = place.join("top");
        let seen: Vec<_> = ordered(story(&top).iter().filter_map(of_operation), &top);
        fs::write(place.join("recorded"), serde_json::to_vec(&seen).expect("text")).expect("space");
        return;
    }
    let Ok(strace) = which::which("strace") else {
        println!("left out: there is no strace");
        return;
    };
    let place = quick_directory();
    fs::create_dir(place.path().join("top")).expect("space");
    let trace = place.path().join("trace");
    let name = "store::tests::traced::what_is_recorded_is_what_strace_sees";
    let traced = Command::new(strace)
        .args(["-f", "-y", "-qq", "-s", "0", "-e", "trace=%file,write,pwrite64,ftruncate,fsync,fdatasync", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().expect("our own path"))
        .args(["--exact", name, "--test-threads", "1", "--nocapture"])
        .env(PLACE, place.path())
        .output()
        .expect("strace starts");
    let said = String::from_utf8_lossy(&traced.stderr).into_owned();
    if !traced.status.success() && said.contains("ptrace") {
        println!("left out: nothing may be traced here: {said}");
        return;
    }
    assert!(traced.status.success(), "{said}{}", String::from_utf8_lossy(&traced.stdout));
    let recorded: Vec<(String, String, String)> =
        serde_json::from_slice(&fs::read(place.path().join("recorded")).expect("it is written")).expect("text");
    let lines = fs::read_to_string(&trace).expect("it is written");
    let mut known = BTreeSet::new();
    let seen = ordered(lines.lines().filter_map(|line| of_line(line, &mut known)), &place.path().join("top"));
    assert!(recorded.len() > 150);
    for (number, (recorded, (what, path, other))) in recorded.iter().zip(&seen).enumerate() {
        assert_eq!((&*recorded.0, &recorded.1, &recorded.2), (*what, path, other), "change {number}");
    }
    assert_eq!(recorded.len(), seen.len());
    println!("{} changes", seen.len());
}
