//! What a power loss leaves of what was done to a directory: what was synced, and of the rest whatever the disk happened to
//! write. A directory's names and a file's bytes are lost independently of each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use fastrand::Rng;

use super::tape::Operation;

/// A directory after a power loss: paths below it.
pub(crate) type Image = BTreeMap<PathBuf, Left>;

/// What is left at a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Left {
    Directory,
    File(Vec<u8>),
    Link(PathBuf),
}

/// What becomes of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lost,
    Kept,
    /// Half of the last write is there.
    Torn,
    /// The last write's length is there, and nothing of it.
    Zeroed,
    /// Only the end of the last write is there.
    Headless,
    /// The first write is lost, what follows it is there.
    Holed,
}

/// What bytes may come to.
const FATES: [Fate; 6] = [Fate::Lost, Fate::Kept, Fate::Torn, Fate::Zeroed, Fate::Headless, Fate::Holed];

/// A disk with what was synced and what was not.
#[derive(Debug)]
struct Disk {
    top: PathBuf,
    nodes: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Directory { synced: BTreeMap<OsString, usize>, since: Vec<Change> },
    File { synced: Vec<u8>, since: Vec<Data> },
    Link(PathBuf),
}

#[derive(Debug, Clone)]
enum Change {
    Put(OsString, usize),
    Gone(OsString),
    /// From one name to the other, in one.
    Moved(OsString, OsString, usize),
}

#[derive(Debug, Clone)]
enum Data {
    Added(Vec<u8>),
    Cut(usize),
}

/// The states in which a power loss at any moment may leave a directory that was empty: every prefix of the operations, with
/// `random` mixtures of losses beside the uniform ones. Each image comes once, with the number of operations before it.
pub(crate) fn images(top: &Path, operations: &[Operation], random: usize, seed: u64) -> Vec<(usize, Image)> {
    let mut disk = Disk { top: top.to_owned(), nodes: vec![Node::directory()] };
    let (mut seen, mut all) = (BTreeSet::new(), Vec::new());
    let mut rng = Rng::with_seed(seed);
    let mut told = 0;
    for number in 0..=operations.len() {
        let mut found = Vec::new();
        for fate in FATES {
            found.push(disk.image(&mut |_| true, &mut |_| fate));
            found.push(disk.image(&mut |_| false, &mut |_| fate));
        }
        for _ in 0..random {
            let (mut names, mut bytes) = (rng.fork(), rng.fork());
            found.push(disk.image(&mut |_| names.bool(), &mut |_| FATES[bytes.usize(..FATES.len())]));
        }
        // an image that was possible before more was promised has to be looked at again
        all.extend(found.into_iter().filter(|image| seen.insert((told, image.clone()))).map(|image| (number, image)));
        match operations.get(number) {
            Some(Operation::Told(_)) => told = number,
            Some(operation) => disk.does(operation),
            None => {}
        }
    }
    all
}

/// What is left of all operations where only what was synced is.
pub(crate) fn synced(top: &Path, operations: &[Operation]) -> Image {
    let mut disk = Disk { top: top.to_owned(), nodes: vec![Node::directory()] };
    operations.iter().for_each(|operation| disk.does(operation));
    disk.image(&mut |_| false, &mut |_| Fate::Lost)
}

