//! What makes a pipeline: a function, of settings if it takes any.

use serde::{Serialize, de::DeserializeOwned};

use super::Pipeline;
use crate::context::settings::{Layers, Setting, SettingsError, load, refuse};

/// What [`main`](crate::main) takes: `fn() -> Pipeline`, or `fn(settings) -> Pipeline` of a type with serde's `Serialize` and
/// `Deserialize`. `A` is what the function takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not make a pipeline",
    label = "expected `fn() -> Pipeline`, or `fn(Settings) -> Pipeline` with `#[derive(Serialize, Deserialize)] struct Settings`"
)]
pub trait Declares<A> {
    /// The pipeline, and the settings that it was made of.
    ///
    /// # Errors
    /// When the settings cannot be read.
    fn declare(self, layers: &Layers) -> Result<(Pipeline, Vec<Setting>), SettingsError>;
}

impl<F: FnOnce() -> Pipeline> Declares<()> for F {
    fn declare(self, layers: &Layers) -> Result<(Pipeline, Vec<Setting>), SettingsError> {
        refuse(layers)?;
        Ok((self(), Vec::new()))
    }
}

impl<S: Serialize + DeserializeOwned, F: FnOnce(S) -> Pipeline> Declares<(S,)> for F {
    fn declare(self, layers: &Layers) -> Result<(Pipeline, Vec<Setting>), SettingsError> {
        let (settings, listed) = load(layers)?;
        Ok((self(settings), listed))
    }
}
