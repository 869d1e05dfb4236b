//! What of the files outside a run reads: sources and programs, each once.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use super::Failure;
use crate::{
    cache::{BUCKET, Manifests},
    context::{Context, Listings, Repositories, SourceTree, StatCache},
    plan::{Action, Plan},
    support::{Digest, Written},
};

/// Source trees, each read once a run; files that have not changed since an earlier run are not even read.
pub(crate) struct Trees {
    /// Sources that are likely to be asked for: they are listed together.
    sources: Vec<PathBuf>,
    /// What is known of sources that have not changed since an earlier run.
    known: HashMap<PathBuf, Digest>,
    /// What they consist of is in this directory.
    written: PathBuf,
    listings: OnceLock<Listings>,
    read: Mutex<HashMap<PathBuf, Arc<OnceLock<ReadTree>>>>,
    programs: Mutex<HashMap<PathBuf, Digest>>,
    /// Where programs are on `PATH`, by their names.
    found: Mutex<HashMap<String, Option<PathBuf>>>,
    stats: StatCache,
    repositories: Repositories,
    manifests: Manifests,
}

/// Reads the sources that a plan's steps will ask for, on a thread of its own. What cannot be read is told to who asks.
pub(super) struct ReadAhead {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ReadAhead {
    pub(super) fn begin(trees: &Arc<Trees>, plan: &Written<Plan>) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let (trees, plan, told) = (trees.clone(), plan.clone(), ended.clone());
        let read = move || {
            let reading = plan.steps.iter().filter(|step| step.inputs.source && step.action == Action::Run);
            let mut before = None;
            for source in reading.filter_map(|step| step.source.as_deref()) {
                if told.load(Ordering::Relaxed) {
                    return;
                }
                if before.replace(source) != Some(source) {
                    let _ = trees.digest(source);
                }
            }
        };
        // without it, steps read for themselves
        Self { ended, thread: thread::Builder::new().name("read-ahead".to_owned()).spawn(read).ok() }
    }

    /// Reads no more.
    pub(super) fn end(mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// A source and its digest, or why it cannot be read.
type ReadTree = Result<(Arc<SourceTree>, Digest), Failure>;

impl Trees {
    pub(super) fn new(cache: &Path, context: &Context, manifests: &Manifests, repositories: Repositories) -> Self {
        Self {
            sources: context.jobs.values().map(|job| job.directory.clone()).collect(),
            known: repositories.sources(),
            written: cache.join(BUCKET).join("sources"),
            listings: OnceLock::new(),
            read: Mutex::default(),
            programs: Mutex::default(),
            found: Mutex::default(),
            stats: StatCache::open(&cache.join(BUCKET).join("stats")),
            manifests: manifests.clone(),
            repositories,
        }
    }

    pub(super) fn save(&self) {
        // without it the next run reads more
        let _ = self.stats.save();
        let Some(listings) = self.listings.get() else { return self.repositories.save(&[]) };
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let told = read.iter().filter_map(|(source, cell)| {
            let (_, digest) = cell.get()?.as_ref().ok()?;
            let top = listings.told_by(source)?;
            // where a step has to say what has changed, the files are asked for
            let is_written = self.written.join(digest.to_string()).exists();
            is_written.then(|| (top.to_owned(), source.clone(), *digest))
        });
        self.repositories.save(&told.collect::<Vec<_>>());
    }

    pub(super) fn get(&self, directory: &Path) -> Result<Arc<SourceTree>, Failure> {
        Ok(self.tree(directory)?.0)
    }

    pub(super) fn digest(&self, directory: &Path) -> Result<Digest, Failure> {
        match self.known.get(directory) {
            Some(digest) => Ok(*digest),
            None => Ok(self.tree(directory)?.1),
        }
    }

    fn tree(&self, directory: &Path) -> ReadTree {
        let cell = {
            let mut trees = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            match trees.get(directory) {
                Some(cell) => cell.clone(),
                None => trees.entry(directory.to_owned()).or_default().clone(),
            }
        };
        // others may read other sources meanwhile
        cell.get_or_init(|| {
            let listings = self.listings.get_or_init(|| Listings::of(&self.sources, &self.repositories));
            let tree = SourceTree::read_listed(directory, listings, &self.stats);
            let cannot = Failure::io("cannot read the source", directory);
            let tree = match tree {
                Ok(tree) => Arc::new(tree),
                Err(error) => return Err(cannot(error)),
            };
            let digest = self.manifests.know(&tree);
            // keys were made of what it was
            match self.known.get(directory) {
                Some(known) if *known != digest => {
                    Err(cannot(std::io::Error::other("it was changed while it was being used")))
                }
                _ => Ok((tree, digest)),
            }
        })
        .clone()
    }

    /// Where a program is on `PATH`, looked for once a run.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = found.get(name) {
            return path.clone();
        }
        let path = which::which(name).ok();
        found.insert(name.to_owned(), path.clone());
        path
    }

    /// The digest of a program, looked at once a run, and read only if it is not the file that an earlier run read.
    pub(super) fn program(&self, path: &Path) -> Result<Digest, Failure> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = programs.get(path) {
            return Ok(*digest);
        }
        let digest = self.stats.file(path).map_err(Failure::io("cannot read", path))?;
        programs.insert(path.to_owned(), digest);
        Ok(digest)
    }
}
