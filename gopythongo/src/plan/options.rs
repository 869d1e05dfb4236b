//! The options of a planned step, as text: of ten thousand steps nobody looks into most.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, value::RawValue};

/// What a step serialises to: JSON without spaces, the names of objects in order, so that equal options are equal texts.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct StepOptions(Box<RawValue>);

impl StepOptions {
    /// The text of a value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        // values always serialise
        Self(serde_json::value::to_raw_value(value).unwrap_or_default())
    }

    /// The value, to look into.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

impl PartialEq for StepOptions {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for StepOptions {}

impl fmt::Display for StepOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

impl fmt::Debug for StepOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for StepOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::of(&value))
    }
}