/// Makes a directory what an image says.
pub(crate) fn restore(image: &Image, directory: &Path) {
    fs::create_dir_all(directory).expect("a directory");
    for (path, left) in image {
        let path = directory.join(path);
        match left {
            Left::Directory => fs::create_dir(&path),
            Left::File(bytes) => fs::write(&path, bytes),
            Left::Link(target) => std::os::unix::fs::symlink(target, &path),
        }
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

impl Node {
    fn directory() -> Self {
        Self::Directory { synced: BTreeMap::new(), since: Vec::new() }
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<OsString, usize>) {
        match self {
            Self::Put(name, node) => {
                names.insert(name.clone(), *node);
            }
            Self::Gone(name) => {
                names.remove(name);
            }
            Self::Moved(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

impl Disk {
    fn does(&mut self, operation: &Operation) {
        match operation {
            Operation::MakeDirectory(path) => self.put(path, Node::directory()),
            Operation::Create(path) => self.put(path, Node::File { synced: Vec::new(), since: Vec::new() }),
            Operation::Symlink(target, path) => self.put(path, Node::Link(target.clone())),
            Operation::Write(path, bytes) => self.since(path).push(Data::Added(bytes.clone())),
            Operation::Cut(path, length) => {
                let length = usize::try_from(*length).expect("it is short");
                self.since(path).push(Data::Cut(length));
            }
            Operation::Link(from, to) => {
                let node = self.find(from);
                let (above, name) = self.place(to);
                self.change(above, Change::Put(name, node));
            }
            Operation::Rename(from, to) => {
                let node = self.find(from);
                let ((above, name), (below, new)) = (self.place(from), self.place(to));
                if above == below {
                    self.change(above, Change::Moved(name, new, node));
                } else {
                    self.change(above, Change::Gone(name));
                    self.change(below, Change::Put(new, node));
                }
            }
            Operation::Remove(path) => {
                let (above, name) = self.place(path);
                self.empty(self.find(path));
                self.change(above, Change::Gone(name));
            }
            Operation::Sync(path) => {
                let node = self.find(path);
                match &mut self.nodes[node] {
                    Node::Directory { synced, since } => since.drain(..).for_each(|change| change.apply(synced)),
                    Node::File { synced, since } => {
                        *synced = bytes(synced, since, Fate::Kept);
                        since.clear();
                    }
                    Node::Link(_) => panic!("a link cannot be synced: {}", path.display()),
                }
            }
            Operation::Told(_) => {}
        }
    }

    fn put(&mut self, path: &Path, node: Node) {
        self.nodes.push(node);
        let (above, name) = self.place(path);
        self.change(above, Change::Put(name, self.nodes.len() - 1));
    }

    /// Removes what is in a directory, name by name.
    fn empty(&mut self, node: usize) {
        for (name, below) in self.names(node) {
            self.empty(below);
            self.change(node, Change::Gone(name));
        }
    }

    fn change(&mut self, directory: usize, change: Change) {
        match &mut self.nodes[directory] {
            Node::Directory { since, .. } => since.push(change),
            other => panic!("{change:?} in {other:?}"),
        }
    }

    fn since(&mut self, path: &Path) -> &mut Vec<Data> {
        let node = self.find(path);
        match &mut self.nodes[node] {
            Node::File { since, .. } => since,
            other => panic!("`{}` is {other:?}", path.display()),
        }
    }

    /// The names in a directory as programs see them.
    fn names(&self, node: usize) -> BTreeMap<OsString, usize> {
        let Node::Directory { synced, since } = &self.nodes[node] else { return BTreeMap::new() };
        let mut names = synced.clone();
        since.iter().for_each(|change| change.apply(&mut names));
        names
    }

    fn find(&self, path: &Path) -> usize {
        let below = path.strip_prefix(&self.top).expect("below the directory");
        below.iter().fold(0, |node, name| {
            *self.names(node).get(name).unwrap_or_else(|| panic!("`{}` is not there", path.display()))
        })
    }

    /// The directory that a path's last name is in.
    fn place(&self, path: &Path) -> (usize, OsString) {
        let above = path.parent().expect("a path with a name");
        (self.find(above), path.file_name().expect("a name").to_owned())
    }

    /// What is left if some names are kept and bytes have their fates.
    fn image(&self, keeps: &mut dyn FnMut(&Change) -> bool, fate: &mut dyn FnMut(usize) -> Fate) -> Image {
        let mut image = Image::new();
        self.collect(0, Path::new(""), keeps, fate, &mut image);
        image
    }

    fn collect(
        &self,
        node: usize,
        path: &Path,
        keeps: &mut dyn FnMut(&Change) -> bool,
        fate: &mut dyn FnMut(usize) -> Fate,
        image: &mut Image,
    ) {
        let left = match &self.nodes[node] {
            Node::File { synced, since } => Left::File(bytes(synced, since, fate(node))),
            Node::Link(target) => Left::Link(target.clone()),
            Node::Directory { synced, since } => {
                let mut names = synced.clone();
                since.iter().filter(|change| keeps(change)).for_each(|change| change.apply(&mut names));
                for (name, below) in names {
                    self.collect(below, &path.join(name), keeps, fate, image);
                }
                Left::Directory
            }
        };
        if path != Path::new("") {
            image.insert(path.to_owned(), left);
        }
    }
}

fn bytes(synced: &[u8], since: &[Data], fate: Fate) -> Vec<u8> {
    let mut all = synced.to_vec();
    if fate == Fate::Lost {
        return all;
    }
    let added: Vec<usize> = (0..since.len()).filter(|at| matches!(since[*at], Data::Added(_))).collect();
    let (first, last) = (added.first(), added.last());
    for (number, data) in since.iter().enumerate() {
        match data {
            Data::Cut(length) => all.truncate(*length),
            Data::Added(bytes) => {
                let half = bytes.len() / 2;
                let mut bytes = bytes.clone();
                match fate {
                    Fate::Torn if last == Some(&number) => bytes.truncate(half),
                    Fate::Zeroed if last == Some(&number) => bytes.fill(0),
                    Fate::Headless if last == Some(&number) => bytes[..half].fill(0),
                    Fate::Holed if first == Some(&number) && first != last => bytes.fill(0),
                    _ => {}
                }
                all.extend(bytes);
            }
        }
    }
    all
}
