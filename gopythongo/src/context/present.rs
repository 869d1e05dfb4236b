//! What git said of a work tree, remembered for as long as everything that it looked at is what it was.
//!
//! To answer, git reads every directory that is not ignored, and asks for the state of every file that it tracks. Here each of
//! them is asked for its state, and nothing is read: a directory in which a name came or went has other times (POSIX.1-2024,
//! XBD 4.12), as has a file that was written. What was changed shortly before git was asked is not trusted, as git itself does
//! with its index (racy-git(7)): then nothing is remembered, until a later run finds it settled.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ffi::{OsStr, OsString},
    fs, io,
    num::NonZeroUsize,
    path::{Component, Path, PathBuf},
    process::{Child, Stdio},
    sync::Arc,
    thread,
    time::SystemTime,
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, statat},
    io::Errno,
};

use super::{
    git::{GitError, Repository, command, directories},
    git_index,
    git_status::{path_after, records, status},
    stamp::{Put, STAMP, Stamp, Take},
    surveys::Written,
    tree::WITHIN,
};
use crate::support::{Digest, Durability, Hasher, write_atomic};

/// What the file begins with; something else is another format. Then come the digest of the rest, what was seen, the answer, and
/// notes on sources.
const HEADER: &[u8] = b"gopythongo present 2\n";

/// What git is asked in any case: which commit it is, of which branch.
const HEAD: [&str; 4] = ["rev-parse", "HEAD", "--symbolic-full-name", "HEAD"];

/// And how it is configured, wherever that is written.
const CONFIGURATION: [&str; 3] = ["config", "--list", "-z"];

/// What git's answer depends on that is in directories without being named by it.
const RULES: [&str; 2] = [".gitignore", ".gitattributes"];

/// What git says now, or said when everything was as it is.
#[derive(Debug)]
pub(super) struct Present {
    toplevel: PathBuf,
    file: PathBuf,
    said: Vec<u8>,
    /// From then on, everything is what it was when git answered.
    since: SystemTime,
    /// What is known of sources, by their directories.
    notes: HashMap<PathBuf, Note>,
    /// Whether the file says so.
    is_written: bool,
}

/// What is known of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Note {
    /// The digest of its files, which are listed as git says.
    digest: Option<Digest>,
    survey: Option<Arc<Written>>,
}

impl Present {
    /// Asks for the state of a work tree; remembers it below a directory, if there is one.
    ///
    /// # Errors
    /// When there is no git program, or it refuses.
    pub(super) fn ask(toplevel: &Path, memory: Option<&Path>) -> Result<(Repository, Option<Self>), GitError> {
        let since = SystemTime::now();
        let said = status(toplevel)?;
        let repository = Repository::told(toplevel, &said);
        let present = |memory| {
            let file = place(memory, toplevel);
            Self { toplevel: toplevel.to_owned(), file, said, since, notes: HashMap::new(), is_written: false }
        };
        Ok((repository, memory.map(present)))
    }

    /// What is remembered below a directory, if everything is what it was.
    pub(super) fn recall(toplevel: &Path, memory: &Path) -> Option<(Repository, Self)> {
        let since = SystemTime::now();
        let file = place(memory, toplevel);
        let bytes = fs::read(&file).ok()?;
        let mut rest = Take(bytes.strip_prefix(HEADER)?);
        if rest.digest()? != Digest::of(rest.0) {
            return None;
        }
        let (seen, said) = (rest.part()?, rest.part()?.to_vec());
        let asked = [ask(toplevel, &HEAD), ask(toplevel, &CONFIGURATION)];
        let same = is_as_seen(toplevel, seen);
        // whoever was started is waited for
        let [head, configuration] = asked.map(|child| child.and_then(answer));
        let repository = Repository::told(toplevel, &said);
        let branch = repository.branch.as_ref().map_or_else(|| "HEAD".to_owned(), |name| format!("refs/heads/{name}"));
        let expected = format!("{}\n{branch}\n", repository.commit.as_ref()?);
        if !same? || head? != expected.as_bytes() || seen.get(..32)? != surroundings(&configuration?).bytes() {
            return None;
        }
        let notes = read_notes(rest)?;
        Some((repository, Self { toplevel: toplevel.to_owned(), file, said, since, notes, is_written: true }))
    }

    /// The digests of sources that are what they were.
    pub(super) fn sources(&self) -> impl Iterator<Item = (PathBuf, Digest)> {
        self.notes.iter().filter_map(|(source, note)| Some((source.clone(), note.digest?)))
    }

