//! How a step is run beside others and over time, whatever it does: its weight, what it wants for itself, what is kept of it.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{AnyStep, Step};

/// How often a step is tried again, by default, when something broke that it does not answer for.
const RETRIES: u32 = 2;

/// How a step is run, whatever it does. Part of the plan, and of no key: the outcome is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manner {
    /// How many places of `--jobs` it takes; 1 by default. What is heavier than all of them runs alone.
    pub weight: usize,
    /// What no other step that names it uses at the same time: `database`.
    pub exclusive: BTreeSet<String>,
    /// Whether it reads something that no key can hold, so that its outcome is not for later runs.
    pub volatile: bool,
    /// How often it is tried again when something broke that it does not answer for.
    pub retries: u32,
}

impl Default for Manner {
    fn default() -> Self {
        Self { weight: 1, exclusive: BTreeSet::new(), volatile: false, retries: RETRIES }
    }
}

impl Manner {
    /// Whether nothing was said about it.
    #[must_use]
    pub fn is_ordinary(&self) -> bool {
        *self == Self::default()
    }

    /// With what its job says of all its steps: of two weights the greater one, of retries what is not the default.
    #[must_use]
    pub fn within(&self, job: &Self) -> Self {
        Self {
            weight: self.weight.max(job.weight),
            exclusive: self.exclusive.union(&job.exclusive).cloned().collect(),
            volatile: self.volatile || job.volatile,
            retries: if self.retries == RETRIES { job.retries } else { self.retries },
        }
    }

    /// In words, for whoever reads the plan: `weight 2, alone with database, volatile`. Nothing for an ordinary one.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        if self.weight != 1 {
            words.push(format!("weight {}", self.weight));
        }
        if !self.exclusive.is_empty() {
            let names: Vec<&String> = self.exclusive.iter().collect();
            words.push(format!("alone with {}", crate::support::words::list(&names)));
        }
        if self.volatile {
            words.push("volatile".to_owned());
        }
        if self.retries != RETRIES {
            words.push(crate::support::words::count(self.retries as usize, "retry"));
        }
        words.join(", ")
    }
}

/// A step and how it is to be run: what [`Mannered`] makes.
#[derive(Debug, Clone)]
#[must_use]
pub struct InManner {
    step: AnyStep,
    manner: Manner,
}

/// What `.step(..)` takes: a step, with or without a manner.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step",
    label = "expected a step with its options, as in `Pytest::new().version(\"8.3\")`",
    note = "a type of your own is a step when it implements `gopythongo::run::Step`"
)]
pub trait Mannered: Sized {
    /// The step, and how it is to be run.
    #[doc(hidden)]
    fn parts(self) -> (AnyStep, Manner);

    /// Lets the step take so many places of `--jobs`, for one that keeps several processors busy; 1 by default.
    ///
    /// ```no_run
    /// use gopythongo::prelude::*;
    ///
    /// let money = library("money").step(Pytest::new().args(["-n", "4"]).weight(4));
    /// ```
    fn weight(self, weight: usize) -> InManner {
        in_manner(self, |manner| manner.weight = weight.max(1))
    }

    /// Keeps the step apart from every other one that names the same thing; none by default.
    ///
    /// ```no_run
    /// use gopythongo::prelude::*;
    ///
    /// let money = library("money").step(Pytest::new().exclusive("database"));
    /// let shop = application("shop").step(CommandStep::new("migrations", ["./migrate.sh"]).exclusive("database"));
    /// ```
    fn exclusive(self, thing: impl Into<String>) -> InManner {
        in_manner(self, |manner| {
            manner.exclusive.insert(thing.into());
        })
    }

    /// Says that the step reads what no key can hold: the network, a service, a clock. It runs in every run; by default a
    /// step runs again only when something that it reads has changed.
    fn volatile(self) -> InManner {
        in_manner(self, |manner| manner.volatile = true)
    }

    /// Sets how often the step is tried again when something broke that it does not answer for: a connection, a server; 2 by
    /// default. A red test is never tried again.
    fn retries(self, retries: u32) -> InManner {
        in_manner(self, |manner| manner.retries = retries)
    }
}

impl<S: Step> Mannered for S {
    fn parts(self) -> (AnyStep, Manner) {
        (Arc::new(self), Manner::default())
    }
}

impl Mannered for InManner {
    fn parts(self) -> (AnyStep, Manner) {
        (self.step, self.manner)
    }
}

fn in_manner(step: impl Mannered, change: impl FnOnce(&mut Manner)) -> InManner {
    let (step, mut manner) = step.parts();
    change(&mut manner);
    InManner { step, manner }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::Pytest;

    #[test]
    fn a_manner_is_said_in_any_order_and_read_in_words() {
        let (step, manner) = Pytest::new().weight(2).exclusive("database").volatile().retries(1).parts();
        assert_eq!(step.kind(), "pytest");
        assert_eq!(manner.words(), "weight 2, alone with database, volatile, 1 retry");
        assert!(Pytest::new().parts().1.is_ordinary() && Manner::default().words().is_empty());
    }

    #[test]
    fn a_job_adds_to_what_its_steps_say() {
        let job = Manner { weight: 2, exclusive: ["database".to_owned()].into(), retries: 0, ..Manner::default() };
        let (_, step) = Pytest::new().weight(3).exclusive("port").parts();
        assert_eq!(step.within(&job).words(), "weight 3, alone with database and port, 0 retries");
        assert_eq!(Manner::default().within(&Manner::default()), Manner::default());
    }
}
