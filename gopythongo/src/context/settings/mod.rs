//! A team's own typed settings, and where each value comes from. Knows nothing of pipelines.
//!
//! Settings are a type of the team's with serde's `Serialize` and `Deserialize`. Its fields are the keys, its types what a value
//! has to be, its defaults the first layer. Over it lie, each over the one before: `pipeline.toml` beside `pipeline.rs`,
//! files given by `--settings FILE`, variables `PIPELINE_*`, and `--set key=value`:
//!
//! ```
//! use gopythongo::prelude::*;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! #[serde(default)]
//! pub struct Settings { port: u16, workers: Vec<String>, mail: Option<SecretFrom> }
//!
//! impl Default for Settings {
//!     fn default() -> Self {
//!         Self { port: 8080, workers: vec!["local".to_owned()], mail: None }
//!     }
//! }
//!
//! pub fn pipeline(settings: Settings) -> Pipeline {
//!     let production = Environment::new("production", Master).port(settings.port);
//!     let production = settings.workers.into_iter().fold(production, Environment::host).unattended("an example");
//!     let shop = application("shop").source("apps/shop").virtualenv("/opt/shop").deb(Deb::new()).publish();
//!     Pipeline::new("storefront").job(shop).job(deployment("shop-live", "shop").environment(production))
//! }
//!
//! // fn main() -> ExitCode { gopythongo::main(pipeline) }
//! # assert!(!pipeline(Settings::default()).jobs.is_empty());
//! ```
//!
//! `port = 8081` in `pipeline.toml`, `PIPELINE_PORT=8081` and `--set port=8081` say the same. A key in a table is `deploy.port` in
//! `--set`, and `PIPELINE_DEPLOY__PORT` as a variable; a list is `a,b` in both. What is no key of the type is an error. `config` prints
//! every value and where it comes from.

mod error;
mod layers;
mod listing;
mod node;
mod reader;

pub use error::SettingsError;
pub use layers::Layers;
pub use listing::Setting;
pub use node::Origin;

use serde::{Serialize, de::DeserializeOwned};

/// Reads settings from all layers, and lists every value that they have then.
///
/// # Errors
/// When a layer cannot be read, has a key that the type has not, or a value that is not of its type, or one that has no default is
/// missing.
pub fn load<S: Serialize + DeserializeOwned>(layers: &Layers) -> Result<(S, Vec<Setting>), SettingsError> {
    let tree = layers.read()?;
    let settings: S = reader::read(&tree)?;
    let listed = listing::list(&settings, &tree);
    Ok((settings, listed))
}

/// Refuses all layers of a pipeline that takes no settings. Variables are not looked at: somebody else's may have such names.
///
/// # Errors
/// When one has a value.
pub fn refuse(layers: &Layers) -> Result<(), SettingsError> {
    let own = Layers { variables: crate::ci::Variables::default(), ..layers.clone() };
    match own.read()?.first() {
        None => Ok(()),
        Some((key, origin)) => {
            Err(SettingsError::new(format!("{origin}: `{key}` is set, and this pipeline takes no settings"))
                .hint("let `pipeline.rs` have `pub fn pipeline(settings: Settings) -> Pipeline`, or set nothing"))
        }
    }
}

#[cfg(test)]
mod tests;