    /// The surveys of sources that look at nothing else than what they looked at.
    pub(super) fn surveys(&self) -> HashMap<PathBuf, Arc<Written>> {
        self.notes.iter().filter_map(|(source, note)| Some((source.clone(), note.survey.clone()?))).collect()
    }

    /// Remembers the answer, with the digests and surveys of sources that were read since, if nothing has changed meanwhile.
    /// Without it, git is asked again.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub(super) fn save(
        &self,
        read: HashMap<PathBuf, Digest>,
        surveyed: HashMap<PathBuf, Arc<Written>>,
    ) -> io::Result<()> {
        let mut notes = self.notes.clone();
        for (source, digest) in read {
            notes.entry(source).or_default().digest = Some(digest);
        }
        for (source, survey) in surveyed {
            notes.entry(source).or_default().survey = Some(survey);
        }
        if self.is_written && notes == self.notes {
            return Ok(());
        }
        let Some(seen) = look(&self.toplevel, &self.said, self.since, &notes)? else { return Ok(()) };
        let mut body = Vec::new();
        body.put_part(&seen);
        body.put_part(&self.said);
        for (source, Note { digest, survey }) in &notes {
            let Written { looked, survey } = survey.as_deref().cloned().unwrap_or_default();
            body.put_text(source.as_os_str());
            body.put_part(digest.as_ref().map_or(&[][..], |digest| digest.bytes()));
            body.put_part(&looked);
            body.put_part(&survey);
        }
        let bytes = [HEADER, Digest::of(&body).bytes(), &body].concat();
        write_atomic(&self.file, &bytes, Durability::Cached)
    }
}

fn place(memory: &Path, toplevel: &Path) -> PathBuf {
    memory.join(Digest::of(toplevel.as_os_str().as_encoded_bytes()).short(32))
}

fn read_notes(mut rest: Take<'_>) -> Option<HashMap<PathBuf, Note>> {
    let mut notes = HashMap::new();
    while !rest.0.is_empty() {
        let source = rest.owned_text()?.into();
        let digest = rest.part()?.first_chunk().map(|bytes| Digest::from_bytes(*bytes));
        let (looked, survey) = (rest.part()?.to_vec(), rest.part()?.to_vec());
        let survey = (!survey.is_empty()).then(|| Arc::new(Written { looked, survey }));
        notes.insert(source, Note { digest, survey });
    }
    Some(notes)
}

fn ask(toplevel: &Path, arguments: &[&str]) -> Option<Child> {
    command(toplevel, arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()
}

fn answer(child: Child) -> Option<Vec<u8>> {
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

/// Looks at everything that git looked at since a moment, and writes down what it is. `None` where something has changed since
/// shortly before that moment, or where more would have to be looked at than can be told.
fn look(toplevel: &Path, said: &[u8], at: SystemTime, notes: &HashMap<PathBuf, Note>) -> io::Result<Option<Vec<u8>>> {
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
        outside.into_iter().chain(looked_elsewhere(toplevel, &directories, notes)).collect();
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

/// What surveys looked at besides what git looks at: files that are ignored, and what is not in the work tree, or through links.
fn looked_elsewhere(
    toplevel: &Path,
    directories: &BTreeMap<PathBuf, Directory>,
    notes: &HashMap<PathBuf, Note>,
) -> Vec<PathBuf> {
    let is_plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    let is_listed = |path: &Path| directories.get(path).is_some_and(|directory| directory.state != State::Unknown);
    let is_seen = |path: &Path| -> Option<bool> {
        let below = path.strip_prefix(toplevel).ok().filter(|below| is_plain(below))?;
        if is_listed(below) {
            return Some(true);
        }
        let (parent, name) = (below.parent()?, below.file_name()?);
        let is_file = || rustix::fs::lstat(path).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file());
        Some(is_listed(parent) && directories.get(parent)?.names.contains(name) && is_file())
    };
    let mut elsewhere = Vec::new();
    for (source, note) in notes {
        let mut looked = Take(note.survey.as_ref().map_or(&[], |survey| &survey.looked));
        while let Some(path) = looked.text() {
            // joined with nothing, a path ends with a slash
            let path = if path.is_empty() { source.clone() } else { source.join(path) };
            if is_seen(&path) != Some(true) {
                elsewhere.push(path);
            }
        }
    }
    elsewhere
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

/// Whether everything is as it was [seen](look). `None` for what cannot be understood.
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

#[cfg(test)]
#[path = "present_tests.rs"]
mod tests;
