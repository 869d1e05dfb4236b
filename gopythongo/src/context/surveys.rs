//! The surveys of sources: those that are remembered, as everything that they looked at is what it was, and those that were made.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{stamp::Put, survey::Surveyed};

/// Surveys by their sources. Cheap to clone: clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Surveys(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    /// Whether those that are made are kept.
    keeps: bool,
    remembered: HashMap<PathBuf, Arc<SurveyText>>,
    made: HashMap<PathBuf, Arc<SurveyText>>,
}

/// A survey that is written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SurveyText {
    /// What was looked at, relative to the source, one after the other.
    pub(super) looked: Vec<u8>,
    /// The survey, in JSON.
    pub(super) survey: Vec<u8>,
}

impl Surveys {
    /// Keeps what is made from now on, and takes over what is remembered.
    pub(super) fn keep(&self, remembered: HashMap<PathBuf, Arc<SurveyText>>) {
        let mut held = self.held();
        held.keeps = true;
        held.remembered.extend(remembered);
    }

    /// The survey of a source: the one that is remembered, or a new one.
    pub(super) fn of(&self, source: &Path) -> Surveyed {
        let held = self.held();
        let (keeps, remembered) = (held.keeps, held.remembered.get(source).cloned());
        // others may be read meanwhile
        drop(held);
        if let Some(known) = remembered.and_then(|written| serde_json::from_slice(&written.survey).ok()) {
            return known;
        }
        let (surveyed, looked) = Surveyed::read(source);
        if keeps && let Ok(survey) = serde_json::to_vec(&surveyed) {
            let mut written = SurveyText { looked: Vec::new(), survey };
            looked.iter().for_each(|path| written.looked.put_text(path.as_os_str()));
            self.held().made.insert(source.to_owned(), Arc::new(written));
        }
        surveyed
    }

    /// Those that were made below a directory.
    pub(super) fn made(&self, below: &Path) -> HashMap<PathBuf, Arc<SurveyText>> {
        let held = self.held();
        let made = held.made.iter().filter(|(source, _)| source.starts_with(below));
        made.map(|(source, written)| (source.clone(), written.clone())).collect()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
