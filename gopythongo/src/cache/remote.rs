//! Outcomes that other machines share: read when this machine has none, written behind the steps.
//!
//! One object, the index, holds the latest outcomes of every step; a run that finds everything in it reads nothing else but
//! artifacts. Blobs are put first, then the outcome with its key, then the index: nothing refers to what is absent.

use std::{
    collections::{BTreeMap, HashMap},
    io::{Read, Write},
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use super::{
    BUCKET, Parts,
    entry::{Entry, Reuse},
    latest::{Latest, today},
};
use crate::{
    run::{Artifact, Outcome},
    shared::SharedState,
    store::Blobs,
    support::Digest,
};

/// How many outcomes of a step are in the index: branches take turns.
const KEPT: usize = 4;

/// After how many days an outcome leaves the index.
const OLD: u64 = 90;

/// How many threads bring outcomes away: most of what they do is waiting.
const THREADS: usize = 4;

/// Outcomes in shared state.
#[derive(Debug)]
pub(super) struct Remote {
    state: Arc<SharedState>,
    index: OnceLock<Index>,
    behind: Mutex<Option<Behind>>,
}

/// The index, by step: lines from the oldest to the latest.
#[derive(Debug, Default)]
struct Index(HashMap<String, Vec<Line>>);

/// `DIGEST DAY STEP JSON`, divided by tabs.
#[derive(Debug, Clone)]
struct Line {
    digest: Digest,
    day: u64,
    json: String,
}

/// What is on its way to shared state.
#[derive(Debug)]
struct Behind {
    sender: Sender<Parcel>,
    threads: Vec<JoinHandle<Vec<(String, Line)>>>,
}

/// An outcome on its way.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) step: String,
    pub(super) digest: Digest,
    pub(super) entry: Vec<u8>,
    pub(super) outcome: Outcome,
    pub(super) run: String,
    /// What the sources in its key consisted of, by their digests.
    pub(super) sources: Vec<(String, PathBuf)>,
    /// Where its artifacts are.
    pub(super) blobs: Blobs,
}

impl Remote {
    pub(super) fn new(state: Arc<SharedState>) -> Self {
        Self { state, index: OnceLock::new(), behind: Mutex::default() }
    }

    /// What a step left with this key, and the run in which it did; its artifacts are among the blobs then.
    pub(super) fn find(&self, step: &str, parts: &Parts, digest: &Digest, blobs: &Blobs) -> Option<(Outcome, String)> {
        let Latest { run, outcome, .. } = self.outcome(step, parts, digest)?;
        let here = |artifact: &Artifact| {
            let found = blobs.path(&artifact.digest).metadata();
            found.is_ok_and(|found| found.len() == artifact.size)
                || self.state.fetch_blob(&artifact.digest, artifact.size, blobs)
        };
        outcome.artifacts.values().all(here).then_some((outcome, run))
    }

    /// What a step left with this key, its artifacts apart.
    pub(super) fn outcome(&self, step: &str, parts: &Parts, digest: &Digest) -> Option<Latest> {
        let latest = self.index().0.get(step).and_then(|lines| lines.iter().rev().find(|line| line.digest == *digest));
        latest.and_then(|line| serde_json::from_str(&line.json).ok()).or_else(|| {
            let entry = self.entry(digest).filter(|entry| entry.step == step && entry.parts == *parts)?;
            Some(Latest::new(entry.run, entry.outcome, entry.reuse))
        })
    }

    /// The parts of the key with which a step passed last anywhere, and what their sources consist of.
    pub(super) fn last(&self, step: &str) -> Option<Entry> {
        let line = self.index().0.get(step)?.last()?;
        self.entry(&line.digest)
    }

    /// What a source consisted of.
    pub(super) fn source(&self, digest: &str) -> Option<Vec<u8>> {
        self.state.read(&format!("{BUCKET}/sources/{digest}"))
    }

