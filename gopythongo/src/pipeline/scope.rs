//! `.on` and `.except`: the conditions that steps are declared under.

use std::fmt;

use super::{Diagnostic, Location};
use crate::context::Kinds;

/// Whether the kinds of a condition are the steps' own or are taken from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    /// `.on`: replaces the steps' default kinds.
    On,
    /// `.except`: subtracts from them.
    Except,
}

/// One `.on` or `.except` that a chain stands in.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) condition: Condition,
    pub(super) kinds: Kinds,
    pub(super) location: Location,
    /// Whether any step inside has other kinds because of it.
    pub(super) changed: bool,
    /// The lines of the steps inside.
    pub(super) steps: Vec<Location>,
}

impl Scope {
    pub(super) fn new(condition: Condition, kinds: Kinds, location: Location) -> Self {
        Self { condition, kinds, location, changed: false, steps: Vec::new() }
    }

    /// The method that made it: `on`, `except`.
    pub(super) fn name(&self) -> &'static str {
        match self.condition {
            Condition::On => "on",
            Condition::Except => "except",
        }
    }

    /// The kinds of a step under conditions: those that all `.on` share (its defaults without any), less those of each `.except`.
    pub(super) fn kinds<'a>(scopes: impl Iterator<Item = &'a Self>, defaults: Kinds) -> Kinds {
        let (mut on, mut except) = (None, Kinds::NONE);
        for scope in scopes {
            match scope.condition {
                Condition::On => on = Some(on.unwrap_or(Kinds::ALL).and(scope.kinds)),
                Condition::Except => except = except.or(scope.kinds),
            }
        }
        on.unwrap_or(defaults).without(except)
    }

    /// The warning for a condition without consequence.
    pub(super) fn doubt(&self) -> Option<Diagnostic> {
        let Some(first) = self.steps.first() else {
            return Some(Diagnostic::warning(format!("`{self}` contains no step"), &self.location));
        };
        if self.changed {
            return None;
        }
        let message = format!("`{self}` changes nothing: the steps inside run in the same builds without it");
        Some(Diagnostic::warning(message, &self.location).and("the first of them", first))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<String> = self.kinds.iter().map(|kind| format!("{kind:?}")).collect();
        write!(f, ".{}({}, …)", self.name(), kinds.join(" | "))
    }
}
