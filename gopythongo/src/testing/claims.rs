//! Claims about what became of a simulated run. One that does not hold panics with what became of each step; each gives the
//! simulation back.

use std::collections::BTreeSet;

use super::{seen::Seen, simulation::Simulation};
use crate::{event::StepOutcome, support::words};

impl Simulation {
    /// Claims that a step passed in the latest run, or was found done.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn passes(self, step: &str) -> Self {
        self.claim_outcome(step, &[StepOutcome::Passed, StepOutcome::Cached], "passed")
    }

    /// Claims that a step was found done in the latest run, and was not done again.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn finds_done(self, step: &str) -> Self {
        self.claim_outcome(step, &[StepOutcome::Cached], "was found done")
    }

    /// Claims that a step was done in the latest run, and not found done.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn does(self, step: &str) -> Self {
        self.claim_outcome(step, &[StepOutcome::Passed], "was done")
    }

    /// Claims that a step failed in the latest run.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn has_failed(self, step: &str) -> Self {
        self.claim_outcome(step, &[StepOutcome::Failed], "failed")
    }

    /// Claims that a step of the plan was not begun in the latest run.
    ///
    /// # Panics
    /// When it was.
    #[track_caller]
    pub fn does_not_begin(self, step: &str) -> Self {
        self.test.find_step(step);
        let began = self.progress.began.iter().any(|began| began == step);
        assert!(!began, "`{step}` began\n\n{}", self.story());
        self
    }

    /// Claims why a step ran in the latest run, or why it did not: some of the words of the reason.
    /// `.because("catalog/tox", "money")` claims that it names `money`.
    ///
    /// # Panics
    /// When these words are no part of the reason.
    #[track_caller]
    pub fn because(self, step: &str, words: &str) -> Self {
        self.test.find_step(step);
        let reason = self.last().steps.get(step).map(|became| became.reason.as_str()).unwrap_or_default();
        assert!(reason.contains(words), "the reason of `{step}` is `{reason}`\n\n{}", self.story());
        self
    }

    #[track_caller]
    fn claim_outcome(self, step: &str, wanted: &[StepOutcome], verb: &str) -> Self {
        self.test.find_step(step);
        let found = self.last().steps.get(step).and_then(|became| became.outcome);
        assert!(found.is_some_and(|found| wanted.contains(&found)), "not so: `{step}` {verb}\n\n{}", self.story());
        self
    }

    /// Claims that nothing was promoted in the latest run.
    ///
    /// # Panics
    /// When something was.
    #[track_caller]
    pub fn promotes_nothing(self) -> Self {
        let run = self.last().run.clone();
        let promoted = self.world.store.promoted(&run).ok().flatten();
        assert!(promoted.is_none(), "a set was promoted\n\n{}", self.story());
        self
    }

    /// Claims that the latest run promoted these packages, and no others.
    ///
    /// # Panics
    /// When it promoted other ones.
    #[track_caller]
    pub fn promotes<P: Into<String>>(self, packages: impl IntoIterator<Item = P>) -> Self {
        let run = self.last().run.clone();
        let promoted = self.world.store.promoted(&run).ok().flatten();
        let found: BTreeSet<String> = promoted.into_iter().flat_map(|promotion| promotion.set.into_keys()).collect();
        let wanted: BTreeSet<String> = packages.into_iter().map(Into::into).collect();
        let named = |names: &BTreeSet<String>| match names.len() {
            0 => "nothing".to_owned(),
            _ => words::list(&names.iter().collect::<Vec<_>>()),
        };
        assert!(found == wanted, "{} was promoted, not {}\n\n{}", named(&found), named(&wanted), self.story());
        self
    }

    /// Claims that the latest run has staged a package: a wheel, or a Debian package.
    ///
    /// # Panics
    /// When it has not.
    #[track_caller]
    pub fn stages(self, package: &str) -> Self {
        let staged = self.with_seen(|seen| seen.staged(package));
        assert!(staged.is_some(), "`{package}` is not staged\n\n{}", self.story());
        self
    }

    /// Claims which version of a package the channel shows.
    ///
    /// # Panics
    /// When it shows another one, or none.
    #[track_caller]
    pub fn shows(self, package: &str, version: &str) -> Self {
        let found = self.with_seen(|seen| seen.promoted(package));
        let shown = found.clone().unwrap_or_else(|| "none".to_owned());
        assert!(found.as_deref() == Some(version), "the channel shows {shown} of `{package}`\n\n{}", self.story());
        self
    }

    /// Claims which version of an application serves in an environment.
    ///
    /// # Panics
    /// When another one does, or none.
    #[track_caller]
    pub fn is_live(self, application: &str, environment: &str, version: &str) -> Self {
        let found = self.with_seen(|seen| seen.live(application, environment));
        let shown = found.clone().unwrap_or_else(|| "nothing".to_owned());
        assert!(found.as_deref() == Some(version), "{shown} is live in `{environment}`\n\n{}", self.story());
        self
    }

    /// Claims that the latest run waits until somebody approves a version of an application for an environment.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn waits(self, application: &str, environment: &str, version: &str) -> Self {
        let approvals = self.world.hosts.approvals(environment, application);
        let asked = approvals.asked_by(&self.last().run).filter(|asked| approvals.of(&asked.digest).is_none());
        let shown = asked.map_or("nothing", |asked| asked.version.as_str());
        assert!(shown == version, "{shown} waits for approval in `{environment}`\n\n{}", self.story());
        self
    }

    /// Claims that no version of an application serves in an environment.
    ///
    /// # Panics
    /// When one does.
    #[track_caller]
    pub fn is_not_live(self, application: &str, environment: &str) -> Self {
        let found = self.with_seen(|seen| seen.live(application, environment));
        assert!(found.is_none(), "{} is live in `{environment}`\n\n{}", found.unwrap_or_default(), self.story());
        self
    }

    /// Claims something of the world as it is now: `.holds(|seen| seen.promotions() == 1)`.
    ///
    /// # Panics
    /// When it does not hold.
    #[track_caller]
    pub fn holds(self, claim: impl FnOnce(&Seen<'_>) -> bool) -> Self {
        let holds = self.with_seen(claim);
        assert!(holds, "the claim does not hold\n\n{}", self.story());
        self
    }
}
