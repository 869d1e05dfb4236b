//! The world of a simulation: the store, the hosts and the servers that effects change, and the sources that builds read.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError},
};

use rustix::process::{Pid, test_kill_process};

use super::{schedule::Mishap, seen::Seen};
use crate::{
    cache,
    deploy::{Hosts, SimulatedHosts},
    plan::Lowered,
    run::{Failure, Rehearsal},
    store::{Kept, Memory, Store},
    support::Digest,
};

/// Where the files of simulations are, if it is there: a file system in memory.
const IN_MEMORY: &str = "/dev/shm";

/// What the directories of worlds are called, before the id of their process.
const PREFIX: &str = "simulation-";

/// A world in which nothing is real but what decides.
#[derive(Debug)]
pub(super) struct World {
    /// Below it are the journals and the blobs.
    pub(super) directory: tempfile::TempDir,
    pub(super) store: Store,
    pub(super) cache: cache::Memory,
    memory: Memory,
    pub(super) hosts: SimulatedHosts,
    state: Mutex<State>,
}

/// What is not in the store, and on no host.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// How often each source was changed, by job.
    pub(super) revisions: BTreeMap<String, u64>,
    /// Percent, by job, where a test says it.
    pub(super) coverage: BTreeMap<String, f64>,
    /// How often effects of the team's own changed something, by step.
    pub(super) elsewhere: BTreeMap<String, u32>,
    /// With what each step passed, ever.
    pub(super) passed: BTreeMap<String, BTreeSet<Subject>>,
    /// What somebody approved, by environment and application.
    pub(super) approved: BTreeSet<(String, String, Digest)>,
}

/// What a step looked at: its own job's build, and the packages of the pipeline that it saw, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    pub(super) own: Digest,
    pub(super) seen: BTreeMap<String, Digest>,
}

impl Subject {
    /// Names and digests of what was seen, a line each.
    pub(super) fn lock(&self) -> String {
        self.seen.iter().map(|(name, digest)| format!("{name} {digest}\n")).collect()
    }
}

/// A world at some moment.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    kept: Kept,
    known: cache::Known,
    hosts: Hosts,
    state: State,
}

impl World {
    /// An empty world: nothing was ever built.
    pub(super) fn new() -> std::io::Result<Self> {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| sweep(Path::new(IN_MEMORY)));
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        let directory = builder.tempdir_in(IN_MEMORY).or_else(|_| builder.tempdir())?;
        let (store, memory) = Store::in_memory(directory.path());
        let blobs = directory.path().join("blobs");
        std::fs::create_dir_all(&blobs)?;
        let cache = cache::Memory::new(&blobs);
        Ok(Self { directory, store, cache, memory, hosts: SimulatedHosts::default(), state: Mutex::default() })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn moment(&self) -> Moment {
        let (kept, known) = (self.memory.kept(), self.cache.known());
        Moment { kept, known, hosts: self.hosts.kept(), state: self.state().clone() }
    }

    pub(super) fn put_back(&self, moment: &Moment) {
        self.memory.put_back(moment.kept.clone());
        self.cache.put_back(moment.known.clone());
        self.hosts.put_back(moment.hosts.clone());
        *self.state() = moment.state.clone();
    }

