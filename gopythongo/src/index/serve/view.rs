//! What a view of the store shows.

use std::{collections::BTreeSet, sync::Arc};

use super::route::Selector;
use crate::store::{Generation, Release, Stage, Store, StoreError};

/// One view, of one generation: all that a request sees.
pub(super) struct View {
    generation: Arc<Generation>,
    channel: String,
    /// A run's staged releases, in its one view.
    stage: Option<Stage>,
    /// Whether only the newest release of a package is shown.
    newest: bool,
}

/// Where the views of runs are found that have no stage yet: their channels and generations.
pub(super) type Registered = std::collections::BTreeMap<String, (String, Option<u64>)>;

impl View {
    /// The view that a selector names; nothing if there is no such run or generation. `user` is the client's user name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn find(
        store: &Store,
        registered: &Registered,
        selector: &Selector,
        user: Option<&str>,
    ) -> Result<Option<Self>, StoreError> {
        match selector {
            Selector::Channel(channel) => Self::of(store.current()?, channel),
            Selector::Generation(number, channel) => match store.generation(*number) {
                Ok(generation) => Self::of(generation, channel),
                Err(_) => Ok(None),
            },
            Selector::Run(run) => Self::of_run(store, registered, run, true),
            Selector::User => match user {
                None => Ok(None),
                Some(user) => match user.strip_suffix(BASE) {
                    Some(run) => Self::of_run(store, registered, run, false),
                    None => Self::of_run(store, registered, user, true),
                },
            },
        }
    }

    fn of(generation: Arc<Generation>, channel: &str) -> Result<Option<Self>, StoreError> {
        Ok(Some(Self { generation, channel: channel.to_owned(), stage: None, newest: false }))
    }

    fn of_run(store: &Store, registered: &Registered, run: &str, staged: bool) -> Result<Option<Self>, StoreError> {
        // A name that can be no run's id is nobody's: it comes from a client.
        let stage = store.staged(run).ok().flatten();
        let (channel, number) = match (&stage, registered.get(run)) {
            (Some(stage), _) => (stage.channel.clone(), Some(stage.base)),
            (None, Some(registered)) => registered.clone(),
            (None, None) => return Ok(None),
        };
        let generation = number.map_or_else(|| store.current(), |number| store.generation(number))?;
        Ok(Some(Self { generation, channel, stage: stage.filter(|_| staged), newest: staged }))
    }

    /// Whether the store has a say in this name: then it never comes from upstream.
    pub(super) fn owns(&self, project: &str) -> bool {
        let staged = self.stage.as_ref().is_some_and(|stage| stage.staged.contains_key(project));
        staged || self.generation.channels.values().any(|channel| channel.packages.contains_key(project))
    }

    /// The releases of a package that this view shows, oldest promotion first.
    pub(super) fn releases(&self, project: &str) -> Vec<&Release> {
        if let Some(staged) = self.stage.as_ref().and_then(|stage| stage.staged.get(project)) {
            return vec![staged];
        }
        let releases = self.generation.releases(&self.channel, project);
        match releases.last() {
            Some(newest) if self.newest => vec![newest],
            _ => releases.iter().collect(),
        }
    }

    /// The names of all packages that this view shows of the store.
    pub(super) fn projects(&self) -> BTreeSet<&str> {
        let all = self.generation.channels.values().flat_map(|channel| channel.packages.keys());
        let staged = self.stage.iter().flat_map(|stage| stage.staged.keys());
        all.chain(staged).map(String::as_str).filter(|project| !self.releases(project).is_empty()).collect()
    }
}

/// What a run's id is followed by in the user name of its base view.
pub(super) const BASE: &str = ".base";
