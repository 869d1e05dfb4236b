//! Everything that git looks at to say what a work tree is, without being asked: what it was, and whether it still is.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs, io,
    num::NonZeroUsize,
    path::{Component, Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::SystemTime,
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, statat},
    io::Errno,
};

use super::{
    git::{command, directories},
    git_index,
    git_status::{path_after, records},
    stamp::{Put, STAMP, Stamp, Take},
    tree::WITHIN,
};
use crate::support::{Digest, Hasher};

/// How git is configured, wherever that is written.
const CONFIGURATION: [&str; 3] = ["config", "--list", "-z"];

/// What git's answer depends on that is in directories without being named by it.
const RULES: [&str; 2] = [".gitignore", ".gitattributes"];

/// Asks git for something; it answers while others work.
pub(super) fn ask(toplevel: &Path, arguments: &[&str]) -> Option<Child> {
    command(toplevel, arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()
}

/// What git answers, unless it refuses.
pub(super) fn answer(child: Child) -> Option<Vec<u8>> {
    let output = child.wait_with_output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// The digest of git's configuration and of the variables by which its paths are understood.
fn surroundings(configuration: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.part(configuration);
    for name in ["HOME", "XDG_CONFIG_HOME"] {
        hasher.part(std::env::var_os(name).unwrap_or_default().as_encoded_bytes());
    }
    hasher.finish()
}

/// The files outside of the work tree's directories that decide git's answer (gitrepository-layout(5), gitignore(5),
/// gitattributes(5)). `None` where a path cannot be told.
fn outside(toplevel: &Path, configuration: &[u8]) -> Option<Vec<PathBuf>> {
    let (own, common) = directories(toplevel);
    let in_common = ["info/exclude", "info/attributes", "packed-refs", "refs/replace"].map(|name| common.join(name));
    let mut paths = vec![own.join("index"), PathBuf::from("/etc/gitattributes")];
    paths.extend(in_common);
    // another program may read sources otherwise
    paths.push(std::env::current_exe().ok()?);
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = variable("HOME");
    let configured = |key: &str| {
        let mut pairs = configuration.split(|byte| *byte == 0).rev().filter_map(|pair| std::str::from_utf8(pair).ok());
        pairs.find_map(|pair| pair.split_once('\n').filter(|(name, _)| *name == key)).map(|(_, value)| value.to_owned())
    };
    for (key, name) in [("core.excludesfile", "ignore"), ("core.attributesfile", "attributes")] {
        match configured(key) {
            Some(path) => paths.push(match path.strip_prefix("~/") {
                Some(below) => home.as_ref()?.join(below),
                None => Some(PathBuf::from(path)).filter(|path| path.is_absolute())?,
            }),
            None => {
                let settings = variable("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
                paths.extend(settings.map(|settings| settings.join("git").join(name)));
            }
        }
    }
    Some(paths)
}

/// What is known of one file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Missing,
    There([u8; STAMP]),
    /// Nobody looks at it.
    Unknown,
}

impl State {
    fn of(stat: Result<Stat, Errno>) -> io::Result<Self> {
        match stat {
            Ok(stat) => Ok(Self::There(Stamp::of(&stat).bytes())),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(Self::Missing),
            Err(error) => Err(error.into()),
        }
    }

    fn put(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Missing => bytes.push(0),
            Self::There(stamp) => {
                bytes.push(1);
                bytes.extend(stamp);
            }
            Self::Unknown => bytes.push(2),
        }
    }

    fn take(rest: &mut Take<'_>) -> Option<Self> {
        match rest.bytes(1)? {
            [0] => Some(Self::Missing),
            [1] => Some(Self::There(*rest.array()?)),
            [2] => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// A directory that git looks into, and the names in it whose own state counts.
struct Directory {
    state: State,
    names: BTreeSet<OsString>,
}

/// Looks at everything that git looked at when it answered, and at what surveys looked at, and writes down what it is. `None` where
/// something has changed since shortly before a moment, or where more would have to be looked at than can be told.
pub(super) fn look(
    toplevel: &Path,
    said: &[u8],
    at: SystemTime,
    surveyed: impl Iterator<Item = PathBuf>,
) -> io::Result<Option<Vec<u8>>> {
    let Some(configuration) = ask(toplevel, &CONFIGURATION).and_then(answer) else { return Ok(None) };
    let Some(outside) = outside(toplevel, &configuration) else { return Ok(None) };
    let Some(mut directories) = walk(toplevel, said, at)? else { return Ok(None) };
    let Some(tracked) = git_index::tracked(toplevel) else { return Ok(None) };
    let untracked = records(said).filter(|(kind, _)| *kind == b'?').filter_map(|(_, record)| path_after(record, 1));
    for path in tracked.into_iter().chain(untracked) {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
        // in a directory that is ignored, only what git tracks counts
        let unlisted = || Directory { state: State::Unknown, names: BTreeSet::new() };
        directories.entry(parent.to_owned()).or_insert_with(unlisted).names.insert(name.to_owned());
    }
    let mut bytes = surroundings(&configuration).bytes().to_vec();
    let outside: BTreeSet<PathBuf> =
        outside.into_iter().chain(surveyed.filter(|path| !is_within(toplevel, &directories, path))).collect();
    bytes.put_number(outside.len());
    for path in outside {
        let Some(state) = settled(rustix::fs::stat(&path), at)? else { return Ok(None) };
        bytes.put_text(path.as_os_str());
        state.put(&mut bytes);
    }
    for (below, Directory { state, names }) in directories {
        let mut block = Vec::new();
        block.put_text(below.as_os_str());
        state.put(&mut block);
        block.put_number(names.len());
        let directory = toplevel.join(&below);
        for name in names {
            let stat = rustix::fs::lstat(directory.join(&name));
            // a repository within this one: its state is its own matter
            if stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir()) {
                return Ok(None);
            }
            let Some(state) = settled(stat, at)? else { return Ok(None) };
            block.put_text(&name);
            state.put(&mut block);
        }
        bytes.put_number(block.len());
        bytes.extend(block);
    }
    Ok(Some(bytes))
}

/// Whether git looks at a path, too: not at files that are ignored, at what is not in the work tree, or through links.
fn is_within(toplevel: &Path, directories: &BTreeMap<PathBuf, Directory>, path: &Path) -> bool {
    let is_plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    let Some(below) = path.strip_prefix(toplevel).ok().filter(|below| is_plain(below)) else { return false };
    let listed = |path: &Path| directories.get(path).filter(|directory| directory.state != State::Unknown);
    if listed(below).is_some() {
        return true;
    }
    let (Some(parent), Some(name)) = (below.parent(), below.file_name()) else { return false };
    let is_file = || rustix::fs::lstat(path).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file());
    listed(parent).is_some_and(|directory| directory.names.contains(name)) && is_file()
}

/// The state of what was not changed since shortly before a moment.
fn settled(stat: Result<Stat, Errno>, at: SystemTime) -> io::Result<Option<State>> {
    let is_settled = stat.map_or(true, |stat| Stamp::of(&stat).is_settled(at));
    is_settled.then(|| State::of(stat)).transpose()
}

/// The directories that git looks into: all but those that a pattern ignores, and but our own state, which is no part of
/// anything. `None` if one has changed since shortly before a moment, or is a repository itself.
fn walk(toplevel: &Path, said: &[u8], at: SystemTime) -> io::Result<Option<BTreeMap<PathBuf, Directory>>> {
    let ignored = records(said).filter(|(kind, _)| *kind == b'!').filter_map(|(_, record)| path_after(record, 1));
    let ignored: BTreeSet<PathBuf> = ignored.collect();
    let mut found = BTreeMap::new();
    let mut queue = vec![PathBuf::new()];
    while let Some(below) = queue.pop() {
        let directory = toplevel.join(&below);
        // before it is read: what changes meanwhile shows later
        let Some(state) = settled(rustix::fs::lstat(&directory), at)? else { return Ok(None) };
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == ".git" && !below.as_os_str().is_empty() {
                return Ok(None);
            }
            if entry.file_type()?.is_dir() {
                let path = below.join(&name);
                if name != ".git" && name != ".gopythongo" && !ignored.contains(&path) {
                    queue.push(path);
                }
            } else if RULES.iter().any(|rule| name == *rule) {
                names.insert(name);
            }
        }
        found.insert(below, Directory { state, names });
    }
    Ok(Some(found))
}

/// Whether everything is as it was when it was [looked at](look). `None` for what cannot be understood, or git does not tell.
pub(super) fn is_still(toplevel: &Path, seen: &[u8]) -> Option<bool> {
    let configuration = ask(toplevel, &CONFIGURATION);
    let same = is_as_seen(toplevel, seen);
    // whoever was started is waited for
    let configuration = configuration.and_then(answer)?;
    Some(same? && Take(seen).digest()? == surroundings(&configuration))
}

fn is_as_seen(toplevel: &Path, seen: &[u8]) -> Option<bool> {
    let mut rest = Take(seen);
    rest.digest()?;
    for _ in 0..rest.number()? {
        let (path, state) = (rest.text()?, State::take(&mut rest)?);
        if State::of(rustix::fs::stat(path)).ok() != Some(state) {
            return Some(false);
        }
    }
    let mut blocks = Vec::new();
    while !rest.0.is_empty() {
        let length = rest.number()?;
        blocks.push(Take(rest.bytes(length)?));
    }
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = blocks.len().div_ceil(threads).max(1);
    let all = |blocks: &[Take<'_>]| blocks.iter().all(|block| is_directory_as_seen(toplevel, *block) == Some(true));
    thread::scope(|scope| {
        let mut shares = blocks.chunks(share);
        let own = shares.next();
        let others: Vec<_> = shares.map(|blocks| scope.spawn(move || all(blocks))).collect();
        let own = own.is_none_or(all);
        Some(others.into_iter().all(|other| other.join().unwrap_or(false)) && own)
    })
}

fn is_directory_as_seen(toplevel: &Path, mut block: Take<'_>) -> Option<bool> {
    let below = Path::new(block.text()?);
    let state = State::take(&mut block)?;
    let directory = match openat(CWD, toplevel.join(below), WITHIN.union(OFlags::NOFOLLOW), Mode::empty()) {
        Ok(directory) => Some(directory),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => None,
        Err(_) => return Some(false),
    };
    let now = directory.as_ref().map_or(Err(Errno::NOENT), fstat);
    if state != State::Unknown && State::of(now).ok()? != state {
        return Some(false);
    }
    for _ in 0..block.number()? {
        let (name, state): (&OsStr, State) = (block.text()?, State::take(&mut block)?);
        let now =
            directory.as_ref().map_or(Err(Errno::NOENT), |within| statat(within, name, AtFlags::SYMLINK_NOFOLLOW));
        if State::of(now).ok()? != state {
            return Some(false);
        }
    }
    Some(true)
}