    fn entry(&self, digest: &Digest) -> Option<Entry> {
        let name = format!("{BUCKET}/entries/{digest}");
        let bytes = self.state.read(&name)?;
        let entry = Entry::from_bytes(&bytes).ok();
        if entry.is_none() {
            self.state.damaged(&name, "it is not what its digest says");
        }
        entry.filter(|entry| entry.reuse.is_everywhere())
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let Some(bytes) = self.state.read(&index_name()) else { return Index::default() };
            Index::read(&bytes).unwrap_or_else(|| {
                self.state.damaged(&index_name(), "it is no index");
                Index::default()
            })
        })
    }

    /// Brings an outcome to shared state while the run goes on.
    pub(super) fn bring(&self, parcel: Parcel) {
        if !self.state.may_write() {
            return;
        }
        let mut behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = behind.get_or_insert_with(|| Behind::begin(&self.state));
        // without threads it is not shared
        let _ = behind.sender.send(parcel);
    }

    /// Waits until everything is there, and says so in the index.
    pub(super) fn finish(&self) {
        let behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Behind { sender, threads }) = behind else { return };
        drop(sender);
        let brought: Vec<(String, Line)> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect();
        if brought.is_empty() {
            return;
        }
        self.state.change(&index_name(), |found| {
            // a damaged one is written anew
            let mut index = found.and_then(Index::read).unwrap_or_default();
            brought.iter().for_each(|(step, line)| index.add(step, line.clone()));
            index.write()
        });
    }
}

impl Behind {
    fn begin(state: &Arc<SharedState>) -> Self {
        let (sender, receiver) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let spawn = |_| {
            let (state, receiver) = (state.clone(), receiver.clone());
            thread::Builder::new().name("shared".to_owned()).spawn(move || bring_all(&state, &receiver)).ok()
        };
        Self { sender, threads: (0..THREADS).filter_map(spawn).collect() }
    }
}

/// Brings away what comes, until nothing comes any more; gives what is there then.
fn bring_all(state: &SharedState, parcels: &Mutex<Receiver<Parcel>>) -> Vec<(String, Line)> {
    let next = || parcels.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    let mut brought = Vec::new();
    while let Some(parcel) = next() {
        brought.extend(bring_one(state, parcel));
    }
    brought
}

fn bring_one(state: &SharedState, parcel: Parcel) -> Option<(String, Line)> {
    let Parcel { step, digest, entry, outcome, run, sources, blobs } = parcel;
    for artifact in outcome.artifacts.values() {
        if !state.put_blob(&artifact.digest, artifact.size, blobs.path(&artifact.digest)) {
            return None;
        }
    }
    for (digest, path) in sources {
        // only an explanation is worse without it
        if let Ok(bytes) = std::fs::read(path) {
            state.put(&format!("{BUCKET}/sources/{digest}"), bytes);
        }
    }
    if !state.put(&format!("{BUCKET}/entries/{digest}"), entry) {
        return None;
    }
    let json = serde_json::to_string(&Latest::new(run, outcome, Reuse::Everywhere)).ok()?;
    Some((step, Line { digest, day: today(), json }))
}

fn index_name() -> String {
    format!("{BUCKET}/latest")
}

impl Index {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut text = String::new();
        GzDecoder::new(bytes).read_to_string(&mut text).ok()?;
        let mut index = Self::default();
        for line in text.lines() {
            let mut words = line.splitn(4, '\t');
            let (digest, day, step, json) = (words.next()?, words.next()?, words.next()?, words.next()?);
            let line = Line { digest: digest.parse().ok()?, day: day.parse().ok()?, json: json.to_owned() };
            index.0.entry(step.to_owned()).or_default().push(line);
        }
        Some(index)
    }

    fn add(&mut self, step: &str, line: Line) {
        let lines = self.0.entry(step.to_owned()).or_default();
        lines.retain(|known| known.digest != line.digest);
        lines.push(line);
        let surplus = lines.len().saturating_sub(KEPT);
        lines.drain(..surplus);
    }

    /// The index without what is old.
    fn write(&self) -> Option<Vec<u8>> {
        let today = today();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let sorted: BTreeMap<_, _> = self.0.iter().collect();
        for (step, lines) in sorted {
            for Line { digest, day, json } in lines.iter().filter(|line| line.day + OLD >= today) {
                writeln!(gzip, "{digest}\t{day}\t{step}\t{json}").ok()?;
            }
        }
        gzip.finish().ok()
    }
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