    /// The state directory of all runs.
    pub(super) fn state_directory(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// The digest of a job's source.
    pub(super) fn source(&self, job: &str) -> Digest {
        self.state().source(job)
    }

    /// Somebody approves what an environment was last asked to take; `false` if that is nothing new.
    pub(super) fn approve(&self, environment: &str, application: &str) -> bool {
        self.hosts.approve(environment, application).is_some_and(|digest| {
            self.state().approved.insert((environment.to_owned(), application.to_owned(), digest))
        })
    }
}

/// Removes what simulations left whose processes were killed: memory is scarcer than disk.
fn sweep(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let of = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok());
        let of = of.and_then(Pid::from_raw);
        if of.is_some_and(|process| test_kill_process(process) == Err(rustix::io::Errno::SRCH)) {
            // another one may do so, too
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl State {
    /// The digest of a job's source.
    pub(super) fn source(&self, job: &str) -> Digest {
        Digest::of(format!("source of {job}, revision {}", self.revisions.get(job).copied().unwrap_or(1)))
    }
}

/// One run in a world, with what is to go wrong in it.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) world: Arc<World>,
    pub(super) upstream: Arc<BTreeMap<String, Vec<String>>>,
    pub(super) lowered: Arc<Lowered>,
    pub(super) channel: String,
    pub(super) rehearsal: Arc<Rehearsal>,
    pub(super) claims: Vec<Claim>,
    pub(super) progress: Mutex<Progress>,
}

/// Something that must hold at every moment: what it is called, and why it does not.
#[derive(Clone)]
pub(super) struct Claim {
    pub(super) name: String,
    pub(super) holds: Arc<dyn Fn(&Seen<'_>) -> bool + Send + Sync>,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// What has happened in an act.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    /// What is still to go wrong, by step.
    pub(super) faults: BTreeMap<String, Mishap>,
    /// Steps that begin in vain, whenever.
    pub(super) fails: BTreeSet<String>,
    /// Steps that began, in order.
    pub(super) began: Vec<String>,
    /// Effects that happened.
    pub(super) happened: BTreeSet<String>,
    /// The run's id.
    pub(super) run: String,
    /// The run's journal, and how long it was when the run was killed.
    pub(super) journal: PathBuf,
    pub(super) killed: Option<u64>,
    /// What did not hold.
    pub(super) broken: Vec<String>,
    /// The last generation that was looked at.
    pub(super) generation: u64,
}

impl Progress {
    /// What the resumption of a run begins with.
    pub(super) fn afterwards(self) -> Self {
        Self { faults: BTreeMap::new(), fails: BTreeSet::new(), began: Vec::new(), killed: None, ..self }
    }
}

impl Act {
    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step begins: others may go first, and it may be that it fails.
    pub(super) fn begin(&self, step: &str) -> Result<Option<Mishap>, Failure> {
        self.pause()?;
        let mut progress = self.progress();
        progress.began.push(step.to_owned());
        let fault = progress.faults.remove(step);
        if fault == Some(Mishap::Fails) || progress.fails.contains(step) {
            return Err(Failure::new(format!("`{step}` fails, as it was told to")));
        }
        Ok(fault)
    }

    /// Lets others go on. When it returns, the run may have been killed.
    pub(super) fn pause(&self) -> Result<(), Failure> {
        self.rehearsal.pause();
        match self.progress().killed {
            Some(_) => Err(Failure::new("the run was killed")),
            None => Ok(()),
        }
    }

    /// Kills the run: what its books say from now on was never written.
    pub(super) fn kill(&self) -> Failure {
        let mut progress = self.progress();
        let length = std::fs::metadata(&progress.journal).map(|journal| journal.len()).unwrap_or_default();
        progress.killed.get_or_insert(length);
        Failure::new("the run was killed")
    }

    /// Takes away what a killed run wrote into its journal when it was dead. Should that fail, the journal says that the run
    /// ended, which the executor does not mind.
    pub(super) fn cut_journal(&self) {
        let progress = self.progress();
        if let Some(length) = progress.killed {
            let opened = std::fs::OpenOptions::new().write(true).open(&progress.journal);
            let _ = opened.and_then(|journal| journal.set_len(length));
        }
    }

    /// The names of the packages that are built upstream of a job, near or far.
    pub(super) fn upstream(&self, job: &str) -> &[String] {
        self.upstream.get(job).map_or(&[], Vec::as_slice)
    }

    /// The digest of a release's wheel.
    pub(super) fn wheel(release: &crate::store::Release) -> Digest {
        release.files.first().map_or(release.payload, |file| file.digest)
    }

    pub(super) fn blob(&self, digest: &Digest) -> PathBuf {
        cache::blob_path(&self.world.directory.path().join("blobs"), digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_killed_simulations_left_is_removed_and_nothing_else() {
        let directory = tempfile::tempdir().expect("space");
        // it has ended, and was waited for: its number is free
        let mut ended = std::process::Command::new("true").spawn().expect("coreutils");
        ended.wait().expect("it ends");
        let dead = format!("simulation-{}-abc", ended.id());
        let others = [format!("simulation-{}-abc", std::process::id()), "simulation-abc".to_owned(), "kept".to_owned()];
        for name in others.iter().chain([&dead]) {
            std::fs::create_dir_all(directory.path().join(name).join("blobs")).expect("space");
        }
        sweep(directory.path());
        assert!(!directory.path().join(dead).exists());
        assert!(others.iter().all(|name| directory.path().join(name).exists()));
    }
}
